//! Cancels on the wire (§9.5).

use super::*;
use crate::error::{DaemonError, Fate};
use alloc::{vec, vec::Vec};
use sample::{cancel, cancel_copy, copy, quick, refusal, slow, write};

const CANCEL: RequestKind = RequestKind::CancelResendingEncryptedMessage;

#[test]
fn cancels_go_ahead_of_everything_that_waits_here() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.stuck = true;
    for n in 0..50 {
        rig.start(slow(n));
        rig.start(quick(n));
    }
    rig.start(cancel(70));
    rig.cancel(call);
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.kinds()[..2], [CANCEL, CANCEL]);
}

#[test]
fn cancels_go_out_while_the_mix_network_is_down_and_all_windows_are_full() {
    let mut rig = Rig::up();
    rig.say(&status(1, false));
    let calls: Vec<_> = (1..=20).map(|n| rig.start(write(n))).collect();
    assert_eq!(rig.written().len(), 16);
    rig.cancel(calls[3]);
    assert_eq!(rig.one().request, cancel(4).into());
    let (explicit, frame) = rig.send(cancel(5));
    rig.answer(&frame);
    assert!(rig.ended_well(explicit));
}

#[test]
fn a_cancel_that_is_not_answered_is_never_repeated_on_its_link() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.cancel(call);
    assert_eq!(rig.kinds(), [CANCEL]);
    rig.wait(s(119));
    assert_eq!(rig.kinds(), []);
}

#[test]
fn answered_without_its_starts_answer_it_goes_out_again_under_a_new_id() {
    let mut rig = Rig::up();
    rig.say(&status(1, false));
    let (call, start) = rig.send(write(1));
    rig.cancel(call);
    let mut last = rig.one();
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        rig.answer(&last);
        rig.wait(s(pause) - ms(1));
        assert_eq!(rig.kinds(), []);
        rig.wait(ms(1));
        let again = rig.one();
        assert_eq!(again.request, last.request);
        assert_ne!(again.query_id, last.query_id);
        last = again;
    }
    rig.answer(&last);
    rig.say(&refusal(&start, 24));
    rig.wait(s(300));
    assert_eq!((rig.kinds(), rig.outstanding()), (vec![], 0));
}

#[test]
fn repeating_ends_with_the_slot_and_with_the_link() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.cancel(call);
    for _ in 0..200 {
        rig.answer_all();
        rig.wait(s(1));
    }
    assert_eq!(rig.outstanding(), 0);
    rig.wait(s(300));
    assert_eq!(rig.kinds(), []);

    let (call, _) = rig.send(write(2));
    rig.cancel(call);
    rig.answer_all();
    rig.replace(1, true);
    let again = rig.one();
    rig.answer(&again);
    rig.wait(s(300));
    assert_eq!(rig.kinds(), []);
}

#[test]
fn an_explicit_cancel_ends_the_own_call_at_once_and_itself_with_its_reply() {
    for (request, cancel) in
        [(AnyRequest::from(write(1)), AnyRequest::from(cancel(1))), (copy(1).into(), cancel_copy(1).into())]
    {
        let mut rig = Rig::up();
        let (call, start) = rig.send(request);
        let (explicit, frame) = rig.send(cancel.clone());
        assert_eq!(frame.request, cancel);
        assert_eq!(rig.error(call), Some(CallError::Cancelled(Fate::MaybeExecuted)));
        assert_eq!(rig.result(explicit), None);
        rig.say(&refusal(&start, 24));
        rig.answer(&frame);
        assert!(rig.ended_well(explicit));
        assert_eq!(rig.outstanding(), 0);
    }
}

#[test]
fn an_explicit_cancel_is_repeated_silently_until_its_start_is_answered() {
    let mut rig = Rig::up();
    let (_, start) = rig.send(write(1));
    let (explicit, frame) = rig.send(cancel(1));
    rig.answer(&frame);
    assert!(rig.ended_well(explicit));
    rig.wait(s(1));
    assert_eq!(rig.kinds(), [CANCEL]);
    rig.say(&refusal(&start, 24));
    assert_eq!(rig.outstanding(), 0);
}

#[test]
fn an_explicit_cancel_of_an_unwritten_start_leaves_no_start() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let call = rig.start(write(1));
    rig.start(cancel(1));
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.error(call), Some(CallError::Cancelled(Fate::NotSent)));
    assert_eq!(rig.kinds(), [CANCEL]);
}

#[test]
fn without_a_link_it_succeeds_at_once_and_follows_only_if_a_start_was_written() {
    let mut rig = Rig::up();
    let (written, _) = rig.send(write(1));
    rig.cut(DisconnectCause::EndOfFile);
    let unwritten = rig.start(write(2));
    for n in [1, 2, 3] {
        let explicit = rig.start(cancel(n));
        assert!(rig.ended_well(explicit));
    }
    assert_eq!(rig.error(written), Some(CallError::Cancelled(Fate::MaybeExecuted)));
    assert_eq!(rig.error(unwritten), Some(CallError::Cancelled(Fate::NotSent)));
    rig.redial();
    rig.handshake(1, true);
    assert_eq!(rig.one().request, cancel(1).into());
}

#[test]
fn the_end_of_the_link_answers_explicit_cancels() {
    let mut rig = Rig::up();
    rig.send(write(1));
    let (own, _) = rig.send(cancel(1));
    let (foreign, _) = rig.send(cancel(2));
    rig.stuck = true;
    let waiting = rig.start(cancel(3));
    rig.cut(DisconnectCause::EndOfFile);
    assert!([own, foreign, waiting].iter().all(|call| rig.ended_well(*call)));
    rig.stuck = false;
    rig.redial();
    rig.handshake(1, true);
    // Nothing of this machine's ever ran under the other two keys.
    assert_eq!(rig.one().request, cancel(1).into());
}

#[test]
fn an_explicit_cancel_that_is_refused_says_so() {
    let mut rig = Rig::up();
    let (explicit, frame) = rig.send(cancel(1));
    rig.say(&refusal(&frame, 3));
    assert_eq!(rig.error(explicit), Some(CallError::Daemon(DaemonError::InvalidRequest)));
}

#[test]
fn a_dropped_explicit_cancel_runs_on() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let explicit = rig.start(cancel(1));
    rig.cancel(explicit);
    assert_eq!(rig.error(explicit), Some(CallError::Cancelled(Fate::NotSent)));
    rig.stuck = false;
    rig.drain();
    let frame = rig.one();
    rig.answer(&frame);
    assert_eq!((rig.result(explicit), rig.outstanding()), (None, 0));
}

#[test]
fn a_cancel_and_a_new_start_keep_their_order() {
    let mut rig = Rig::up();
    rig.stuck = true;
    rig.start(cancel(1));
    rig.start(write(1));
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.kinds(), [CANCEL, RequestKind::StartResendingEncryptedMessage]);
}

#[test]
fn the_answer_to_an_earlier_cancel_of_the_key_repeats_nothing() {
    let mut rig = Rig::up();
    let (first, start) = rig.send(write(1));
    rig.cancel(first);
    let earlier = rig.one();
    rig.say(&refusal(&start, 24));
    let (second, _) = rig.send(write(1));
    rig.cancel(second);
    assert_eq!(rig.kinds(), [CANCEL]);
    rig.answer(&earlier);
    rig.wait(s(60));
    assert_eq!(rig.kinds(), [], "the second cancel is not answered");
}
