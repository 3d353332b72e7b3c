//! Closing, in every phase of the link.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, CloseReason, Fate},
    machine::{LinkStatus, Output},
    wire::RequestKind,
};
use kpthin_tests::{Cut, Direction, How, Pair, Scripted, sample};

fn start_all(pair: &mut Pair<Scripted>) -> Vec<kpthin_core::machine::CallId> {
    (0..44).map(|n| pair.start(sample::any(n, n))).collect()
}

#[test]
fn close_ends_every_pending_call_in_the_same_drain() {
    let mut pair = Pair::up(1, Scripted::silent());
    let calls = start_all(&mut pair);
    pair.run_for(Duration::from_secs(1));
    let now = pair.now();
    pair.close();
    pair.drain();
    assert_eq!(pair.open_calls().next(), None);
    for call in calls {
        let Some(completion) = pair.completion(call) else { panic!("{call:?} is open") };
        if completion.at == now {
            let Err(CallError::Closed(reason, _)) = completion.result else { panic!("{completion:?}") };
            assert_eq!(reason, CloseReason::Stopped);
        }
    }
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.closed(), Some(CloseReason::Stopped));
    let last = pair.tap.written.last().expect("it was up");
    assert_eq!(last.frame.request.kind(), RequestKind::ThinClose, "the daemon is told");
}

#[test]
fn close_works_at_every_byte_of_the_conversation() {
    for direction in [Direction::Down, Direction::Up] {
        for after_bytes in 0..900 {
            let mut pair = Pair::new(2, Scripted::honest());
            pair.on_cut(Cut { direction, after_bytes, how: How::Unharmed }, Pair::close);
            let calls = start_all(&mut pair);
            pair.run_for(Duration::from_secs(30));
            assert_eq!(pair.cut, None);
            assert_eq!(pair.closed(), Some(CloseReason::Stopped), "{direction:?} {after_bytes}");
            assert!(calls.into_iter().all(|call| pair.completion(call).is_some()));
        }
    }
}

#[test]
fn close_before_any_connection_sends_nothing() {
    let mut pair = Pair::new(3, Scripted::honest());
    let call = pair.start(sample::write(1));
    pair.close();
    pair.run_for(Duration::from_secs(3));
    assert_eq!(pair.result(call), Err(CallError::Closed(CloseReason::Stopped, Fate::NotSent)));
    assert_eq!(pair.closed(), Some(CloseReason::Stopped));
    assert!(pair.tap.written.is_empty());
}

#[test]
fn close_ends_although_the_daemon_takes_nothing() {
    let mut pair = Pair::up(4, Scripted::honest());
    pair.cut_now(How::Silence);
    let since = pair.now();
    pair.close();
    assert!(pair.run_until(since + Duration::from_secs(5), |pair| pair.closed().is_some()), "it hangs");
}

#[test]
fn a_closed_machine_is_inert() {
    let mut pair = Pair::up(5, Scripted::honest());
    pair.close();
    pair.run_for(Duration::from_secs(3));
    let call = pair.machine.start(pair.now(), sample::keypair(1), None);
    assert_eq!(
        pair.machine.poll_output(),
        Output::Completed(call, Err(CallError::Closed(CloseReason::Stopped, Fate::NotSent)))
    );
    pair.machine.handle_timeout(pair.now() + Duration::from_secs(1_000));
    pair.close();
    assert_eq!(pair.machine.poll_output(), Output::Idle { wake_at: None });
    assert_eq!(pair.machine.status().link, LinkStatus::Closed);
}
