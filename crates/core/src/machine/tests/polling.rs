//! Reads that the daemon polls by itself take turns (§9.10).

use super::*;
use crate::machine::limits::POLLING_READS_MAX;
use alloc::{vec, vec::Vec};
use sample::{cancel, message, poll, quick, read, refusal, write};

/// Which boxes are asked for, cancels as negative numbers.
fn told(rig: &mut Rig) -> Vec<i64> {
    let of = |frame: RequestFrame| {
        (1..50).find_map(|n| {
            let number = i64::try_from(n).unwrap();
            (frame.request == poll(n).into())
                .then_some(number)
                .or_else(|| (frame.request == cancel(n).into()).then_some(-number))
        })
    };
    rig.written().into_iter().map(|frame| of(frame).unwrap()).collect()
}

#[test]
fn three_are_outstanding_and_the_others_hold_nobody_back() {
    let mut rig = Rig::up();
    for n in 1..=8 {
        rig.start(poll(n));
    }
    assert_eq!(rig.written().len(), POLLING_READS_MAX);
    for request in [AnyRequest::from(read(20)), write(21).into(), message(22).into(), quick(23).into()] {
        rig.send(request);
    }
}

#[test]
fn alone_they_are_left_alone() {
    let mut rig = Rig::up();
    for n in 1..=3 {
        rig.start(poll(n));
    }
    rig.written();
    rig.wait(s(599));
    assert_eq!(rig.kinds(), []);
}

#[test]
fn they_take_turns_of_a_minute_and_go_to_the_end() {
    let mut rig = Rig::up();
    let mut frames = Vec::new();
    let mut calls = Vec::new();
    for n in 1..=5 {
        calls.push(rig.start(poll(n)));
        frames.extend(rig.written());
        rig.wait(s(1));
    }
    // The first has held its place since 5 s, when nobody waited yet.
    rig.wait(s(55) - ms(1));
    assert!(told(&mut rig).is_empty());
    rig.wait(ms(1));
    assert_eq!(told(&mut rig), [-1]);
    rig.wait(ms(500));
    assert!(told(&mut rig).is_empty(), "the place is not free before the start is answered");
    rig.say(&refusal(&frames[0], 24));
    assert_eq!(told(&mut rig), [4]);
    rig.wait(ms(500));
    assert_eq!(told(&mut rig), [-2]);
    rig.say(&refusal(&frames[1], 24));
    assert_eq!(told(&mut rig), [5]);
    rig.wait(s(1));
    assert_eq!(told(&mut rig), [-3]);
    rig.say(&refusal(&frames[2], 24));
    let again = rig.one();
    assert_eq!(again.request, poll(1).into());
    assert_ne!(again.query_id, frames[0].query_id);
    rig.answer(&again);
    assert!(rig.ended_well(calls[0]));
    assert_eq!(told(&mut rig), [2]);
    assert_eq!(rig.outstanding(), 4);
}

#[test]
fn a_turn_that_is_long_over_ends_as_soon_as_another_read_waits() {
    let mut rig = Rig::up();
    for n in 1..=3 {
        rig.start(poll(n));
    }
    rig.wait(s(100));
    rig.written();
    rig.start(poll(4));
    assert_eq!(rig.wake_at.map(|at| at <= rig.now), Some(true));
    rig.jump();
    assert_eq!(told(&mut rig), [-1]);
    // One waits, so one is enough.
    assert!(rig.wake_at.is_some_and(|at| at > rig.now));
}

#[test]
fn a_result_that_comes_while_it_is_taken_back_counts() {
    let mut rig = Rig::up();
    let (first, frame) = rig.send(poll(1));
    for n in 2..=4 {
        rig.start(poll(n));
    }
    rig.wait(s(60));
    rig.written();
    rig.answer(&frame);
    assert!(rig.ended_well(first));
    rig.say(&refusal(&frame, 24));
    assert_eq!((told(&mut rig), rig.outstanding()), (vec![4], 3));
}

#[test]
fn one_whose_cancel_has_no_effect_for_two_minutes_gives_its_place_up() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(poll(1));
    for n in 2..=4 {
        rig.start(poll(n));
    }
    rig.wait(s(60));
    rig.written();
    let mut asked = Vec::new();
    for _ in 0..120 {
        for frame in rig.written() {
            if frame.request.kind() == cancel(1).kind() {
                rig.answer(&frame);
            }
            asked.push(frame.request);
        }
        rig.wait(s(1));
    }
    assert!(asked.contains(&poll(4).into()) || told(&mut rig).contains(&4));
    rig.say(&refusal(&old, 24));
    assert_eq!(rig.result(first), None);
}

#[test]
fn taken_back_and_cut_off_it_is_replayed() {
    let mut rig = Rig::up();
    for n in 1..=4 {
        rig.start(poll(n));
    }
    rig.wait(s(60));
    rig.written();
    rig.replace(1, true);
    let told = told(&mut rig);
    assert_eq!((told, rig.outstanding()), (vec![-1, -2, -3, 4], 4));
}

trait Kind {
    fn kind(&self) -> RequestKind;
}

impl Kind for crate::wire::CancelResendingEncryptedMessage {
    fn kind(&self) -> RequestKind {
        RequestKind::CancelResendingEncryptedMessage
    }
}

#[test]
fn one_that_is_cancelled_makes_room_so_no_other_has_to() {
    let mut rig = Rig::up();
    let (first, frame) = rig.send(poll(1));
    for n in 2..=3 {
        rig.start(poll(n));
    }
    rig.written();
    rig.cancel(first);
    assert_eq!(told(&mut rig), [-1]);
    rig.start(poll(4));
    // Its start is not answered, so it holds its place; but it is the one that leaves.
    rig.wait(s(70));
    assert!(told(&mut rig).is_empty());
    rig.say(&refusal(&frame, 24));
    assert_eq!(told(&mut rig), [4]);
}
