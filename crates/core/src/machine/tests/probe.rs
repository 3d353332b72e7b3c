//! Whether a resumed link still carries anything.

use super::*;
use crate::wire::EnvelopeHash;
use alloc::vec;
use sample::{create, message, quick, slow, write};

/// A machine that waits for the reply to a message on a resumed link, and the message's SURB id.
fn resumed() -> Rig {
    let mut rig = Rig::up();
    rig.start(message(1));
    rig.written();
    rig.replace(1, true);
    rig
}

fn hash(frame: &RequestFrame) -> EnvelopeHash {
    let AnyRequest::CancelResendingEncryptedMessage(cancel) = &frame.request else {
        panic!("no probe: {frame:?}")
    };
    cancel.envelope_hash
}

#[test]
fn ten_quiet_seconds_bring_one_and_every_answer_ten_more() {
    let mut rig = resumed();
    let mut hashes = vec![];
    for _ in 0..3 {
        rig.wait(s(10) - ms(1));
        assert_eq!(rig.kinds(), []);
        rig.wait(ms(1));
        let probe = rig.one();
        hashes.push(hash(&probe));
        rig.wait(s(29));
        assert_eq!((rig.kinds(), rig.disconnects.len()), (vec![], 0));
        rig.answer(&probe);
    }
    assert!(hashes[0] != hashes[1] && hashes[1] != hashes[2]);
}

#[test]
fn any_frame_breaks_the_quiet() {
    let mut rig = resumed();
    for _ in 0..20 {
        rig.wait(s(9));
        rig.say(&sample::stray());
    }
    assert_eq!(rig.kinds(), []);
}

#[test]
fn one_that_is_silent_for_thirty_seconds_has_the_link_replaced_under_a_fresh_token() {
    let mut rig = resumed();
    rig.wait(s(40) - ms(1));
    assert_eq!(rig.disconnects, []);
    rig.wait(ms(1));
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Drain)]);
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.down(), &LinkError::Silent);
    rig.redial();
    rig.written();
    // The daemon says that it resumed, but the token is not the one of before.
    rig.handshake(1, true);
    assert!(rig.results.values().all(Result::is_err));
    assert_eq!(rig.results.len(), 1);
}

#[test]
fn nothing_is_probed_on_a_link_with_a_fresh_session_or_with_nothing_to_wait_for() {
    let mut rig = Rig::up();
    rig.send(write(1));
    rig.wait(s(599));
    assert_eq!(rig.kinds(), []);

    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.replace(1, true);
    rig.say(&sample::echo(surb));
    assert!(rig.ended_well(call));
    assert_eq!(rig.wake_at, None);
    // It begins anew with what is written next.
    rig.wait(s(1_000));
    rig.send(quick(1));
    rig.wait(s(10) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    hash(&rig.one());
}

#[test]
fn slow_calls_in_front_have_thirty_seconds_each_or_three_times_what_they_took_yet() {
    let mut rig = resumed();
    rig.send(slow(1));
    rig.send(slow(2));
    rig.wait(s(10));
    rig.one();
    rig.wait(s(30 + 2 * 90) - ms(1));
    assert_eq!(rig.disconnects, []);
    rig.wait(ms(1));
    assert_eq!(rig.disconnects.len(), 1);

    let mut rig = resumed();
    let (_, frame) = rig.send(slow(1));
    rig.wait(s(4));
    rig.answer(&frame);
    rig.send(slow(2));
    rig.wait(s(10));
    rig.one();
    rig.wait(s(30 + 12) - ms(1));
    assert_eq!(rig.disconnects, []);
    rig.wait(ms(1));
    assert_eq!(rig.disconnects.len(), 1);
}

#[test]
fn a_create_in_front_may_take_as_long_as_it_likes() {
    for answered in [true, false] {
        let mut rig = resumed();
        let (call, frame) = rig.send(create(1));
        rig.wait(s(10));
        let probe = rig.one();
        rig.wait(s(20 * 60));
        assert_eq!(rig.disconnects, []);
        rig.say(&sample::refusal(&frame, 3));
        assert!(rig.error(call).is_some());
        // Now the probe is the oldest.
        rig.wait(s(30) - ms(1));
        assert_eq!(rig.disconnects, []);
        if answered {
            rig.answer(&probe);
        }
        rig.wait(ms(1));
        assert_eq!(rig.disconnects.is_empty(), answered);
    }
}

#[test]
fn a_link_that_takes_no_bytes_is_not_cut() {
    let mut rig = resumed();
    rig.stuck = true;
    rig.wait(s(20));
    assert_eq!((rig.kinds(), rig.disconnects.len()), (vec![], 0));
    rig.wait(s(50));
    assert_eq!(rig.disconnects, []);
}
