//! Dropping, cancelling and missing a deadline end a call at once, and exactly once.

use super::*;
use crate::error::Fate;
use alloc::vec;
use sample::{echo, message, poll, posted, quick, refusal, sent, slow, write};

#[test]
fn before_it_is_written_a_cancelled_call_leaves_no_trace() {
    let mut rig = Rig::up();
    rig.stuck = true;
    for request in [AnyRequest::from(quick(1)), slow(1).into(), write(1).into(), message(1).into()] {
        let call = rig.start(request);
        rig.cancel(call);
        assert_eq!(rig.error(call), Some(CallError::Cancelled(Fate::NotSent)));
    }
    rig.stuck = false;
    rig.drain();
    assert_eq!((rig.kinds(), rig.outstanding(), rig.machine.calls.table().len()), (vec![], 0, 0));
}

#[test]
fn after_that_it_may_have_happened_and_the_late_reply_is_swallowed() {
    let mut rig = Rig::up();
    let (local, frame) = rig.send(quick(1));
    rig.cancel(local);
    assert_eq!(rig.error(local), Some(CallError::Cancelled(Fate::MaybeExecuted)));
    assert_eq!((rig.outstanding(), rig.machine.calls.table().len()), (0, 1));
    rig.answer(&frame);
    rig.cancel(local);
    assert_eq!((rig.result(local), rig.machine.calls.table().len()), (None, 0));
}

#[test]
fn a_second_cancel_a_deadline_and_an_explicit_cancel_change_nothing_more() {
    let mut rig = Rig::up();
    let deadline = rig.now + s(1);
    let call = rig.start_until(write(1), Some(deadline));
    rig.cancel(call);
    rig.written();
    rig.cancel(call);
    rig.machine.set_deadline(rig.now, call, Some(rig.now));
    rig.start(sample::cancel(1));
    rig.wait(s(5));
    assert_eq!(rig.error(call), Some(CallError::Cancelled(Fate::MaybeExecuted)));
}

#[test]
fn a_deadline_on_a_written_operation_cancels_it_at_the_daemon() {
    let mut rig = Rig::up();
    let deadline = rig.now + s(5);
    let call = rig.start_until(write(1), Some(deadline));
    rig.written();
    rig.wait(s(5));
    assert_eq!(rig.error(call), Some(CallError::TimedOut(Fate::MaybeExecuted)));
    assert_eq!(rig.one().request, sample::cancel(1).into());
}

#[test]
fn an_abandoned_operation_keeps_its_place_for_two_connected_minutes() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.cancel(call);
    rig.wait(s(60));
    rig.say(&status(1, false));
    rig.wait(s(150));
    assert_eq!(rig.machine.calls.table().len(), 1);
    rig.say(&status(1, true));
    rig.wait(s(60) - ms(1));
    assert_eq!(rig.machine.calls.table().len(), 1);
    rig.wait(ms(1));
    assert_eq!((rig.machine.calls.table().len(), rig.results.len()), (0, 1));
}

#[test]
fn an_abandoned_message_keeps_its_place_until_its_sent_event() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.cancel(call);
    assert_eq!((rig.kinds(), rig.machine.calls.table().len()), (vec![], 1));
    rig.say(&sent(surb, 1_000_000_000));
    assert_eq!(rig.machine.calls.table().len(), 0);
    rig.say(&echo(surb));
    assert_eq!(rig.results.len(), 1);

    let (call, surb) = rig.send_message(message(2));
    rig.say(&sent(surb, 1_000_000_000));
    rig.cancel(call);
    assert_eq!(rig.machine.calls.table().len(), 0);
}

#[test]
fn an_abandoned_message_that_never_leaves_expires() {
    let mut rig = Rig::up();
    let (call, _) = rig.send_message(message(1));
    rig.cancel(call);
    rig.wait(s(120));
    assert_eq!(rig.machine.calls.table().len(), 0);
}

#[test]
fn abandoned_calls_count_against_their_windows() {
    let mut rig = Rig::up();
    for n in 1..=16 {
        let call = rig.start(write(n));
        rig.cancel(call);
    }
    rig.written();
    rig.start(write(17));
    assert_eq!(rig.kinds(), []);
    rig.wait(s(120));
    assert_eq!(rig.kinds(), [RequestKind::StartResendingEncryptedMessage]);
}

#[test]
fn a_read_dropped_while_it_is_taken_back_is_gone_for_good() {
    let mut rig = Rig::up();
    let (first, frame) = rig.send(poll(1));
    for n in 2..=4 {
        rig.start(poll(n));
    }
    rig.wait(s(60));
    rig.written();
    rig.cancel(first);
    let again = rig.start(poll(1));
    rig.say(&refusal(&frame, 24));
    assert_eq!(rig.error(first), Some(CallError::Cancelled(Fate::MaybeExecuted)));
    // The place goes to the one that waited longest, then comes the new start of that key.
    let next = rig.one();
    assert_eq!(next.request, poll(4).into());
    rig.answer(&next);
    let new = rig.one();
    assert_eq!(new.request, poll(1).into());
    rig.answer(&new);
    assert!(rig.ended_well(again));
}

#[test]
fn replies_to_messages_nobody_waits_for_cost_nothing() {
    let mut rig = Rig::up();
    for n in 0..1_500 {
        let (call, surb) = rig.send_message(posted(n));
        rig.say(&sent(surb, 0));
        assert!(rig.ended_well(call));
        rig.say(&echo(surb));
        let (call, surb) = rig.send_message(message(n));
        rig.say(&sent(surb, 0));
        rig.cancel(call);
        rig.say(&echo(surb));
        let (call, surb) = rig.send_message(message(n));
        rig.cancel(call);
        rig.say(&sent(surb, 0));
        rig.say(&echo(surb));
    }
    assert_eq!((rig.disconnects.len(), rig.machine.calls.table().len()), (0, 0));
}
