//! Traffic without progress.

use super::*;
use crate::machine::limits::{IDLE_FRAMES_MAX, IDLE_FRAMES_PER_SECOND};
use alloc::{vec, vec::Vec};
use sample::{document, echo, frame_of, quick, refusal, sent, stray, write};

/// Everything that achieves nothing on a link where the mix network is up and epoch 1 known.
fn idle() -> Vec<Vec<u8>> {
    let surb = SurbId::from([1; 16]);
    let mut idle: Vec<_> = [
        stray(),
        status(1, true),
        document(1, 1),
        no_document(),
        session(true),
        sent(surb, 0),
        echo(surb),
        refusal(&RequestFrame { query_id: None, request: quick(1).into() }, 3),
    ]
    .iter()
    .map(frame)
    .collect();
    // An empty map, and a member that nobody knows.
    idle.push(frame_of(&[0xa0]));
    idle.push(frame_of(&[0xa1, 0x61, b'x', 0xf6]));
    idle
}

#[test]
fn a_thousand_frames_that_achieve_nothing_are_borne_and_one_more_is_not() {
    for (which, frame) in idle().iter().enumerate() {
        let mut rig = Rig::up();
        rig.say(&document(1, 1));
        // The handshake's own empty document has cost one.
        for _ in 0..IDLE_FRAMES_MAX {
            assert_eq!(rig.disconnects, [], "{which}");
            rig.input(frame);
        }
        rig.input(frame);
        assert_eq!(rig.disconnects.len(), 1, "{which}");
        rig.cut(DisconnectCause::EndOfFile);
        assert_eq!(rig.down(), &LinkError::Misbehaving);
    }
}

#[test]
fn ten_a_second_can_go_on_for_ever() {
    let mut rig = Rig::up();
    for _ in 0..3_000 {
        rig.wait(s(1));
        for _ in 0..IDLE_FRAMES_PER_SECOND {
            rig.say(&stray());
        }
    }
    assert_eq!(rig.disconnects, []);
}

#[test]
fn a_new_link_has_a_new_budget() {
    let mut rig = Rig::up();
    for _ in 0..1_000 {
        rig.say(&stray());
    }
    rig.replace(1, true);
    for _ in 0..1_000 {
        rig.say(&stray());
    }
    assert_eq!(rig.disconnects, []);
}

#[test]
fn progress_costs_nothing() {
    let mut rig = Rig::up();
    for n in 0..2_000 {
        rig.say(&status(1, n % 2 == 0));
        rig.say(&document(n + 1, 1));
        let (call, frame) = rig.send(write(n));
        if n % 2 == 0 {
            rig.cancel(call);
            let cancel = rig.one();
            rig.say(&refusal(&frame, 24));
            rig.answer(&cancel);
        } else {
            rig.answer(&frame);
        }
    }
    assert_eq!((rig.disconnects.len(), rig.machine.calls.table().len()), (0, 0));
}

#[test]
fn epochs_that_come_again_are_no_progress() {
    let mut rig = Rig::up();
    for n in 0..2_000 {
        rig.say(&document(1 + n % 2, 1));
    }
    assert_eq!(rig.disconnects.len(), 1);
}

#[test]
fn a_wrong_prefix_is_a_stale_reply() {
    let mut rig = Rig::up();
    let (call, mut frame) = rig.send(quick(1));
    let right = frame.clone();
    let mut id = *frame.query_id.unwrap().as_bytes();
    id[0] ^= 1;
    frame.query_id = Some(id.into());
    rig.answer(&frame);
    assert_eq!((rig.result(call), rig.kinds()), (None, vec![]));
    rig.answer(&right);
    assert!(rig.ended_well(call));
}
