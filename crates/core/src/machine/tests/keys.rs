//! One key, one live call.

use super::*;
use crate::error::Fate;
use alloc::vec;
use sample::{copy, poll, quick, read, refusal, write};

#[test]
fn a_second_start_of_a_live_key_is_a_conflict() {
    for up in [true, false] {
        let mut rig = if up { Rig::up() } else { Rig::dialling() };
        let first = rig.start(write(1));
        let second = rig.start(read(1));
        let third = rig.start(copy(1));
        let fourth = rig.start(copy(1));
        assert_eq!(rig.error(second), Some(CallError::Conflict));
        assert_eq!(rig.error(fourth), Some(CallError::Conflict));
        assert_eq!((rig.result(first), rig.result(third)), (None, None));
    }
}

#[test]
fn a_key_is_free_once_its_call_has_ended() {
    let mut rig = Rig::up();
    let (first, frame) = rig.send(write(1));
    rig.answer(&frame);
    assert!(rig.ended_well(first));
    let (second, frame) = rig.send(write(1));
    rig.say(&refusal(&frame, 12));
    assert!(rig.error(second).is_some());
    rig.send(write(1));
}

#[test]
fn a_key_that_was_cancelled_unwritten_is_free_at_once() {
    let mut rig = Rig::dialling();
    let first = rig.start(write(1));
    rig.cancel(first);
    assert_eq!(rig.error(first), Some(CallError::Cancelled(Fate::NotSent)));
    rig.start(write(1));
    rig.handshake(1, false);
    assert_eq!(rig.kinds(), [RequestKind::StartResendingEncryptedMessage]);
}

#[test]
fn a_key_being_cancelled_holds_a_new_start_until_the_old_one_is_answered() {
    for code in [24, 12] {
        let mut rig = Rig::up();
        let (first, old) = rig.send(write(1));
        rig.cancel(first);
        let second = rig.start(write(1));
        let cancel = rig.one();
        rig.answer(&cancel);
        rig.wait(ms(500));
        assert_eq!((rig.kinds(), rig.queued()), (vec![], 1));
        rig.say(&refusal(&old, code));
        let new = rig.one();
        assert_ne!(new.query_id, old.query_id);
        rig.answer(&new);
        assert!(rig.ended_well(second));
    }
}

#[test]
fn it_holds_it_until_the_link_ends() {
    let mut rig = Rig::up();
    let (first, _) = rig.send(write(1));
    rig.cancel(first);
    rig.written();
    let second = rig.start(write(1));
    rig.replace(1, true);
    let [cancel, start] = <[RequestFrame; 2]>::try_from(rig.written()).unwrap();
    assert_eq!(cancel.request, sample::cancel(1).into());
    rig.answer(&start);
    assert!(rig.ended_well(second));
}

#[test]
fn it_holds_it_until_the_slot_expires() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(write(1));
    rig.cancel(first);
    let second = rig.start(write(1));
    rig.written();
    rig.wait(s(120) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    let new = rig.one();
    assert_eq!(new.request, old.request);
    rig.answer(&old);
    assert_eq!(rig.result(second), None);
    rig.answer(&new);
    assert!(rig.ended_well(second));
}

#[test]
fn a_held_start_is_live_and_can_be_dropped() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(write(1));
    rig.cancel(first);
    let second = rig.start(write(1));
    let third = rig.start(write(1));
    assert_eq!(rig.error(third), Some(CallError::Conflict));
    rig.cancel(second);
    assert_eq!(rig.error(second), Some(CallError::Cancelled(Fate::NotSent)));
    rig.written();
    rig.say(&refusal(&old, 24));
    assert_eq!((rig.kinds(), rig.outstanding()), (vec![], 0));
}

#[test]
fn other_keys_are_not_held() {
    let mut rig = Rig::up();
    let (first, _) = rig.send(write(1));
    rig.cancel(first);
    rig.written();
    rig.send(write(2));
    rig.send(copy(1));
    rig.send(quick(1));
}

#[test]
fn a_code_24_that_nobody_asked_for_is_somebody_elses() {
    let mut rig = Rig::up();
    for request in [AnyRequest::from(write(1)), poll(2).into(), copy(3).into()] {
        let (call, frame) = rig.send(request);
        rig.say(&refusal(&frame, 24));
        assert_eq!(rig.error(call), Some(CallError::CancelledElsewhere));
    }
}

#[test]
fn the_result_of_a_call_that_is_being_cancelled_is_swallowed_once() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(write(1));
    rig.cancel(first);
    assert_eq!(rig.error(first), Some(CallError::Cancelled(Fate::MaybeExecuted)));
    // Its result was under way, and the code 24 comes as well (§9.5).
    rig.answer(&old);
    rig.say(&refusal(&old, 24));
    assert_eq!((rig.result(first), rig.outstanding()), (None, 0));
}
