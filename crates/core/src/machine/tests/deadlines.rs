//! Deadlines, timers and the time itself.

use super::*;
use crate::error::Fate;
use alloc::{vec, vec::Vec};
use sample::{message, quick, write};

#[test]
fn only_a_timeout_expires_a_deadline_so_that_a_reply_handed_over_first_wins() {
    let mut rig = Rig::up();
    let deadline = rig.now + s(5);
    let call = rig.start_until(quick(1), Some(deadline));
    let frame = rig.one();
    rig.now = deadline + s(5);
    rig.start(quick(2));
    rig.say(&sample::stray());
    assert_eq!(rig.result(call), None);
    rig.answer(&frame);
    rig.machine.handle_timeout(rig.now);
    rig.drain();
    assert!(rig.ended_well(call));
}

#[test]
fn a_deadline_includes_the_time_in_the_queue_and_without_a_link() {
    let mut rig = Rig::dialling();
    let call = rig.start_until(quick(1), Some(rig.now + s(5)));
    assert_eq!(rig.wake_at, Some(rig.now + s(5)));
    rig.wait(s(5));
    assert_eq!(rig.error(call), Some(CallError::TimedOut(Fate::NotSent)));
}

#[test]
fn what_is_past_its_deadline_is_not_encoded_and_ends_at_the_next_timeout() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let deadline = rig.now + s(5);
    let call = rig.start_until(write(1), Some(deadline));
    let other = rig.start(write(2));
    rig.now = deadline;
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.one().request, write(2).into());
    assert_eq!((rig.result(call), rig.wake_at), (None, Some(deadline)));
    rig.machine.handle_timeout(rig.now);
    rig.drain();
    assert_eq!(rig.error(call), Some(CallError::TimedOut(Fate::NotSent)));
    assert_eq!((rig.result(other), rig.kinds()), (None, vec![]));
}

#[test]
fn a_call_that_lost_its_turn_over_its_deadline_gets_it_back_with_a_later_one() {
    for later in [None, Some(Instant::from_origin(s(1_000_000)))] {
        let mut rig = Rig::up();
        let call = rig.start_until(quick(1), Some(rig.now));
        assert_eq!(rig.kinds(), []);
        rig.machine.set_deadline(rig.now, call, later);
        rig.drain();
        let frame = rig.one();
        rig.answer(&frame);
        assert!(rig.ended_well(call));
    }
}

#[test]
fn a_deadline_can_be_moved_and_taken_away() {
    let mut rig = Rig::up();
    let deadline = rig.now + s(5);
    let moved = rig.start_until(quick(1), Some(deadline));
    let freed = rig.start_until(quick(2), Some(deadline));
    rig.machine.set_deadline(rig.now, moved, Some(deadline + s(5)));
    rig.machine.set_deadline(rig.now, freed, None);
    rig.wait(s(10) - ms(1));
    assert_eq!(rig.results.len(), 0);
    rig.wait(ms(1));
    assert_eq!(rig.error(moved), Some(CallError::TimedOut(Fate::MaybeExecuted)));
    rig.wait(s(50));
    assert_eq!(rig.result(freed), None);
}

#[test]
fn a_call_that_ended_leaves_no_deadline() {
    let mut rig = Rig::up();
    let call = rig.start_until(quick(1), Some(rig.now + s(5)));
    rig.answer_all();
    assert!(rig.ended_well(call));
    rig.machine.set_deadline(rig.now, call, Some(rig.now));
    rig.drain();
    assert_eq!(rig.wake_at, None);
}

#[test]
fn a_missed_message_is_not_sent_again_and_its_reply_is_swallowed() {
    let mut rig = Rig::up();
    let call = rig.start_until(message(1), Some(rig.now + s(5)));
    let frame = rig.one();
    rig.wait(s(5));
    assert_eq!(rig.error(call), Some(CallError::TimedOut(Fate::MaybeExecuted)));
    rig.say(&sample::echo(surb(&frame)));
    assert_eq!((rig.kinds(), rig.machine.calls.table().len()), (vec![], 0));
}

#[test]
fn time_that_goes_backwards_is_ignored() {
    let mut rig = Rig::up();
    rig.wait(s(100));
    let late = rig.now;
    rig.machine.handle_timeout(late);
    rig.now = Instant::ORIGIN;
    let call = rig.start_until(quick(1), Some(late + s(1)));
    let timer = rig.machine.timer(rig.now, late + s(2));
    rig.machine.handle_timeout(rig.now);
    rig.drain();
    assert_eq!((rig.wake_at, rig.timers.len()), (Some(late + s(1)), 0));
    rig.answer_all();
    assert!(rig.ended_well(call));
    assert_eq!(rig.machine.cx.now(), late);
    rig.now = late;
    rig.wait(s(2));
    assert_eq!(rig.timers, [timer]);
}

#[test]
fn the_last_instant_there_is_does_no_harm() {
    let mut rig = Rig::up();
    rig.start(write(1));
    rig.machine.timer(rig.now, Instant::from_origin(Duration::MAX));
    rig.now = Instant::from_origin(Duration::MAX);
    for _ in 0..3 {
        rig.machine.handle_timeout(rig.now);
        rig.drain();
    }
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.timers.len(), 1);
}

#[test]
fn timers_run_out_in_order_and_can_be_taken_back() {
    let mut rig = Rig::dialling();
    let timers: Vec<_> = [3, 1, 2, 4].map(|at| rig.machine.timer(rig.now, rig.now + s(at))).into();
    rig.machine.cancel_timer(timers[2]);
    rig.drain();
    assert_eq!(rig.wake_at, Some(rig.now + s(1)));
    rig.wait(s(3));
    assert_eq!(rig.timers, [timers[1], timers[0]]);
    rig.machine.cancel_timer(timers[0]);
    rig.wait(s(1));
    assert_eq!(rig.timers, [timers[1], timers[0], timers[3]]);
}

#[test]
fn timers_are_never_refused() {
    let mut rig = Rig::dialling();
    for _ in 0..10_000 {
        rig.machine.timer(rig.now, rig.now + s(1));
    }
    rig.drain();
    rig.wait(s(1));
    assert_eq!(rig.timers.len(), 10_000);
}
