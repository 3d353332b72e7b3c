//! A daemon that does not answer: every wait ends, or is one of the documented three.

use std::time::Duration;

use kpthin_core::{
    error::CallError,
    machine::{Event, LinkError},
    wire::{AnyRequest, GetDirectoryAuthorities, GetPkiDocument, Lane},
};
use kpthin_tests::{Pair, Scripted, sample};

const MINUTE: Duration = Duration::from_secs(60);

fn locals() -> Vec<AnyRequest> {
    vec![
        sample::keypair(1).into(),
        sample::encrypt_read(2).into(),
        sample::encrypt_write(3).into(),
        sample::any(10, 4),
        sample::cancel(5).into(),
        sample::cancel_copy(6).into(),
        GetPkiDocument { epoch: 0 }.into(),
        GetDirectoryAuthorities {}.into(),
    ]
}

#[test]
fn every_local_call_ends_although_nothing_is_ever_answered() {
    let mut pair = Pair::up(1, Scripted::silent());
    let calls: Vec<_> = locals().into_iter().map(|request| pair.start(request)).collect();
    assert!(pair.settle(120 * MINUTE), "a local call hangs");
    for call in calls {
        match pair.result(call) {
            // Without a link a cancel is as good as done.
            Ok(reply) => assert_eq!(reply.kind().lane(), Lane::Cancel),
            Err(error) => assert_eq!(error, CallError::Unanswered),
        }
    }
    assert!(
        pair.events
            .iter()
            .any(|(_, event)| { matches!(event, Event::LinkDown { cause: LinkError::Silent, .. }) })
    );
    pair.assert_at_rest();
}

#[test]
fn a_local_call_that_was_overtaken_fails_alone() {
    let forgotten = AnyRequest::from(sample::keypair(1));
    let mut pair = Pair::up(
        2,
        Scripted::new(move |talk, frame| {
            if frame.request != forgotten {
                talk.answer(frame);
            }
        }),
    );
    let forgotten = pair.start(sample::keypair(1));
    let other = pair.start(sample::keypair(2));
    pair.run_for(MINUTE + Duration::from_secs(1));
    assert_eq!(pair.result(forgotten), Err(CallError::Unanswered));
    assert!(pair.result(other).is_ok());
    assert_eq!(pair.dials(), 1, "the link stays");
}

#[test]
fn a_slow_local_call_is_not_taken_for_a_dead_daemon() {
    let mut pair = Pair::up(3, Scripted::new(|talk, frame| talk.answer_after(4 * MINUTE, frame)));
    pair.call(sample::encrypt_read(1)).unwrap();
    assert_eq!(pair.dials(), 1);
}

#[test]
fn an_unanswered_operation_is_renewed_until_it_is_answered() {
    let mut starts = 0;
    let mut pair = Pair::up(
        4,
        Scripted::new(move |talk, frame| match &frame.request {
            AnyRequest::StartResendingEncryptedMessage(_) => {
                starts += 1;
                if starts == 3 {
                    talk.answer(frame);
                }
            }
            _ => talk.answer(frame),
        }),
    );
    let began = pair.now();
    pair.call(sample::write(1)).unwrap();
    assert_eq!(pair.now().saturating_since(began).as_secs(), 20 * 60);
    pair.assert_at_rest();
}

#[test]
fn an_operation_is_not_renewed_while_the_mixnet_is_down() {
    // It answers cancels, and no start.
    let mut pair = Pair::up(
        5,
        Scripted::new(|talk, frame| match &frame.request {
            AnyRequest::StartResendingEncryptedMessage(_) => {}
            _ => talk.answer(frame),
        }),
    );
    pair.start(sample::write(1));
    pair.run_for(MINUTE);
    pair.daemon.set_mixnet(false);
    pair.run_for(100 * MINUTE);
    assert_eq!(pair.tap.times_written(&sample::write(1).into()), 1);
    pair.daemon.set_mixnet(true);
    pair.run_for(10 * MINUTE);
    assert_eq!(pair.tap.times_written(&sample::write(1).into()), 2);
}

#[test]
fn a_message_that_never_leaves_and_one_that_is_never_answered_end() {
    let mut pair = Pair::up(6, Scripted::silent());
    let call = pair.start(sample::message(1));
    pair.run_for(2 * MINUTE + Duration::from_secs(1));
    assert_eq!(pair.result(call), Err(CallError::Unanswered));

    let mut pair = Pair::up(
        7,
        Scripted::new(|talk, frame| {
            if let AnyRequest::SendMessage(send) = &frame.request {
                talk.send(&sample::sent(send));
            }
        }),
    );
    let call = pair.start(sample::message(1));
    pair.run_for(MINUTE);
    assert_eq!(pair.result(call), Err(CallError::Unanswered), "two seconds of estimate and thirty of grace");
    pair.assert_at_rest();
}

#[test]
fn a_daemon_that_accepts_and_says_nothing_is_given_ninety_seconds() {
    let mut daemon = Scripted::honest();
    daemon.mute = true;
    let mut pair = Pair::new(8, daemon);
    let call = pair.start(sample::keypair(1));
    pair.run_for(80 * Duration::from_secs(1));
    assert_eq!(pair.dials(), 1);
    pair.run_for(20 * MINUTE);
    assert!((8..20).contains(&pair.dials()), "{} dials", pair.dials());
    pair.daemon.mute = false;
    pair.finish(call).unwrap();
}

#[test]
fn a_daemon_that_is_not_there_is_dialled_more_and_more_seldom() {
    let mut daemon = Scripted::honest();
    daemon.down = true;
    let mut pair = Pair::new(9, daemon);
    let call = pair.start(sample::write(1));
    pair.run_for(60 * MINUTE);
    assert!((50..90).contains(&pair.dials()), "{} dials", pair.dials());
    pair.daemon.down = false;
    pair.finish(call).unwrap();
}

#[test]
fn deadlines_end_every_kind_of_call_in_every_state() {
    let limit = Duration::from_secs(7);
    for which in 0..11 {
        for (name, daemon) in [
            ("silent", Scripted::silent()),
            ("mute", {
                let mut daemon = Scripted::silent();
                daemon.mute = true;
                daemon
            }),
        ] {
            let mut pair = Pair::new(which, daemon);
            pair.run_for(Duration::from_secs(1));
            let call = pair.start_within(limit, sample::any(which, which));
            pair.run_for(limit);
            let result = pair.result(call);
            let at_once = sample::any(which, which).kind().lane() == Lane::Cancel;
            assert!(
                matches!(result, Err(CallError::TimedOut(_))) || (at_once && name == "mute"),
                "{name}: {result:?}"
            );
        }
    }
}

#[test]
fn the_deadline_of_a_call_that_has_ended_wakes_nobody() {
    let mut pair = Pair::up(10, Scripted::honest());
    for which in 0..11 {
        let call = pair.start_within(1_000 * MINUTE, sample::any(which, which));
        pair.finish(call).unwrap();
    }
    pair.assert_at_rest();
}
