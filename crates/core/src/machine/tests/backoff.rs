//! The pauses between attempts.

use super::*;
use alloc::vec::Vec;

fn last_pause(rig: &Rig) -> Duration {
    let last = rig.events.iter().rev().find_map(|event| match event {
        Event::LinkDown { retry_in, .. } => *retry_in,
        _ => None,
    });
    last.unwrap()
}

/// The pause without its jitter, which is at most a fifth.
fn is_about(pause: Duration, expected: Duration) -> bool {
    pause >= expected.mul_f64(0.799) && pause <= expected.mul_f64(1.201)
}

fn fail_dial(rig: &mut Rig) -> Duration {
    rig.machine.handle_connect_failed(rig.now, rig.link(), "no");
    rig.drain();
    let pause = last_pause(rig);
    assert_eq!(rig.wake_at, Some(rig.now + pause));
    rig.redial();
    pause
}

#[test]
fn failed_dials_double_the_pause_up_to_a_minute() {
    let mut rig = Rig::dialling();
    for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
        let pause = fail_dial(&mut rig);
        assert!(is_about(pause, s(expected)), "{pause:?} for {expected} s");
    }
}

#[test]
fn failed_handshakes_double_it_too() {
    let mut rig = Rig::dialling();
    for expected in [250, 500, 1_000] {
        rig.connected();
        rig.say(&status(1, true));
        rig.cut(DisconnectCause::EndOfFile);
        assert!(is_about(last_pause(&rig), ms(expected)));
        rig.redial();
    }
    assert!(is_about(fail_dial(&mut rig), s(8)));
}

#[test]
fn the_first_pause_is_short_only_if_the_daemon_ended_the_link() {
    for (cause, expected) in [
        (DisconnectCause::EndOfFile, 250),
        (DisconnectCause::Reset, 250),
        (DisconnectCause::Local, 1_000),
        (DisconnectCause::Failed("no".into()), 1_000),
    ] {
        let mut rig = Rig::up();
        rig.wait(s(10));
        rig.cut(cause.clone());
        assert!(is_about(last_pause(&rig), ms(expected)), "{cause:?}");
    }
}

#[test]
fn a_link_that_this_side_ended_waits_a_second_whatever_the_daemon_did_then() {
    let mut rig = Rig::up();
    rig.wait(s(10));
    rig.input(&[0xff; 4]);
    rig.cut(DisconnectCause::EndOfFile);
    assert!(is_about(last_pause(&rig), s(1)));
}

#[test]
fn ten_seconds_up_end_a_row_of_failures_and_less_do_not() {
    for (up, expected) in [(s(10), 250), (s(10) - ms(1), 250 << 4)] {
        let mut rig = Rig::dialling();
        for _ in 0..4 {
            fail_dial(&mut rig);
        }
        rig.handshake(1, false);
        rig.wait(up);
        rig.cut(DisconnectCause::EndOfFile);
        assert!(is_about(last_pause(&rig), ms(expected)), "{up:?}");
    }
}

#[test]
fn the_jitter_differs_between_attempts_and_follows_from_the_seed() {
    let pauses = |seed| {
        let mut rig = Rig::seeded([seed; 32]);
        for _ in 0..8 {
            fail_dial(&mut rig);
        }
        (0..8).map(|_| fail_dial(&mut rig)).collect::<Vec<_>>()
    };
    let some = pauses(1);
    assert!(some.iter().any(|pause| *pause != some[0]));
    assert_eq!(some, pauses(1));
    assert_ne!(some, pauses(2));
}
