//! How long operations lately took.

use alloc::vec::Vec;

use super::*;
use crate::machine::OperationPace;
use sample::{poll, quick, read, write};

#[test]
fn half_of_the_last_eight_took_at_least_the_median() {
    let mut rig = Rig::up();
    assert_eq!(rig.machine.operation_pace(false), OperationPace::default());
    for (number, (took, median)) in [(9, 9), (1, 9), (3, 3), (2, 3), (4, 3)].into_iter().enumerate() {
        let call = rig.start(write(u64::try_from(number).unwrap()));
        let frames = rig.written();
        assert_eq!(rig.machine.written_at(call), Some(rig.now));
        rig.wait(s(took));
        rig.answer(&frames[0]);
        assert_eq!(rig.machine.written_at(call), None, "it has ended");
        let pace = rig.machine.operation_pace(false);
        assert_eq!((pace.median, pace.answered_at), (Some(s(median)), Some(rig.now)), "{number}");
    }
    // Of the eight that are remembered, the first ones are forgotten.
    for number in 10..18 {
        let _ = rig.start(write(number));
        let frames = rig.written();
        rig.wait(s(7));
        rig.answer(&frames[0]);
    }
    assert_eq!(rig.machine.operation_pace(false).median, Some(s(7)));
    assert_eq!(rig.machine.operation_pace(true).median, None, "reads are others");
}

#[test]
fn what_was_written_later_and_is_answered_is_counted() {
    let mut rig = Rig::up();
    let mut at = Vec::new();
    let mut frames = Vec::new();
    for number in 0..4 {
        at.push(rig.now);
        let _ = rig.start(write(number));
        frames.extend(rig.written());
        rig.wait(s(1));
    }
    for (answered, behind) in [(3, [1, 1, 1, 0]), (1, [2, 1, 1, 0]), (2, [3, 2, 1, 0])] {
        rig.answer(&frames[answered]);
        let pace = rig.machine.operation_pace(false);
        assert_eq!([0, 1, 2, 3].map(|n| pace.answered_behind(at[n])), behind);
    }
}

#[test]
fn what_waits_for_somebody_else_says_nothing_about_the_network() {
    let mut rig = Rig::up();
    for request in [AnyRequest::from(poll(1)), quick(2).into()] {
        let _ = rig.start(request);
        let frames = rig.written();
        rig.wait(s(5));
        rig.answer(&frames[0]);
    }
    // One that was cancelled wasn't answered by the network either.
    let call = rig.start(read(3));
    rig.written();
    rig.machine.cancel(rig.now, call);
    assert_eq!(rig.machine.operation_pace(true), OperationPace::default());
}
