//! What cancelling puts on the wire, and when.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, Fate},
    wire::{AnyRequest, Class, Lane, RequestKind},
};
use kpthin_tests::{Pair, Scripted, sample};

const CANCEL: RequestKind = RequestKind::CancelResendingEncryptedMessage;
const SECOND: Duration = Duration::from_secs(1);

/// Answers all but operations, which never end.
fn endless() -> Scripted {
    Scripted::new(|talk, frame| {
        if frame.request.kind().class() != Class::Operation {
            talk.answer(frame);
        }
    })
}

/// Works through local requests one after the other, two seconds each; cancels take no time of
/// their own, but wait behind what was written before them.
fn slow() -> Scripted {
    let mut free_at = None;
    Scripted::new(move |talk, frame| {
        let begin = free_at.map_or(talk.now(), |at| talk.now().max(at));
        let slow = matches!(frame.request, AnyRequest::EncryptRead(_) | AnyRequest::EncryptWrite(_));
        let end = begin + if slow { 2 * SECOND } else { Duration::ZERO };
        free_at = Some(end);
        if frame.request.kind().class() != Class::Operation {
            talk.answer_after(end.saturating_since(talk.now()), frame);
        }
    })
}

#[test]
fn a_cancel_goes_out_while_the_mixnet_is_down() {
    let mut pair = Pair::up(1, endless());
    let read = pair.start(sample::read(1));
    pair.run_for(SECOND);
    pair.daemon.set_mixnet(false);
    pair.run_for(SECOND);
    pair.cancel(read);
    pair.run_for(SECOND);
    assert_eq!(pair.result(read), Err(CallError::Cancelled(Fate::MaybeExecuted)));
    assert!(pair.tap.has_written(&sample::cancel(1).into()), "the cancel did not go out");
}

#[test]
fn an_explicit_cancel_is_answered_while_the_mixnet_is_down() {
    let mut pair = Pair::up(1, endless());
    let read = pair.start(sample::read(1));
    pair.run_for(SECOND);
    pair.daemon.set_mixnet(false);
    pair.call(sample::cancel(1)).unwrap();
    assert!(pair.tap.has_written(&sample::cancel(1).into()));
    pair.cancel(read);
}

#[test]
fn a_cancel_goes_ahead_of_everything_queued() {
    let mut pair = Pair::up(2, slow());
    let write = pair.start(sample::write(1));
    pair.run_for(SECOND);
    let queued: Vec<_> = (100..160).map(|n| pair.start(sample::encrypt_read(n))).collect();
    pair.run_for(SECOND / 10);
    let cancelled_at = pair.now();
    pair.cancel(write);
    pair.drain();
    let written = pair.tap.written.last().expect("something was written");
    assert_eq!(written.frame.request.kind(), CANCEL, "it is written at once");
    assert!(pair.tap.of_kind(RequestKind::EncryptRead).count() <= 2, "too much was written ahead of it");
    // Answered behind the two encryptions that were written already, not behind sixty.
    let answered = |pair: &Pair<Scripted>| {
        pair.tap.received.iter().any(|(_, response)| format!("{response:?}").contains("CancelResending"))
    };
    assert!(pair.run_until(cancelled_at + 5 * SECOND, answered), "the cancel waits too long");
    assert!(pair.settle(200 * SECOND));
    assert!(queued.into_iter().all(|call| pair.result(call).is_ok()));
}

#[test]
fn cancels_pass_while_encryptions_take_two_seconds_each() {
    let mut pair = Pair::up(3, slow());
    let reads: Vec<_> = (0..8).map(|n| pair.start(sample::read(n))).collect();
    let encryptions: Vec<_> = (100..130).map(|n| pair.start(sample::encrypt_write(n))).collect();
    pair.run_for(SECOND);
    for read in reads {
        pair.cancel(read);
        let since = pair.now();
        let before = pair.tap.of_kind(CANCEL).count();
        pair.drain();
        assert_eq!(pair.tap.of_kind(CANCEL).count(), before + 1, "held back");
        assert_eq!(pair.completion(read).expect("it ended at once").at, since);
        pair.run_for(SECOND);
    }
    assert!(pair.settle(100 * SECOND));
    assert!(encryptions.into_iter().all(|call| pair.result(call).is_ok()));
}

#[test]
fn what_is_cancelled_before_it_is_written_leaves_no_trace() {
    let mut pair = Pair::new(4, endless());
    let calls: Vec<_> = (0..11).map(|which| pair.start(sample::any(which, which))).collect();
    // Explicit cancels succeed at once without a link; all others wait.
    for call in &calls {
        pair.cancel(*call);
    }
    pair.run_until_up();
    pair.run_for(SECOND);
    for call in calls {
        match pair.result(call) {
            Ok(reply) => assert_eq!(reply.kind().lane(), Lane::Cancel),
            Err(error) => assert_eq!(error, CallError::Cancelled(Fate::NotSent)),
        }
    }
    assert!(pair.tap.written.iter().all(|written| written.frame.request.kind() == RequestKind::SessionToken));
    pair.assert_at_rest();
}

#[test]
fn a_cancel_that_comes_too_early_is_repeated_until_the_start_is_answered() {
    // Cancels of a start that still waits in the daemon's queue succeed, and the start stays (§9.10).
    let mut cancels = 0;
    let mut start = None;
    let mut pair = Pair::up(
        5,
        Scripted::new(move |talk, frame| match &frame.request {
            AnyRequest::StartResendingEncryptedMessage(_) => start = Some(frame.clone()),
            AnyRequest::CancelResendingEncryptedMessage(_) => {
                cancels += 1;
                if let Some(start) = start.take_if(|_| cancels == 4) {
                    talk.answer(&start);
                }
                talk.answer(frame);
            }
            _ => talk.answer(frame),
        }),
    );
    let write = pair.start(sample::write(1));
    pair.run_for(SECOND);
    pair.cancel(write);
    pair.run_for(60 * SECOND);
    let at: Vec<_> = pair.tap.of_kind(CANCEL).map(|written| written.at).collect();
    let pauses: Vec<_> = at.windows(2).map(|pair| pair[1].saturating_since(pair[0]).as_secs()).collect();
    assert_eq!(pauses, [1, 2, 4]);
    pair.assert_at_rest();
}

#[test]
fn a_key_that_is_being_cancelled_is_started_again_only_afterwards() {
    let mut pair = Pair::up(
        6,
        Scripted::new(|talk, frame| {
            if frame.request.kind() == CANCEL {
                talk.answer_after(5 * SECOND, frame);
            }
        }),
    );
    let first = pair.start(sample::write(1));
    pair.run_for(SECOND);
    let conflicting = pair.start(sample::write(1));
    pair.drain();
    assert_eq!(pair.result(conflicting), Err(CallError::Conflict));
    pair.cancel(first);
    let second = pair.start(sample::write(1));
    pair.run_for(30 * SECOND);
    assert_eq!(pair.tap.times_written(&sample::write(1).into()), 1, "two lives of one key overlap");
    pair.cancel(second);
    pair.run_for(Duration::from_secs(600));
    pair.assert_at_rest();
}
