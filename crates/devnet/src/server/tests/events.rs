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
