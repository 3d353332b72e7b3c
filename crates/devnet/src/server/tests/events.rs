//! What an observer is told.

use std::sync::mpsc;

use super::*;

#[test]
fn an_observer_that_panics_stops_nobody() {
    let path = path("panics");
    let net =
        builder().unix_path(&path).on_event(|event| panic!("on purpose, at {event:?}")).start().unwrap();
    for token in 1..4 {
        let mut client = unix(&path);
        client.check_as(token);
        client.send(ThinClose {});
        assert_eq!(client.next(), None);
    }
    drop(net);
}

#[test]
fn a_connection_without_a_thread_is_closed_and_that_is_told() {
    let path = path("threads");
    let (tell, told) = mpsc::channel();
    let net = builder().unix_path(&path).on_event(move |event| tell.send(event.clone()).unwrap());
    let net = net.start().unwrap();
    // No machine has room for such a stack.
    net.shared.stack_len.store(1 << 60, Ordering::SeqCst);
    assert!(unix(&path).next().is_none());
    let events: Vec<_> = (0..3).map(|_| told.recv_timeout(DEADLINE).unwrap()).collect();
    let [ServerEvent::Opened { .. }, ServerEvent::ThreadFailed { reason, .. }, ServerEvent::Closed { .. }] =
        &events[..]
    else {
        panic!("{events:?}");
    };
    assert!(reason.starts_with("cannot start a thread: "), "{reason}");
    net.shared.stack_len.store(0, Ordering::SeqCst);
    unix(&path).check();
}

/// A server on a Unix socket, and what its observer is told.
fn observed(name: &str, config: DevnetConfig) -> (Server, PathBuf, mpsc::Receiver<ServerEvent>) {
    let path = path(name);
    let (tell, told) = mpsc::channel();
    let net = Server::builder(config, [1; 32]).unix_path(&path);
    let net = net.on_event(move |event| drop(tell.send(event.clone()))).start().unwrap();
    (net, path, told)
}

/// Why the next connection has ended.
fn reason(told: &mpsc::Receiver<ServerEvent>) -> EndReason {
    loop {
        if let ServerEvent::Closed { reason, .. } = told.recv_timeout(DEADLINE).unwrap() {
            return reason;
        }
    }
}

#[test]
fn an_observer_is_told_why_a_connection_has_ended() {
    let mut config = DevnetConfig::instant();
    config.quirks.crash_on_null = true;
    let (net, path, told) = observed("reasons", config);

    let mut client = unix(&path);
    client.check();
    client.send(ThinClose {});
    assert_eq!(reason(&told), EndReason::Closed);

    let client = unix(&path);
    client.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(reason(&told), EndReason::EndOfFile);
    drop(client);

    let mut client = unix(&path);
    client.stream.write_all(b"\0\0\0\x01\x17").unwrap();
    let EndReason::Violation(why) = reason(&told) else { panic!("a number is no request") };
    assert!(!why.is_empty());

    let mut older = unix(&path);
    older.check_as(5);
    let mut newer = unix(&path);
    newer.check_as(5);
    assert_eq!(reason(&told), EndReason::TakenOver);

    net.restart();
    assert_eq!(reason(&told), EndReason::Restarted);
    let mut client = unix(&path);
    client.check();
    net.shutdown();
    assert_eq!(reason(&told), EndReason::ShutDown);
    drop(unix(&path));
    assert_eq!(reason(&told), EndReason::NotRunning);
    net.restart();

    let mut client = unix(&path);
    client.check();
    client.stream.write_all(b"\0\0\0\x01\xf6").unwrap();
    // It was opened, and both ends are told, on two threads.
    let mut events: Vec<_> = (0..3).map(|_| told.recv_timeout(DEADLINE).unwrap()).collect();
    events.retain(|event| {
        !matches!(event, ServerEvent::Closed { reason: EndReason::Crashed(Crash::Null), .. })
    });
    assert!(events.contains(&ServerEvent::Crashed(Crash::Null)) && events.len() == 2, "{events:?}");
    net.restart();
    let mut client = unix(&path);
    client.check();
    drop(net);
    assert_eq!(reason(&told), EndReason::Stopped);
}

#[test]
fn there_are_only_so_many_connections_and_the_next_one_is_told_nothing() {
    let mut config = DevnetConfig::instant();
    config.quirks.connection_limit = Some(2);
    let (_net, path, told) = observed("limit", config);
    let mut clients: Vec<_> = (0..2).map(|_| unix(&path)).collect();
    clients[0].check_as(1);
    clients[1].check_as(2);
    assert_eq!(unix(&path).next(), None);
    assert_eq!(reason(&told), EndReason::TooMany { limit: 2 });
    // One that goes makes room.
    clients[0].send(ThinClose {});
    assert_eq!(reason(&told), EndReason::Closed);
    unix(&path).check_as(3);
}

#[test]
fn who_never_says_a_word_is_closed() {
    let mut config = DevnetConfig::instant();
    config.silence_deadline = Duration::from_millis(1);
    let (_net, path, told) = observed("silence", config);
    let mut client = unix(&path);
    while client.next().is_some() {}
    assert_eq!(reason(&told), EndReason::NeverSpoke);
}

#[test]
fn what_all_together_leave_unread_has_a_limit() {
    let mut config = DevnetConfig::instant();
    config.memory_max = 0;
    let (_net, path, told) = observed("memory", config);
    // Frames that have begun and don't go on.
    let prefix = u32::try_from(kpthin_core::frame::BODY_LEN_MAX).unwrap().to_be_bytes();
    let part = vec![0; kpthin_core::frame::BODY_LEN_MAX - 1];
    let mut clients = Vec::new();
    while told.try_iter().all(|event| !matches!(event, ServerEvent::Closed { reason: EndReason::Memory, .. }))
    {
        let mut client = unix(&path);
        assert!(clients.len() < 64, "64 of these hold ten times as much as there may be");
        // It may be the one too many.
        let _ = client.stream.write_all(&prefix).and_then(|()| client.stream.write_all(&part));
        clients.push(client);
    }
    // The others are as they were.
    let first = &mut clients[0];
    first.stream.write_all(&[0]).unwrap();
    while first.next().is_some() {}
    drop(clients);
    unix(&path).check_as(9);
}

#[cfg(feature = "store")]
#[test]
fn a_store_that_was_cut_off_is_told() {
    let path = path("store-cut");
    drop(builder().store(&path).start().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0; 3]);
    std::fs::write(&path, bytes).unwrap();
    let (tell, told) = mpsc::channel();
    let net =
        builder().store(&path).on_event(move |event| tell.send(event.clone()).unwrap()).start().unwrap();
    assert_eq!(told.try_recv(), Ok(ServerEvent::StoreCut { bytes: 3 }));
    drop(net);
    std::fs::remove_file(&path).unwrap();
}
