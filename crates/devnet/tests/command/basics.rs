//! That it runs, tells what it does, and ends.

use kpthin_core::wire::AnyResponse;

use super::*;

#[test]
fn it_says_where_it_is_tells_of_connections_and_stops_when_it_is_interrupted() {
    let faults = ["--fault", "duplicate=0.5", "--fault", "replica-down=1"];
    let mut running = Running::start(&[&["--listen", "127.0.0.1:0", "--seed", "7"], &faults[..]].concat());
    let greeting = running.until("Ctrl-C");
    assert!(greeting.contains("on purpose: replica-down=1 duplicate=0.5\n"), "{greeting}");
    assert!(
        greeting.contains("It gives no anonymity.") && greeting.contains("profile instant, seed 7"),
        "{greeting}"
    );
    let client = Client::connect(&greeting);
    let _ = running.until("connection #0 opened over tcp");

    running.signal("INT");
    let responses = client.rest();
    assert!(matches!(responses.first(), Some(AnyResponse::ConnectionStatus(_))), "{responses:?}");
    assert!(matches!(responses.last(), Some(AnyResponse::Shutdown(_))), "{responses:?}");
    let _ = running.until("stopping: clients are told");
    let ended = running.ended();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    assert!(ended.out.contains("connection #0 closed: the daemon stops\n"), "{ended:?}");
}

#[test]
fn it_writes_the_configuration_and_takes_the_place_of_a_stale_socket() {
    let folder = Folder::new("config");
    let (socket, config) = (folder.text("socket"), folder.text("thinclient.toml"));
    // Nobody listens here any more.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    let mut running = Running::start(&["--unix", &socket, "--write-config", &config]);
    let _ = running.until("Ctrl-C");
    let written = std::fs::read_to_string(&config).expect("written");
    assert_eq!(written, format!("[Dial.Unix]\nAddress = {socket:?}\n"));
    let _ = Client::unix(&folder.at("socket")).keys();
    let _ = running.until("opened over unix");
    running.signal("TERM");
    assert_eq!(running.ended().code, Some(0));
    assert_eq!(folder.names(), ["thinclient.toml"]);
}

#[test]
fn a_body_of_null_crashes_the_reference_and_the_command_says_why() {
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--profile", "reference"]);
    let mut client = Client::connect(&running.until("Ctrl-C"));
    client.send_bytes(b"\0\0\0\x01\xf6");
    let responses = client.rest();
    assert!(!responses.iter().any(|response| matches!(response, AnyResponse::Shutdown(_))), "{responses:?}");
    let ended = running.ended();
    assert!(ended.code == Some(1) && ended.err.contains("body of null"), "{ended:?}");
}

#[test]
fn its_version_and_its_help_are_told() {
    let version = Running::start(&["--version"]).ended();
    assert_eq!(version.out, format!("kpthin-devnet {}\n", env!("CARGO_PKG_VERSION")));
    let help = Running::start(&["--help"]).ended();
    let examples = help.out.find("\nExamples:\n").expect(&help.out);
    assert!(
        help.out[..examples].contains("--listen") && !help.out[examples..].contains("\nOptions:"),
        "{}",
        help.out
    );
    // Each of the examples is a command line that is understood.
    let lines: Vec<_> = help.out[examples..].lines().filter(|line| line.contains("kpthin-devnet")).collect();
    assert!(lines.len() > 5, "{lines:?}");
    for line in lines {
        let (_, args) = line.split_once("kpthin-devnet").expect(line);
        // Refused for that alone, before anything is started.
        let args: Vec<_> = args.split_whitespace().chain(["--epoch", "0"]).collect();
        let error = failed(&args, 2);
        assert!(error.contains("0 is not in 1..=31536000"), "{line}: {error}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let error = failed(&["--listen", "0.0.0.0:0"], 1);
    assert!(
        error.contains("0.0.0.0:0 is not a loopback address") && error.contains("--allow-public"),
        "{error}"
    );
    let error = failed(&["--fault", "luck=1"], 2);
    assert!(error.contains("there are loss, reply-loss,"), "{error}");
    let error = failed(&["--listen", "127.0.0.1:0", "--fault", "replica-down=3"], 2);
    assert!(error.contains("there is no replica 3"), "{error}");
    let error = failed(&["--profile", "kind"], 2);
    assert!(error.contains("instant, reference, reference-2026-10"), "{error}");
    for flag in ["--write-config", "--ready-file"] {
        let error = failed(&["--listen", "127.0.0.1:0", flag, "/no/such/folder/file"], 1);
        assert!(error.contains("/no/such/folder/file: No such file or directory"), "{error}");
    }
}
