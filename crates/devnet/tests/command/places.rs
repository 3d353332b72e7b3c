//! Where it listens, and where a client is led.

use std::os::unix::ffi::OsStrExt;

use super::*;

#[test]
fn all_places_are_told_and_served_and_the_first_is_for_clients() {
    let folder = Folder::new("many");
    let sockets = [folder.text("first"), folder.text("second")];
    let name = format!("@kpthin-command-{}", std::process::id());
    let mut running = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--listen",
        ":0",
        "--unix",
        &sockets[0],
        "--unix",
        &sockets[1],
        "--unix",
        &name,
    ]);
    let greeting = running.until("Ctrl-C");
    let told: Vec<_> = greeting.lines().filter_map(|line| line.strip_prefix("listening on ")).collect();
    let (tcp, unix): (Vec<&str>, Vec<_>) = told.iter().partition(|address| address.contains(':'));
    assert_eq!(unix, [&sockets[0], &sockets[1], &name]);
    assert!(tcp.len() >= 2, "{greeting}");
    for address in tcp {
        let _ = Client::tcp(address).keys();
    }
    for socket in ["first", "second"] {
        let _ = Client::unix(&folder.at(socket)).keys();
    }
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&name[1..]).expect("a name");
    let _ = Client::new(std::os::unix::net::UnixStream::connect_addr(&address).expect("connected")).keys();
    assert!(greeting.contains(&format!("[Dial.Unix]\nAddress = {:?}\n", sockets[0])), "{greeting}");
}

#[test]
fn a_relative_path_is_absolute_for_clients_and_gone_at_the_end() {
    let folder = Folder::new("relative");
    let mut command = command(&[
        "--unix",
        "socket",
        "--write-config",
        "config",
        "--ready-file",
        "ready",
        "--store",
        "boxes",
    ]);
    let _ = command.current_dir(folder.path());
    let mut running = Running::spawn(command);
    let _ = running.until("Ctrl-C");
    let socket = folder.text("socket");
    assert_eq!(std::fs::read_to_string(folder.at("ready")).expect("read"), format!("{socket}\n"));
    let config = std::fs::read_to_string(folder.at("config")).expect("read");
    assert_eq!(config, format!("[Dial.Unix]\nAddress = {socket:?}\n"));
    running.signal("TERM");
    assert_eq!(running.ended().code, Some(0));
    assert_eq!(folder.names(), ["boxes", "config"]);
}

#[test]
fn any_path_is_written_so_that_a_client_finds_it() {
    let folder = Folder::new("odd");
    for name in ["with \"quotes\"", "back\\slash", "it's", "größe-🦀", "two\nlines"] {
        let (socket, config) = (folder.at(name), folder.text("config"));
        let mut running =
            Running::start(&["--unix", socket.to_str().expect("text"), "--write-config", &config]);
        let _ = running.until("Ctrl-C");
        let written: toml::Table = std::fs::read_to_string(&config).expect("read").parse().expect("TOML");
        let address = written["Dial"]["Unix"]["Address"].as_str().expect("text");
        assert_eq!(std::path::Path::new(address), socket);
        let _ = Client::unix(address.as_ref()).keys();
    }
}

#[test]
fn a_path_that_is_no_text_is_refused_only_if_a_file_has_to_name_it() {
    let folder = Folder::new("bytes");
    let socket = folder.at(std::ffi::OsStr::from_bytes(b"socket-\xff"));
    let mut with_config = command(&["--write-config", &folder.text("config"), "--unix"]);
    let _ = with_config.arg(&socket);
    let ended = Running::spawn(with_config).ended();
    assert!(
        ended.code == Some(1) && ended.err.contains("socket-\\xFF") && ended.err.contains("not UTF-8"),
        "{ended:?}"
    );
    assert_eq!(folder.names(), [""; 0]);

    let mut without = command(&["--unix"]);
    let _ = without.arg(&socket);
    let mut running = Running::spawn(without);
    let greeting = running.until("Ctrl-C");
    assert!(!greeting.contains("[Dial"), "{greeting}");
    let told = running.until_error("not UTF-8");
    assert!(told.contains("warning: a thinclient.toml can't name"), "{told}");
    let _ = Client::unix(&socket).keys();
}

#[test]
fn a_place_that_can_t_be_had_is_named_with_the_way_out() {
    let folder = Folder::new("taken");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = taken.local_addr().expect("bound").to_string();
    let error = failed(&["--listen", &address], 1);
    assert!(error.contains(&address) && error.contains("give another port, as in --listen :0"), "{error}");

    // An address for documentation, which no machine has.
    let error = failed(&["--listen", "192.0.2.1:5", "--allow-public"], 1);
    assert!(error.contains("192.0.2.1:5") && error.contains("no such address"), "{error}");

    let socket = folder.text("socket");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("bound");
    let error = failed(&["--unix", &socket], 1);
    assert!(error.contains(&socket) && error.contains("stop who listens on it"), "{error}");
    drop(listener);
    std::fs::remove_file(&socket).expect("removed");
    std::fs::write(&socket, "text").expect("written");
    let error = failed(&["--unix", &socket], 1);
    assert!(error.contains("it is no socket") && error.contains("remove what is there"), "{error}");
    assert_eq!(std::fs::read(&socket).expect("read"), b"text");

    let nowhere = folder.text("nowhere/socket");
    let error = failed(&["--unix", &nowhere], 1);
    assert!(error.contains(&nowhere) && error.contains("its folder has to be there"), "{error}");
    let long = folder.text(&"x".repeat(107));
    let error = failed(&["--unix", &long], 2);
    assert!(
        error.contains(&long)
            && error.contains(&format!("it has {} bytes", long.len()))
            && error.contains("at most 107"),
        "{error}"
    );
}

#[test]
fn too_many_open_files_are_told_and_end_by_themselves() {
    let folder = Folder::new("files");
    let (socket, ready) = (folder.text("socket"), folder.text("ready"));
    let mut running = Running::spawn(shell(
        "ulimit -n 32; exec \"$@\"",
        &["--unix", &socket, "--log", "warn", "--ready-file", &ready],
    ));
    let _ = running::wait_for(&folder.at("ready"));
    let connect = || std::os::unix::net::UnixStream::connect(&socket).expect("connected");
    let clients: Vec<_> = (0..40).map(|_| connect()).collect();
    let told = running.until_error("nobody can be accepted on");
    assert!(told.contains(&socket) && told.contains("Too many open files"), "{told}");
    drop(clients);
    let _ = Client::unix(&folder.at("socket")).keys();
    running.signal("TERM");
    assert_eq!(running.ended().code, Some(0));
}
