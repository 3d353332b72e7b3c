//! How a link ends, and whether the token may be presented again (§3.8).

use super::*;
use crate::wire::{SessionToken, Shutdown};
use alloc::vec;
use sample::{message, quick, slow, write};

fn token(frame: &RequestFrame) -> SessionToken {
    let AnyRequest::SessionToken(present) = &frame.request else { panic!("no token") };
    present.client_instance_token.clone()
}

/// The token that is presented on the next link, which then comes up.
fn next_token(rig: &mut Rig, daemon: u64, resumed: bool) -> SessionToken {
    rig.redial();
    rig.written();
    rig.connected();
    rig.say(&status(daemon, true));
    rig.say(&no_document());
    let token = token(&rig.one());
    rig.say(&session(resumed));
    token
}

/// A rig with its first token.
fn up() -> (Rig, SessionToken) {
    let mut rig = Rig::dialling();
    let first = next_token_of_the_first_link(&mut rig);
    (rig, first)
}

fn next_token_of_the_first_link(rig: &mut Rig) -> SessionToken {
    rig.connected();
    rig.say(&status(1, true));
    rig.say(&no_document());
    let token = token(&rig.one());
    rig.say(&session(false));
    token
}

fn reconnected(rig: &Rig) -> (bool, bool) {
    let last = rig.events.iter().rev().find_map(|event| match event {
        Event::Reconnected { same_daemon, resumed, .. } => Some((*same_daemon, *resumed)),
        _ => None,
    });
    last.unwrap()
}

#[test]
fn the_token_is_presented_again_only_if_the_daemon_noticed_the_end() {
    let causes = [
        (DisconnectCause::EndOfFile, true),
        (DisconnectCause::Reset, true),
        (DisconnectCause::Local, false),
        (DisconnectCause::Failed("broken".into()), false),
    ];
    for (cause, same) in causes {
        let (mut rig, first) = up();
        rig.wait_for_a_reply();
        rig.cut(cause.clone());
        let second = next_token(&mut rig, 1, true);
        assert_eq!(first == second, same, "{cause:?}");
        assert_eq!(reconnected(&rig), (true, same), "{cause:?}");
    }
}

#[test]
fn a_session_in_which_nothing_is_waited_for_is_not_resumed() {
    let empty: [fn(&mut Rig); 4] = [
        |_| {},
        |rig| {
            rig.send(quick(1));
        },
        |rig| {
            rig.stuck = true;
            rig.start(write(1));
        },
        |rig| {
            let (call, _) = rig.send(write(1));
            rig.cancel(call);
        },
    ];
    for waits in empty {
        let (mut rig, first) = up();
        waits(&mut rig);
        rig.cut(DisconnectCause::EndOfFile);
        rig.stuck = false;
        rig.written();
        assert_ne!(next_token(&mut rig, 1, true), first);
        assert_eq!(reconnected(&rig), (true, false));
    }
    for waits in [AnyRequest::from(write(1)), message(1).into()] {
        let (mut rig, first) = up();
        rig.send(waits);
        rig.cut(DisconnectCause::EndOfFile);
        assert_eq!(next_token(&mut rig, 1, true), first);
    }
}

#[test]
fn a_token_written_but_not_answered_counts_as_presented() {
    for (cause, same) in [(DisconnectCause::EndOfFile, true), (DisconnectCause::Local, false)] {
        let (mut rig, first) = up();
        rig.wait_for_a_reply();
        rig.cut(DisconnectCause::EndOfFile);
        rig.redial();
        rig.connected();
        rig.say(&status(1, true));
        rig.say(&no_document());
        assert_eq!(token(&rig.one()), first);
        rig.cut(cause);
        assert_eq!(first == next_token(&mut rig, 1, true), same);
        assert_eq!(reconnected(&rig), (true, same));
    }
}

