//! Late encoding, and how much of it.

use super::*;
use crate::machine::limits::HIGH_WATER_MARK;
use alloc::{vec, vec::Vec};
use sample::{create, quick, slow, write};

/// A rig with two large requests and a small one waiting.
fn full() -> Rig {
    let mut rig = Rig::up();
    rig.stuck = true;
    let mut large = create(1);
    large.payload = vec![7; HIGH_WATER_MARK].into();
    rig.start(large);
    rig.start(quick(1));
    rig.start(slow(1));
    rig
}

#[test]
fn encoding_stops_at_the_mark_and_the_last_frame_may_reach_over_it() {
    let mut rig = full();
    let mut out = Vec::new();
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert!(out.len() > HIGH_WATER_MARK && out.len() < HIGH_WATER_MARK + 1_000);
    assert_eq!(decode(&out).len(), 1);
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert_eq!((decode(&out).len(), rig.queued()), (1, 2));
    let rest = out.split_off(0);
    assert_eq!(decode(&rest).len(), 1);
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert_eq!(decode(&out).len(), 2);
}

#[test]
fn what_is_in_the_buffer_counts_towards_the_mark() {
    let mut rig = Rig::up();
    rig.stuck = true;
    rig.start(quick(1));
    let mut out = vec![0; HIGH_WATER_MARK - 1];
    rig.start(quick(2));
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert_eq!((decode(&out[HIGH_WATER_MARK - 1..]).len(), rig.queued()), (1, 1));
}

#[test]
fn cancels_respect_the_mark_too() {
    let mut rig = Rig::up();
    let calls: Vec<_> = (0..16).map(|n| rig.start(write(n))).collect();
    rig.stuck = true;
    for call in calls {
        rig.cancel(call);
    }
    let mut out = vec![0; HIGH_WATER_MARK];
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert_eq!(out.len(), HIGH_WATER_MARK);
}

#[test]
fn what_was_appended_counts_as_written_and_is_not_appended_again() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let call = rig.start(quick(1));
    let mut out = Vec::new();
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert_eq!(decode(&out).len(), 1);
    rig.cancel(call);
    assert_eq!(rig.error(call), Some(CallError::Cancelled(crate::error::Fate::MaybeExecuted)));
}

#[test]
fn a_frame_longer_than_any_may_be_fails_its_call_and_leaves_no_trace() {
    let mut rig = Rig::up();
    let mut multi = crate::wire::CreateCourierEnvelopesFromMultiPayload {
        destinations: vec![
            crate::wire::Destination {
                payload: vec![1; 10 << 20].into(),
                write_cap: sample::bytes::<168>(1).into(),
                start_index: sample::bytes::<104>(1).into(),
            };
            4
        ],
        is_start: true,
        is_last: true,
        buffer: None,
    };
    let max = crate::frame::BODY_LEN_MAX;
    let call = rig.start(multi.clone());
    // Forty times 2^20 bytes of payload are just not too long, but there is more to a frame.
    let Some(CallError::TooLarge { len, max: named }) = rig.error(call) else { panic!("no refusal") };
    assert!(len > max && named == max);
    assert_eq!((rig.kinds(), rig.disconnects.len()), (vec![], 0));
    rig.send(create(1));
    multi.buffer = Some(vec![0; 1].into());
    let call = rig.start(multi);
    assert_eq!(rig.error(call), Some(CallError::TooLarge { len: max + 1, max }));
}

#[test]
fn the_sizes_are_checked_again_when_they_have_become_known() {
    let mut rig = Rig::dialling();
    let mut long = slow(1);
    long.plaintext = vec![1; 1_550].into();
    let call = rig.start(long);
    assert_eq!(rig.result(call), None);
    rig.handshake(1, false);
    assert_eq!(rig.error(call), Some(CallError::TooLarge { len: 1_550, max: 1_549 }));
    assert_eq!((rig.kinds(), rig.machine.calls.table().len()), (vec![], 0));
}

#[test]
fn query_ids_share_a_prefix_and_never_repeat() {
    let mut rig = Rig::up();
    let mut seen = alloc::collections::BTreeSet::new();
    let mut prefix = None;
    for n in 0..500 {
        let (_, frame) = if n % 2 == 0 { rig.send(quick(n)) } else { rig.send(write(n)) };
        let id = *frame.query_id.unwrap().as_bytes();
        let (first, _) = id.split_first_chunk::<8>().unwrap();
        assert_eq!(*prefix.get_or_insert(*first), *first);
        assert!(seen.insert(id));
        rig.answer(&frame);
    }
}

#[test]
fn without_a_link_that_is_up_nothing_is_appended() {
    let mut rig = Rig::dialling();
    rig.start(quick(1));
    let mut out = Vec::new();
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    rig.connected();
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    rig.say(&status(1, true));
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    rig.cut(DisconnectCause::EndOfFile);
    rig.machine.poll_transmit(rig.now, rig.link(), &mut out);
    assert!(out.is_empty());
}
