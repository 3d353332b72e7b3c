//! Requests that may be what makes the daemon end its links.

use super::*;
use crate::{error::Fate, wire::Shutdown};
use alloc::{vec, vec::Vec};
use sample::{quick, slow, write};

/// A machine with these calls outstanding when three links in a row ended at once.
fn suspected(requests: &[AnyRequest]) -> (Rig, Vec<CallId>) {
    let mut rig = Rig::up();
    let calls = requests.iter().map(|request| rig.start(request.clone())).collect();
    for _ in 0..3 {
        rig.behind_cancels();
        rig.replace(1, false);
    }
    (rig, calls)
}

fn starts(rig: &mut Rig) -> Vec<AnyRequest> {
    rig.behind_cancels().into_iter().map(|frame| frame.request).collect()
}

#[test]
fn after_three_links_suspects_are_written_one_at_a_time_and_the_rest_goes_on() {
    let (mut rig, _) = suspected(&[write(1).into(), write(2).into(), slow(3).into()]);
    // Its turn comes first, because the others wait for the answers to their cancels.
    assert_eq!(starts(&mut rig), [slow(3).into()]);
    let (call, frame) = rig.send(quick(4));
    rig.answer(&frame);
    assert!(rig.ended_well(call));
    rig.start(write(5));
    assert_eq!(starts(&mut rig), [write(5).into()]);
}

#[test]
fn two_links_are_not_enough() {
    let mut rig = Rig::up();
    rig.start(write(1));
    rig.start(write(2));
    for _ in 0..2 {
        rig.behind_cancels();
        rig.replace(1, false);
    }
    assert_eq!(starts(&mut rig), [write(1).into(), write(2).into()]);
}

#[test]
fn the_one_whose_link_ends_again_fails_and_the_others_are_tried_in_turn() {
    let (mut rig, calls) = suspected(&[write(1).into(), write(2).into(), slow(3).into()]);
    for (which, call) in [calls[2], calls[0], calls[1]].into_iter().enumerate() {
        assert_eq!(rig.outstanding(), 3 - which);
        rig.behind_cancels();
        rig.replace(1, false);
        assert_eq!(rig.error(call), Some(CallError::LinkLost(Fate::MaybeExecuted)));
    }
    assert_eq!((rig.outstanding(), starts(&mut rig)), (0, vec![]));
}

#[test]
fn an_answer_clears_and_lets_the_next_one_go() {
    let (mut rig, calls) = suspected(&[slow(1).into(), slow(2).into()]);
    let frame = rig.one();
    rig.answer(&frame);
    assert!(rig.ended_well(calls[0]));
    assert_eq!(rig.one().request, slow(2).into());
}

#[test]
fn ten_seconds_clear_too() {
    let (mut rig, calls) = suspected(&[write(1).into(), write(2).into()]);
    rig.behind_cancels();
    rig.wait(s(10) - ms(1));
    assert_eq!(starts(&mut rig), []);
    rig.wait(ms(1));
    assert_eq!(starts(&mut rig), [write(2).into()]);
    rig.replace(1, false);
    assert_eq!((rig.result(calls[0]), rig.error(calls[1]).is_some()), (None, true));
}

#[test]
fn the_clock_clears_and_not_the_timer_that_woke_us() {
    let (mut rig, calls) = suspected(&[write(1).into()]);
    rig.behind_cancels();
    rig.now = rig.now + s(10);
    rig.replace(1, false);
    assert_eq!(rig.result(calls[0]), None);
}

#[test]
fn a_link_that_lasted_ends_the_row() {
    let mut rig = Rig::up();
    rig.start(write(1));
    rig.start(write(2));
    for lasted in [0, 0, 11, 0, 0] {
        rig.behind_cancels();
        rig.wait(s(lasted));
        rig.replace(1, false);
    }
    assert_eq!(starts(&mut rig), [write(1).into(), write(2).into()]);
}

#[test]
fn the_ten_seconds_count_from_the_links_last_reply() {
    let mut rig = Rig::up();
    rig.start(write(1));
    rig.start(write(2));
    for _ in 0..3 {
        rig.wait(s(9));
        rig.behind_cancels();
        let (_, frame) = rig.send(quick(1));
        rig.answer(&frame);
        rig.wait(s(9));
        rig.replace(1, false);
    }
    assert_eq!(starts(&mut rig), [write(1).into()]);
}

#[test]
fn announced_shutdowns_and_ends_from_this_side_suspect_nobody() {
    let ends: [fn(&mut Rig); 3] = [
        |rig| {
            rig.say(&AnyResponse::Shutdown(Shutdown {}));
            rig.cut(DisconnectCause::EndOfFile);
        },
        |rig| {
            rig.input(&[0xff; 4]);
            rig.cut(DisconnectCause::EndOfFile);
        },
        |rig| rig.cut(DisconnectCause::Failed("no".into())),
    ];
    for end in ends {
        let mut rig = Rig::up();
        rig.start(write(1));
        rig.start(write(2));
        for _ in 0..5 {
            rig.behind_cancels();
            end(&mut rig);
            rig.redial();
            rig.handshake(1, false);
        }
        assert_eq!(starts(&mut rig), [write(1).into(), write(2).into()]);
    }
}

#[test]
fn a_suspect_outstanding_when_this_side_ended_the_link_is_tried_again() {
    let (mut rig, calls) = suspected(&[write(1).into(), write(2).into()]);
    assert_eq!(starts(&mut rig), [write(1).into()]);
    rig.say(&AnyResponse::Shutdown(Shutdown {}));
    rig.replace(1, false);
    assert_eq!(starts(&mut rig), [write(1).into()]);
    assert_eq!((rig.result(calls[0]), rig.result(calls[1])), (None, None));
}

#[test]
fn what_was_not_written_is_no_suspect() {
    let mut rig = Rig::up();
    for n in 0..20 {
        rig.start(write(n));
    }
    for _ in 0..3 {
        assert_eq!(starts(&mut rig).len(), 16);
        rig.replace(1, false);
    }
    // One suspect, and the eight that were too late on one of the links.
    assert_eq!(starts(&mut rig).len(), 9);
}
