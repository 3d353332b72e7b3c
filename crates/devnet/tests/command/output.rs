//! What it prints, and that nobody has to read it.

use std::fs::File;
use std::process::Stdio;

use super::*;

/// It serves, whatever became of its output, and ends when it is asked to.
fn serves_and_ends(running: Running, socket: &std::path::Path) {
    for _ in 0..5 {
        let _ = Client::unix(socket).keys();
    }
    running.signal("TERM");
    let ended = running.ended();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn an_output_that_is_closed_after_a_line_stops_nobody() {
    let folder = Folder::new("head");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    let mut running = Running::start(&["--unix", &socket, "--ready-file", &ready]);
    let _ = running.until("It gives no anonymity.");
    running.stop_reading();
    let _ = running::wait_for(&folder.at("ready"));
    serves_and_ends(running, &folder.at("socket"));
}

#[test]
fn an_output_that_is_full_or_was_never_open_stops_nobody() {
    let folder = Folder::new("full-output");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    let args = ["--unix", &socket, "--ready-file", &ready];
    let full = File::options().write(true).open("/dev/full").expect("opened");
    let mut on_full = command(&args);
    let _ = on_full.stdout(full).stderr(Stdio::piped());
    let closed = &mut shell("exec \"$@\" >&-", &args);
    for command in [&mut on_full, closed.stderr(Stdio::piped())] {
        let running = Running::spawned(command);
        let _ = running::wait_for(&folder.at("ready"));
        serves_and_ends(running, &folder.at("socket"));
    }
    // Neither does one for errors change what is told by the exit code.
    let full = File::options().write(true).open("/dev/full").expect("opened");
    let status = command(&["--listen", "0.0.0.0:0"]).stderr(full).status().expect("run");
    assert_eq!(status.code(), Some(1));
}

#[test]
fn an_output_that_nobody_reads_stops_nobody_and_what_was_left_out_is_counted() {
    let folder = Folder::new("unread");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    let mut running = Running::start(&["--unix", &socket, "--ready-file", &ready]);
    let _ = running::wait_for(&folder.at("ready"));
    // More lines than a pipe and the queue in front of it hold.
    for _ in 0..3_000 {
        drop(std::os::unix::net::UnixStream::connect(&socket).expect("connected"));
    }
    let _ = Client::unix(&folder.at("socket")).keys();
    let seen = running.until("lines were left out here");
    assert!(seen.contains("Ctrl-C") && seen.contains("connection #0 opened over unix"), "{seen}");
    serves_and_ends(running, &folder.at("socket"));
}

#[test]
fn it_ends_though_nobody_reads_its_last_lines() {
    let folder = Folder::new("unread-end");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    let running = Running::start(&["--unix", &socket, "--ready-file", &ready]);
    let _ = running::wait_for(&folder.at("ready"));
    for _ in 0..3_000 {
        drop(std::os::unix::net::UnixStream::connect(&socket).expect("connected"));
    }
    running.signal("TERM");
    assert_eq!(running.ended().code, Some(0));
}

#[test]
fn quiet_says_nothing_but_what_ends_it() {
    let folder = Folder::new("quiet");
    for flags in [&["--quiet"][..], &["--log", "error"], &["--quiet", "--log", "debug"]] {
        let (socket, ready) = (folder.text("socket"), folder.text("ready"));
        let running = Running::start(&[&["--unix", &socket, "--ready-file", &ready], flags].concat());
        assert_eq!(running::wait_for(&folder.at("ready")), format!("{socket}\n"));
        let _ = Client::unix(&folder.at("socket")).keys();
        running.signal("TERM");
        let ended = running.ended();
        assert_eq!((ended.code, ended.out.as_str(), ended.err.as_str()), (Some(0), "", ""), "{flags:?}");
    }
    assert!(failed(&["--quiet", "--listen", "0.0.0.0:0"], 1).contains("is not a loopback address"));
}

#[test]
fn each_level_tells_what_it_promises() {
    let mut warn = command(&["--unix", "@kpthin-level", "--listen", "127.0.0.1:0", "--log", "warn"]);
    let mut warn = Running::spawn({
        let _ = warn.env("KPTHIN_DEVNET_LISTN", ":0");
        warn
    });
    let told = warn.until_error("KPTHIN_DEVNET_LISTN is set and stands for no flag");
    assert!(told.starts_with("kpthin-devnet: warning: "), "{told}");
    warn.signal("TERM");
    assert_eq!(warn.ended().out, "");

    let args = ["--listen", "127.0.0.1:0", "--seed", "7", "--profile", "reference", "--log"];
    let mut info = Running::start(&[&args[..], &["info"]].concat());
    let greeting = info.until("Ctrl-C");
    assert!(!greeting.contains("encrypt-time"), "{greeting}");
    info.signal("TERM");
    assert_eq!(info.ended().out, "stopping: clients are told\n");

    let mut debug = Running::start(&[&args[..], &["debug"]].concat());
    let greeting = debug.until("Ctrl-C");
    assert!(
        greeting.contains("\nencrypt-time 2000\n") && greeting.contains("\npacing poisson\n"),
        "{greeting}"
    );
    debug.signal("TERM");
    let ended = debug.ended();
    assert!(
        ended.out.contains("it was SIGTERM\n") && ended.out.contains("it has sent 0 packets"),
        "{ended:?}"
    );
}

#[test]
fn the_ready_file_has_the_addresses_while_it_listens() {
    let folder = Folder::new("ready");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    // What a killed process left is not believed, also where nothing is started in its place.
    std::fs::write(&ready, "127.0.0.1:1\n").expect("written");
    let _ = failed(&["--listen", "0.0.0.0:0", "--ready-file", &ready], 1);
    assert_eq!(folder.names(), [""; 0]);
    let args = ["--unix", &socket, "--listen", "127.0.0.1:0", "--ready-file", &ready];
    let mut running = Running::start(&args);
    let greeting = running.until("Ctrl-C");
    let addresses = std::fs::read_to_string(&ready).expect("it is there before that is said");
    let told: String = greeting
        .lines()
        .filter_map(|line| line.strip_prefix("listening on "))
        .map(|line| line.to_owned() + "\n")
        .collect();
    assert_eq!(addresses, told);
    let _ =
        Client::tcp(addresses.lines().find(|line| line.starts_with("127.0.0.1:")).expect(&addresses)).keys();
    running.signal("INT");
    assert_eq!(running.ended().code, Some(0));
    assert_eq!(folder.names(), [""; 0], "nothing is left of it");

    // Also when something else ends it.
    let reference = ["--listen", "127.0.0.1:0", "--profile", "reference", "--ready-file", &ready];
    let mut running = Running::start(&reference);
    let mut client = Client::connect(&running.until("Ctrl-C"));
    client.send_bytes(b"\0\0\0\x01\xf6");
    assert_eq!(running.ended().code, Some(1));
    assert_eq!(folder.names(), [""; 0]);
    // It is no file that something else is lost for.
    let error =
        failed(&["--listen", "127.0.0.1:0", "--ready-file", folder.path().to_str().expect("text")], 1);
    assert!(error.contains("there is something that is no file"), "{error}");
}
