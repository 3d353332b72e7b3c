//! Closing, in every phase.

use super::*;
use crate::error::Fate;
use alloc::{vec, vec::Vec};
use sample::{cancel, message, quick, write};

fn stopped(fate: Fate) -> Option<CallError> {
    Some(CallError::Closed(CloseReason::Stopped, fate))
}

/// Nothing that comes after the end has any effect.
fn assert_inert(rig: &mut Rig) {
    assert_eq!((rig.closed, rig.wake_at), (Some(CloseReason::Stopped), None));
    assert_eq!(rig.events.last(), Some(&Event::LinkDown { cause: LinkError::Closed, retry_in: None }));
    let (events, disconnects) = (rig.events.len(), rig.disconnects.len());
    let call = rig.start(quick(1));
    assert_eq!(rig.error(call), stopped(Fate::NotSent));
    let call = rig.start(cancel(1));
    assert_eq!(rig.error(call), stopped(Fate::NotSent));
    rig.cancel(call);
    rig.machine.set_deadline(rig.now, call, Some(rig.now));
    rig.machine.timer(rig.now, rig.now + s(1));
    rig.connected();
    rig.say(&status(1, true));
    rig.machine.handle_connect_failed(rig.now, rig.link(), "no");
    rig.cut(DisconnectCause::EndOfFile);
    rig.close();
    rig.now = rig.now + s(100);
    rig.machine.handle_timeout(rig.now);
    rig.drain();
    assert_eq!((rig.wake_at, rig.written().len(), rig.timers.len(), rig.results.len()), (None, 0, 0, 0));
    assert_eq!((rig.events.len(), rig.disconnects.len()), (events, disconnects));
    assert_eq!((rig.machine.status().link, rig.outstanding()), (LinkStatus::Closed, 0));
}

#[test]
fn down_it_is_closed_at_once() {
    let mut rig = Rig::up();
    rig.cut(DisconnectCause::EndOfFile);
    let call = rig.start(quick(1));
    rig.machine.timer(rig.now, rig.now + s(50));
    rig.close();
    assert_eq!((rig.error(call), rig.disconnects.len()), (stopped(Fate::NotSent), 0));
    assert_inert(&mut rig);
}

#[test]
fn a_dial_is_abandoned() {
    let mut rig = Rig::dialling();
    rig.close();
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Now)]);
    assert_inert(&mut rig);
}

#[test]
fn before_the_driver_has_even_heard_of_the_dial() {
    let mut machine = Machine::new(Config::default(), [1; 32], Instant::ORIGIN);
    machine.close(Instant::ORIGIN);
    let Output::Connect(link) = machine.poll_output() else { panic!("no dial") };
    assert_eq!(machine.poll_output(), Output::Disconnect(link, DisconnectMode::Now));
    assert!(matches!(machine.poll_output(), Output::Event(Event::LinkDown { .. })));
    assert_eq!(machine.poll_output(), Output::Closed(CloseReason::Stopped));
    assert_eq!(machine.poll_output(), Output::Idle { wake_at: None });
}

#[test]
fn in_the_handshake_nothing_is_said_behind_an_unanswered_token() {
    for heard in 0..3 {
        let mut rig = Rig::dialling();
        rig.connected();
        for response in &[status(1, true), no_document()][..heard] {
            rig.say(response);
        }
        rig.written();
        let call = rig.start(write(1));
        rig.close();
        assert_eq!(rig.error(call), stopped(Fate::NotSent));
        assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Now)], "{heard}");
        assert_eq!((rig.kinds(), rig.closed), (vec![], None));
        rig.say(&session(false));
        assert_eq!((rig.kinds(), rig.machine.status().link), (vec![], LinkStatus::Closed));
        rig.cut(DisconnectCause::Local);
        assert_inert(&mut rig);
    }
}

#[test]
fn up_it_says_so_behind_the_frame_in_progress() {
    let mut rig = Rig::up();
    let (written, frame) = rig.send(write(1));
    rig.stuck = true;
    let waiting = rig.start(quick(2));
    rig.close();
    assert_eq!(rig.error(written), stopped(Fate::MaybeExecuted));
    assert_eq!(rig.error(waiting), stopped(Fate::NotSent));
    assert_eq!((rig.outstanding(), rig.disconnects.len()), (0, 0));
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.kinds(), [RequestKind::ThinClose]);
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Now)]);
    rig.answer(&frame);
    assert_eq!(rig.closed, None);
    rig.cut(DisconnectCause::EndOfFile);
    assert_inert(&mut rig);
}

#[test]
fn a_daemon_that_takes_nothing_holds_it_up_for_a_second_at_most() {
    let mut rig = Rig::up();
    rig.stuck = true;
    rig.close();
    assert_eq!((rig.disconnects.len(), rig.wake_at), (0, Some(rig.now + s(1))));
    rig.wait(s(1));
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Now)]);
    assert_eq!(rig.wake_at, None);
    rig.stuck = false;
    rig.drain();
    assert_eq!(rig.kinds(), []);
    rig.cut(DisconnectCause::Local);
    assert_inert(&mut rig);
}

#[test]
fn a_link_that_ends_before_the_close_is_written_is_closed() {
    let mut rig = Rig::up();
    rig.stuck = true;
    rig.close();
    rig.cut(DisconnectCause::EndOfFile);
    assert_inert(&mut rig);
}

#[test]
fn a_link_that_is_draining_is_cut_short() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(write(1));
    rig.input(&[0xff; 4]);
    rig.close();
    assert_eq!(rig.error(call), stopped(Fate::MaybeExecuted));
    let modes: Vec<_> = rig.disconnects.iter().map(|(_, mode)| *mode).collect();
    assert_eq!(modes, [DisconnectMode::Drain, DisconnectMode::Now]);
    rig.cut(DisconnectCause::Local);
    assert_inert(&mut rig);
}

#[test]
fn all_calls_end_in_the_same_drain_and_abandoned_ones_do_not_end_again() {
    let mut rig = Rig::up();
    let dropped = rig.start(write(1000));
    rig.cancel(dropped);
    assert!(rig.result(dropped).is_some());
    for n in 0..300 {
        rig.start(write(n));
        rig.start(message(n));
        rig.start(quick(n));
        rig.start(cancel(n + 5_000));
    }
    rig.machine.timer(rig.now, rig.now + s(1));
    rig.close();
    assert_eq!(rig.results.len(), 1_200);
    assert!(rig.results.values().all(|result| matches!(result, Err(CallError::Closed(..)))));
    assert_eq!((rig.machine.calls.table().len(), rig.machine.calls.table().held_bytes()), (0, 0));
}

#[test]
fn the_reason_is_passed_on() {
    for reason in [CloseReason::DriverGone, CloseReason::NeverConnected] {
        let mut rig = Rig::dialling();
        let call = rig.start(quick(1));
        rig.machine.close_for(rig.now, reason);
        rig.drain();
        assert_eq!(rig.error(call), Some(CallError::Closed(reason, Fate::NotSent)));
        assert_eq!(rig.closed, Some(reason));
    }
}
