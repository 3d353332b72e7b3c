//! Where a server listens, and where it does not.

use super::*;

#[test]
fn public_addresses_are_refused_unless_allowed() {
    let public = SocketAddr::from(([0, 0, 0, 0], 0));
    assert_eq!(builder().tcp(public).start().err(), Some(StartError::NotLoopback(public)));
    let net = builder().tcp(public).allow_public_addresses().start().unwrap();
    assert!(net.tcp_addr().unwrap().ip().is_unspecified());
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    let path = path("stale");
    drop(UnixListener::bind(&path).unwrap());
    let net = builder().unix_path(&path).start().unwrap();
    unix(&path).check();
    assert_eq!(builder().unix_path(&path).start().err(), Some(StartError::PathInUse(path.clone())));
    drop(net);
    assert!(!path.exists());
    std::fs::write(&path, "not a socket").unwrap();
    assert_eq!(builder().unix_path(&path).start().err(), Some(StartError::PathInUse(path.clone())));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn only_the_owner_can_connect() {
    use std::os::unix::fs::PermissionsExt;

    let path = path("owner");
    let _net = builder().unix_path(&path).start().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_socket_that_nobody_can_vouch_for_is_left_alone() {
    let path = path("datagram");
    let _socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    assert_eq!(builder().unix_path(&path).start().err(), Some(StartError::PathInUse(path.clone())));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn any_number_of_places_are_served_and_told_in_order() {
    let (first, second) = (path("many-1"), path("many-2"));
    let name = format!("kpthin-devnet-many-{}", std::process::id());
    let net = builder()
        .unix_path(&first)
        .tcp(loopback())
        .abstract_name(&name)
        .tcp(loopback())
        .unix_path(&second)
        .start()
        .unwrap();
    let [
        Address::Unix(path),
        Address::Tcp(tcp),
        Address::Abstract(found),
        Address::Tcp(other),
        Address::Unix(last),
    ] = net.addresses()
    else {
        panic!("{:?}", net.addresses());
    };
    assert_eq!((path, found, last), (&first, &name, &second));
    assert_eq!((net.unix_path(), net.tcp_addr()), (Some(first.as_path()), Some(*tcp)));
    for (number, address) in (1..).zip([*tcp, *other]) {
        assert_ne!(address.port(), 0);
        Client::new(TcpStream::connect(address).unwrap()).check_as(number);
    }
    unix(&first).check_as(3);
    unix(&second).check_as(4);
    drop(net);
    assert!(!first.exists() && !second.exists());
}

#[test]
fn localhost_is_both_loopback_addresses_on_one_port() {
    let net = builder().localhost(0).start().unwrap();
    let [Address::Tcp(first), rest @ ..] = net.addresses() else { panic!("{:?}", net.addresses()) };
    assert_eq!(first.ip(), std::net::Ipv4Addr::LOCALHOST);
    // Unless this machine has no second one.
    let second = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, first.port()));
    let has_second = std::net::TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)).is_ok();
    assert_eq!(rest, if has_second { vec![Address::Tcp(second)] } else { Vec::new() });
    for (number, address) in (1..).zip(net.addresses()) {
        let Address::Tcp(address) = address else { panic!("{address:?}") };
        Client::new(TcpStream::connect(address).unwrap()).check_as(number);
    }
}

#[test]
fn localhost_is_refused_if_somebody_else_would_be_found_under_its_name() {
    let Ok(other) = std::net::TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)) else { return };
    let address = Address::Tcp(other.local_addr().unwrap());
    match builder().localhost(other.local_addr().unwrap().port()).start() {
        Err(StartError::Listen { address: named, kind, .. }) => {
            assert_eq!((named, kind), (address, std::io::ErrorKind::AddrInUse));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_place_that_can_t_be_had_is_named_and_nothing_is_left_behind() {
    let taken = std::net::TcpListener::bind(loopback()).unwrap();
    let address = taken.local_addr().unwrap();
    let socket = path("left-behind");
    let error = builder().unix_path(&socket).tcp(address).start().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: Address already in use (os error 98)")
    );
    assert!(!socket.exists());

    let nowhere = path("nowhere").join("socket");
    let error = builder().unix_path(&nowhere).start().unwrap_err();
    let expected = format!("cannot listen on {}: No such file or directory (os error 2)", nowhere.display());
    assert_eq!(error.to_string(), expected);

    let name = format!("kpthin-devnet-twice-{}", std::process::id());
    let error = builder().abstract_name(&name).abstract_name(&name).start().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on @{name}: Address already in use (os error 98)"));
}

#[test]
fn names_that_are_too_long_for_a_socket_are_refused_with_their_length() {
    let folder = path("long");
    std::fs::create_dir_all(&folder).unwrap();
    let named = |len: usize| folder.join("x".repeat(len - folder.as_os_str().len() - 1));
    drop(builder().unix_path(named(107)).start().unwrap());
    let address = Address::Unix(named(108));
    assert_eq!(
        builder().unix_path(named(108)).start().err(),
        Some(StartError::NameTooLong { address, len: 108, len_max: 107 })
    );
    std::fs::remove_dir_all(&folder).unwrap();

    let name = |len: usize| format!("{:x<len$}", std::process::id());
    drop(builder().abstract_name(name(107)).start().unwrap());
    let error = builder().abstract_name(name(108)).start().unwrap_err().to_string();
    assert!(
        error.ends_with(" has 108 bytes, and a socket's path or name at most 107: choose a shorter one"),
        "{error}"
    );
}

#[test]
fn a_socket_with_a_full_queue_is_in_use_and_waited_for_by_nobody() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

    let path = path("full");
    let stuck = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&stuck, &SocketAddrUnix::new(&path).unwrap()).unwrap();
    rustix::net::listen(&stuck, 0).unwrap();
    let mut waiting = Vec::new();
    while socket_file::try_connect(&path).is_ok() {
        waiting.push(());
        assert!(waiting.len() < 1_000);
    }
    assert_eq!(builder().unix_path(&path).start().err(), Some(StartError::PathInUse(path.clone())));
    std::fs::remove_file(&path).unwrap();
}
