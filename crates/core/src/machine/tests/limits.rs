//! Nothing grows without bound.

use super::*;
use crate::machine::limits::{HELD_REQUEST_BYTES_MAX, OUTSTANDING_CALLS_MAX};
use alloc::{vec, vec::Vec};
use sample::{bytes, create, echo, message, posted, quick, sent, write};

#[test]
fn a_call_too_many_is_refused_and_abandoned_ones_count() {
    for up in [true, false] {
        let mut rig = if up { Rig::up() } else { Rig::dialling() };
        let mut calls = Vec::new();
        for n in 0..OUTSTANDING_CALLS_MAX as u64 {
            calls.push(rig.machine.start(rig.now, quick(n), None));
        }
        rig.drain();
        assert_eq!((rig.outstanding(), rig.results.len()), (OUTSTANDING_CALLS_MAX, 0));
        let more = rig.start(quick(9));
        assert_eq!(rig.error(more), Some(CallError::TooManyCalls));
        rig.cancel(calls[0]);
        let more = rig.start(quick(9));
        // Written, it keeps its slot until it is answered.
        assert_eq!(rig.error(more), up.then_some(CallError::TooManyCalls));
    }
}

#[test]
fn steps_are_neither_refused_nor_counted() {
    let mut rig = Rig::dialling();
    let mut steps = Vec::new();
    for n in 0..OUTSTANDING_CALLS_MAX as u64 + 1 {
        steps.push(rig.machine.start_step(rig.now, quick(n), None));
    }
    let calls: Vec<_> = (0..OUTSTANDING_CALLS_MAX as u64).map(|n| rig.start(quick(n))).collect();
    assert_eq!((rig.outstanding(), rig.results.len()), (2 * OUTSTANDING_CALLS_MAX + 1, 0));
    let more = rig.start(quick(9));
    assert_eq!(rig.error(more), Some(CallError::TooManyCalls));
    // The end of a step makes no room for a call.
    rig.cancel(steps[0]);
    let more = rig.start(quick(9));
    assert_eq!(rig.error(more), Some(CallError::TooManyCalls));
    rig.cancel(calls[0]);
    let more = rig.start(quick(9));
    assert_eq!(rig.error(more), None);
}

#[test]
fn bytes_too_many_are_refused_for_steps_too() {
    let mut rig = Rig::dialling();
    let mut large = create(1);
    large.payload = vec![1; 10 << 20].into();
    let steps: Vec<_> = (0..7).map(|_| rig.machine.start_step(rig.now, large.clone(), None)).collect();
    rig.drain();
    assert_eq!(rig.error(steps[6]), Some(CallError::TooManyCalls));
    assert_eq!(rig.results.len(), 0, "the others wait");
}

#[test]
fn bytes_too_many_are_refused_until_some_are_let_go() {
    let mut rig = Rig::dialling();
    let large = |n| {
        let mut large = create(n);
        large.payload = vec![1; 10 << 20].into();
        large
    };
    let calls: Vec<_> = (0..6).map(|n| rig.start(large(n))).collect();
    let refused = rig.start(large(6));
    assert_eq!(rig.error(refused), Some(CallError::TooManyCalls));
    rig.start(quick(1));
    rig.cancel(calls[2]);
    rig.start(large(7));
    assert_eq!(rig.results.len(), 1);
    assert!(rig.machine.calls.table().held_bytes() <= HELD_REQUEST_BYTES_MAX);
    for call in calls {
        rig.cancel(call);
    }
    assert!(rig.machine.calls.table().held_bytes() < 12 << 20);
}

#[test]
fn one_larger_request_is_allowed_alone() {
    let mut rig = Rig::dialling();
    let small = crate::wire::Destination {
        payload: vec![1; 1].into(),
        write_cap: bytes::<168>(1).into(),
        start_index: bytes::<104>(1).into(),
    };
    let many = crate::wire::CreateCourierEnvelopesFromMultiPayload {
        destinations: vec![small; 131_072],
        is_start: true,
        is_last: true,
        buffer: None,
    };
    let call = rig.start(many.clone());
    assert_eq!(rig.result(call), None);
    assert!(rig.machine.calls.table().held_bytes() > HELD_REQUEST_BYTES_MAX);
    let refused = rig.start(quick(1));
    assert_eq!(rig.error(refused), Some(CallError::TooManyCalls));
    rig.cancel(call);
    let other = rig.start(quick(1));
    let refused = rig.start(many);
    assert_eq!((rig.result(other), rig.error(refused)), (None, Some(CallError::TooManyCalls)));
}

#[test]
fn what_will_not_be_written_again_holds_no_bytes() {
    let mut rig = Rig::up();
    rig.send(message(1));
    assert_eq!(rig.machine.calls.table().held_bytes(), 0);
    let (call, _) = rig.send(write(1));
    assert!(rig.machine.calls.table().held_bytes() > 0);
    // Dropped, it will not be written again either.
    rig.cancel(call);
    assert_eq!(rig.machine.calls.table().held_bytes(), 0);
}

/// What is left of everything that was ever started.
fn left(rig: &Rig) -> [usize; 6] {
    let machine = &rig.machine;
    [
        machine.calls.table().len(),
        machine.calls.table().held_bytes(),
        machine.calls.table().unwritten(),
        machine.calls.table().owned(),
        machine.calls.deadlines(),
        machine.cx.len(),
    ]
}

#[test]
fn what_has_ended_leaves_nothing_behind() {
    let mut rig = Rig::up();
    for round in 0..200 {
        let deadline = Some(rig.now + s(60));
        let dropped = rig.start_until(write(round), deadline);
        rig.cancel(dropped);
        rig.start_until(write(round), deadline);
        rig.start_until(quick(round), deadline);
        rig.answer_all();
        let (letter, surb) = rig.send_message(posted(round));
        rig.say(&sent(surb, 0));
        assert!(rig.ended_well(letter));
        if round % 3 == 0 {
            rig.replace(round, round % 2 == 0);
        }
        rig.wait(s(200));
        rig.answer_all();
    }
    rig.wait(s(1_000));
    rig.answer_all();
    assert_eq!(left(&rig), [0; 6]);
    assert_eq!(rig.wake_at, None);
    assert!(rig.machine.calls.knows_no_key());
}

#[test]
fn only_so_many_late_replies_are_expected() {
    let mut rig = Rig::up();
    let mut surbs = Vec::new();
    for n in 0..OUTSTANDING_CALLS_MAX as u64 + 1_500 {
        let (_, surb) = rig.send_message(posted(n));
        rig.say(&sent(surb, 0));
        surbs.push(surb);
    }
    for surb in surbs.iter().rev().take(OUTSTANDING_CALLS_MAX) {
        rig.say(&echo(*surb));
    }
    assert_eq!(rig.disconnects, []);
    for surb in &surbs[..1_100] {
        rig.say(&echo(*surb));
    }
    assert_eq!(rig.disconnects.len(), 1);
}
