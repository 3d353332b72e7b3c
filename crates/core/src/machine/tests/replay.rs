//! What becomes of calls when their link was lost.

use super::*;
use crate::error::Fate;
use alloc::{vec, vec::Vec};
use sample::{cancel, create, echo, message, quick, sent, slow, write};

fn counts(rig: &Rig) -> (usize, usize) {
    let last = rig.events.iter().rev().find_map(|event| match event {
        Event::Reconnected { replayed, failed, .. } => Some((*replayed, *failed)),
        _ => None,
    });
    last.unwrap()
}

/// Both kinds of session on the next link.
const SESSIONS: [bool; 2] = [true, false];

#[test]
fn unwritten_calls_of_every_class_are_simply_sent() {
    for resumed in SESSIONS {
        let mut rig = Rig::up();
        rig.stuck = true;
        let calls = [rig.start(quick(1)), rig.start(write(1)), rig.start(message(1))];
        rig.cut(DisconnectCause::EndOfFile);
        rig.stuck = false;
        rig.redial();
        rig.handshake(1, resumed);
        let kinds = rig.kinds();
        assert_eq!(
            kinds,
            [
                RequestKind::GetMessageBoxIndexCounter,
                RequestKind::StartResendingEncryptedMessage,
                RequestKind::SendMessage
            ]
        );
        assert_eq!((counts(&rig), rig.results.len(), calls.len()), ((0, 0), 0, 3));
    }
}

#[test]
fn local_calls_are_sent_again_under_the_same_id() {
    for resumed in SESSIONS {
        let mut rig = Rig::up();
        let mut frames = Vec::new();
        let calls = [rig.start(quick(1)), rig.start(slow(2)), rig.start(create(3))];
        frames.extend(rig.written());
        rig.replace(1, resumed);
        let again = rig.written();
        assert_eq!((&again, counts(&rig)), (&frames, (3, 0)));
        rig.answer(&again[0]);
        rig.answer(&again[1]);
        assert!(rig.ended_well(calls[0]) && rig.ended_well(calls[1]));
    }
}

#[test]
fn operations_are_cancelled_by_key_and_started_under_a_new_id_once_that_is_answered() {
    for resumed in SESSIONS {
        let mut rig = Rig::up();
        let (call, old) = rig.send(write(1));
        rig.replace(1, resumed);
        let first = rig.one();
        assert_eq!(first.request, cancel(1).into());
        assert_eq!((counts(&rig), rig.queued()), ((1, 0), 1));
        // The old start was still there: both answers to the cancel come.
        rig.say(&sample::refusal(&old, 24));
        assert_eq!((rig.kinds(), rig.result(call)), (vec![], None));
        rig.answer(&first);
        let second = rig.one();
        assert_eq!(second.request, old.request);
        assert_ne!(second.query_id, old.query_id);
        rig.answer(&second);
        assert!(rig.ended_well(call));
    }
}

#[test]
fn a_copy_is_replayed_like_any_operation_and_its_failure_says_so() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(sample::copy(1));
    rig.replace(1, true);
    let first = rig.one();
    assert_eq!(first.request, sample::cancel_copy(1).into());
    rig.answer(&first);
    let second = rig.one();
    rig.say(&sample::refusal(&second, 26));
    let copy = CallError::Copy { replica: None, failed_envelope: None, replayed: true };
    assert_eq!(rig.error(call), Some(copy));
}

#[test]
fn messages_wait_in_a_resumed_session_and_fail_in_a_lost_one() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.say(&sent(surb, 0));
    rig.replace(1, true);
    assert_eq!((rig.kinds(), rig.result(call), counts(&rig)), (vec![], None, (0, 0)));
    rig.say(&echo(surb));
    assert!(rig.ended_well(call));

    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.replace(1, false);
    assert_eq!((rig.kinds(), counts(&rig)), (vec![], (0, 1)));
    assert_eq!(rig.error(call), Some(CallError::LinkLost(Fate::MaybeExecuted)));
    rig.say(&echo(surb));
    assert_eq!(rig.outstanding(), 0);
}

#[test]
fn a_message_in_a_resumed_session_is_still_known_two_links_later() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.replace(1, true);
    rig.replace(1, true);
    rig.say(&echo(surb));
    assert!(rig.ended_well(call));
}

#[test]
fn cancelled_calls_are_outside_the_table() {
    for resumed in SESSIONS {
        let mut rig = Rig::up();
        let (local, _) = rig.send(quick(1));
        let (letter, _) = rig.send_message(message(1));
        let (operation, _) = rig.send(write(1));
        for call in [local, letter, operation] {
            rig.cancel(call);
        }
        assert_eq!(rig.one().request, cancel(1).into());
        rig.replace(1, resumed);
        // Only the operation has anything to undo.
        assert_eq!(rig.one().request, cancel(1).into());
        assert_eq!((counts(&rig), rig.outstanding()), ((0, 0), 0));
    }
}

#[test]
fn cancelling_between_two_links_sends_the_cancel_alone() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    let (local, _) = rig.send(quick(1));
    rig.cut(DisconnectCause::EndOfFile);
    rig.cancel(call);
    rig.cancel(local);
    assert_eq!(rig.error(call), Some(CallError::Cancelled(Fate::MaybeExecuted)));
    rig.redial();
    rig.handshake(1, true);
    assert_eq!(rig.one().request, cancel(1).into());
    assert_eq!(rig.machine.status().outstanding, 0);
}

#[test]
fn a_replays_cancel_lost_with_its_link_is_sent_again_if_its_call_was_dropped() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.stuck = true;
    rig.connected();
    rig.say(&status(1, true));
    rig.say(&no_document());
    rig.stuck = false;
    rig.drain();
    rig.stuck = true;
    rig.say(&session(true));
    // The replay's cancel waits now; the call goes before it is written.
    rig.cancel(call);
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.kinds(), [RequestKind::SessionToken, RequestKind::CancelResendingEncryptedMessage]);
    rig.replace(1, true);
    let again = rig.one();
    assert_eq!(again.request, cancel(1).into());
    rig.answer(&again);
    rig.replace(1, true);
    assert_eq!(rig.kinds(), []);
}

#[test]
fn an_operation_that_was_answered_is_not_replayed() {
    let mut rig = Rig::up();
    let (call, frame) = rig.send(write(1));
    rig.answer(&frame);
    assert!(rig.ended_well(call));
    rig.replace(1, true);
    assert_eq!((rig.kinds(), counts(&rig)), (vec![], (0, 0)));
}

#[test]
fn the_order_after_a_replay_is_cancels_and_then_as_started() {
    let mut rig = Rig::up();
    for n in 1..=3 {
        rig.start(write(n));
        rig.start(quick(n));
    }
    let first = rig.written();
    rig.replace(2, false);
    let requests =
        |frames: Vec<RequestFrame>| frames.into_iter().map(|frame| frame.request).collect::<Vec<_>>();
    let again = rig.written();
    let locals = first.iter().filter(|frame| frame.request.kind() == RequestKind::GetMessageBoxIndexCounter);
    let expected =
        (1..=3).map(|n| AnyRequest::from(cancel(n))).chain(locals.map(|frame| frame.request.clone()));
    assert_eq!(requests(again.clone()), expected.collect::<Vec<_>>());
    again[..3].iter().for_each(|cancel| rig.answer(cancel));
    assert_eq!(requests(rig.written()), [write(1).into(), write(2).into(), write(3).into()]);
    assert_eq!(counts(&rig), (6, 0));
}