#[test]
fn a_token_that_was_not_written_is_kept_whatever_the_end() {
    let (mut rig, first) = up();
    rig.wait_for_a_reply();
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.connected();
    rig.say(&status(1, true));
    rig.cut(DisconnectCause::Local);
    assert_eq!(next_token(&mut rig, 1, true), first);
    assert_eq!(reconnected(&rig), (true, true));
}

#[test]
fn resumed_needs_the_reply_the_same_daemon_and_a_token_of_ours() {
    for (daemon, said, same_daemon, resumed) in
        [(1, true, true, true), (1, false, true, false), (2, true, false, false), (2, false, false, false)]
    {
        let (mut rig, _) = up();
        rig.wait_for_a_reply();
        rig.cut(DisconnectCause::EndOfFile);
        next_token(&mut rig, daemon, said);
        assert_eq!(reconnected(&rig), (same_daemon, resumed));
    }
}

#[test]
fn a_fresh_token_is_never_resumed_whatever_the_daemon_says() {
    let (mut rig, _) = up();
    let (call, _) = rig.send_message(message(1));
    rig.cut(DisconnectCause::Local);
    next_token(&mut rig, 1, true);
    assert_eq!(reconnected(&rig), (true, false));
    assert_eq!(rig.error(call), Some(CallError::LinkLost(crate::error::Fate::MaybeExecuted)));
}

#[test]
fn a_link_that_is_being_ended_is_still_read_but_not_written() {
    let mut rig = Rig::up();
    let (silent, _) = rig.send(quick(1));
    let (call, frame) = rig.send(write(1));
    rig.wait(s(300));
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Drain)]);
    assert_eq!(rig.result(silent), None);
    let late = rig.start(quick(2));
    rig.wait(s(1));
    rig.answer(&frame);
    assert!(rig.ended_well(call));
    assert_eq!((rig.kinds(), rig.machine.status().link), (vec![], LinkStatus::Down));
    let old = rig.link();
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.down(), &LinkError::Silent);
    rig.redial();
    assert_ne!(rig.link(), old);
    rig.handshake(1, false);
    rig.answer_all();
    assert!(rig.ended_well(late) && rig.ended_well(silent));
}

#[test]
fn there_is_no_dial_before_the_old_link_is_gone() {
    let mut rig = Rig::up();
    rig.send(quick(1));
    let old = rig.link();
    rig.wait(s(1_000));
    assert_eq!((rig.disconnects.len(), rig.link()), (1, old));
    rig.cut(DisconnectCause::Local);
    rig.redial();
    assert_ne!(rig.link(), old);
}

#[test]
fn a_silent_daemon_gets_a_fresh_token_even_if_it_noticed() {
    let (mut rig, first) = up();
    rig.send(slow(1));
    rig.wait(s(300));
    rig.cut(DisconnectCause::EndOfFile);
    assert_ne!(next_token(&mut rig, 1, true), first);
    assert_eq!(reconnected(&rig), (true, false));
}

#[test]
fn an_overlong_frame_ends_the_link_and_what_follows_is_not_read() {
    let mut rig = Rig::up();
    let (call, frame) = rig.send(quick(1));
    let mut all = vec![0xff_u8; 4];
    all.extend(sample::frame(&good(&frame)));
    rig.input(&all);
    rig.answer(&frame);
    assert_eq!(rig.disconnects.len(), 1);
    assert_eq!(rig.result(call), None);
    rig.cut(DisconnectCause::EndOfFile);
    assert!(matches!(rig.down(), LinkError::Overlong(_)));
    rig.redial();
    rig.handshake(1, true);
    rig.answer_all();
    assert!(rig.ended_well(call));
}

#[test]
fn an_announced_shutdown_is_the_cause_of_the_end() {
    let mut rig = Rig::up();
    rig.say(&AnyResponse::Shutdown(Shutdown {}));
    assert!(rig.events.contains(&Event::DaemonShutdown));
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.down(), &LinkError::Shutdown);
    rig.redial();
    rig.handshake(2, false);
    rig.cut(DisconnectCause::EndOfFile);
    assert_eq!(rig.down(), &LinkError::Ended(DisconnectCause::EndOfFile));
}
