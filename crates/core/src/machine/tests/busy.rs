//! A daemon that takes no more connections closes one before it says anything (C1).

use alloc::string::ToString;

use super::*;
use crate::machine::Role;
use sample::{quick, read};

fn companion() -> Rig {
    Rig::with(Config { role: Role::Companion, ..Config::default() }, [7; 32])
}

/// The time until the next attempt.
fn pause(rig: &Rig) -> Duration {
    rig.wake_at.unwrap().saturating_since(rig.now)
}

fn turned_away(rig: &mut Rig) -> Duration {
    rig.connected();
    rig.cut(DisconnectCause::EndOfFile);
    pause(rig)
}

#[test]
fn an_end_of_file_before_the_first_byte_says_so_and_pauses_grow_from_a_second() {
    let mut rig = Rig::dialling();
    for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
        let pause = turned_away(&mut rig);
        assert_eq!(rig.down(), &LinkError::Busy);
        assert_eq!(rig.machine.status().down, Some(LinkError::Busy));
        assert!(pause >= s(expected).mul_f64(0.799) && pause <= s(expected).mul_f64(1.201), "{pause:?}");
        rig.redial();
    }
    assert!(rig.down().to_string().contains("busy"), "{}", rig.down());
    rig.handshake(1, false);
    assert_eq!(rig.machine.status().down, None);
}

#[test]
fn an_end_behind_a_byte_or_without_an_end_of_file_is_something_else() {
    let mut rig = Rig::dialling();
    rig.connected();
    rig.input(&[]);
    rig.input(&[0]);
    rig.cut(DisconnectCause::EndOfFile);
    assert!(matches!(rig.down(), LinkError::Handshake { .. }), "{:?}", rig.down());
    assert!(pause(&rig) <= ms(300));
    for cause in [DisconnectCause::Reset, DisconnectCause::Local, DisconnectCause::Failed("no".into())] {
        let mut rig = Rig::dialling();
        rig.connected();
        rig.cut(cause);
        assert!(matches!(rig.down(), LinkError::Handshake { .. }), "{:?}", rig.down());
        assert!(pause(&rig) >= ms(799));
    }
}

#[test]
fn a_companion_that_is_turned_away_stays_away_for_a_minute() {
    let mut rig = companion();
    for _ in 0..3 {
        let pause = turned_away(&mut rig);
        assert!(pause >= s(60) && pause <= s(72), "{pause:?}");
        rig.redial();
    }
}

#[test]
fn one_that_gives_way_ends_its_link_and_keeps_what_waits() {
    let mut rig = companion();
    let waiting = rig.start(read(1));
    rig.handshake(1, false);
    rig.written();
    rig.machine.give_way(rig.now);
    rig.drain();
    assert_eq!(rig.disconnects.last(), Some(&(rig.link(), DisconnectMode::Drain)));
    assert_eq!(rig.machine.status().down, Some(LinkError::Busy));
    // A second word changes nothing.
    rig.machine.give_way(rig.now);
    rig.drain();
    assert_eq!(rig.disconnects.len(), 1);
    rig.cut(DisconnectCause::EndOfFile);
    assert!(pause(&rig) >= s(60));
    rig.redial();
    rig.handshake(1, false);
    let starts = rig.behind_cancels();
    starts.iter().for_each(|start| rig.answer(start));
    assert!(rig.ended_well(waiting));
}

#[test]
fn giving_way_ends_a_dial_and_puts_a_later_one_off() {
    let mut rig = companion();
    rig.machine.give_way(rig.now);
    rig.drain();
    assert_eq!(rig.disconnects.len(), 1);
    rig.cut(DisconnectCause::Local);
    assert!(pause(&rig) >= s(60));
    rig.redial();
    rig.machine.handle_connect_failed(rig.now, rig.link(), "no");
    rig.drain();
    assert!(pause(&rig) <= s(3));
    rig.machine.give_way(rig.now);
    rig.drain();
    assert!(pause(&rig) >= s(60));
}

#[test]
fn a_closed_machine_gives_no_way() {
    let mut rig = companion();
    let waiting = rig.start(quick(1));
    rig.close();
    assert!(rig.error(waiting).is_some());
    rig.machine.give_way(rig.now);
    rig.drain();
    assert_eq!(rig.closed, Some(CloseReason::Stopped));
}
