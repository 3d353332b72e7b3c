//! The reference daemon's kinks, one by one: what each does to a client that is not prepared is shown by
//! the devnet's own tests, and here that ours does not notice.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, DaemonError, Fate},
    machine::Event,
    wire::{
        AnyReply, CancelResendingCopyCommand, CancelResendingEncryptedMessage, EncryptRead, EncryptReply,
        MessageId, QueryId, ReadCap, RequestFrame, RequestKind, SendMessage, Surb, SurbId, WriteCapHash,
    },
};
use kpthin_devnet::DevnetConfig;
use kpthin_tests::{
    How, Net, Pair,
    boxes::{Stream, Unwritten},
    newer_without, older_with, sample,
};

const SECOND: Duration = Duration::from_secs(1);

fn reference(config: &DevnetConfig, seed: u64) -> Pair<Net> {
    Pair::up(seed, Net::new(seed, config.clone()))
}

/// What newer daemons do otherwise with links, sessions and operations: C2, C3, C4, C6 and its parts, C7, C8, M6.
const CHANGES: [&str; 9] = [
    "frame-deadline",
    "replies-before-token",
    "early-broadcasts",
    "lost-results",
    "lost-retransmissions",
    "rearm",
    "cancel-and-result",
    "hash-dropped-at-end",
    "bad-capability-closes",
];

#[test]
fn they_are_changes() {
    let changes = kpthin_tests::changes();
    assert!(CHANGES.iter().all(|name| changes.contains(name)), "{changes:?}");
}

/// Runs each body against both references, and against each with one change from the other.
macro_rules! kinks {
    ($($body:ident,)*) => {
        mod reference {
            $(
                #[test]
                fn $body() {
                    super::$body(&super::DevnetConfig::reference());
                }
            )*
        }

        mod reference_2026_10 {
            $(
                #[test]
                fn $body() {
                    super::$body(&super::DevnetConfig::reference_2026_10());
                }
            )*
        }

        mod with_one_change_of_links_and_sessions {
            $(
                #[test]
                fn $body() {
                    for name in super::CHANGES {
                        super::$body(&super::older_with(&[name]));
                        super::$body(&super::newer_without(name));
                    }
                }
            )*
        }
    };
}

fn resumed(pair: &Pair<Net>) -> Option<bool> {
    pair.events.iter().rev().find_map(|(_, event)| match event {
        Event::Reconnected { resumed, .. } => Some(*resumed),
        _ => None,
    })
}

/// Loses the link for a time, and waits until the next one is up.
fn lose_link_for(pair: &mut Pair<Net>, time: Duration) {
    pair.refuse_until = pair.now() + time;
    pair.cut_now(How::EndOfFile);
    pair.run_for(time);
    pair.run_until_up();
}

fn echo(pair: &Pair<Net>) -> SendMessage {
    let document = pair.machine.document().expect("a document");
    let service = document.services("echo").next().expect("an echo service");
    SendMessage {
        id: Some(MessageId::from([5; 16])),
        surb: Surb::Named(SurbId::from([4; 16])),
        destination_id_hash: service.identity_hash,
        recipient_queue_id: service.queue.clone(),
        payload: b"hello".to_vec().into(),
    }
}

///
fn replies_that_precede_the_answer_to_the_token(config: &DevnetConfig) {
    for seed in 1..6 {
        let mut pair = reference(config, seed);
        let message = echo(&pair);
        let message = pair.start(message);
        pair.run_for(3 * SECOND);
        let answered = pair.completion(message).is_some();
        lose_link_for(&mut pair, 5 * SECOND);
        // A session that nothing is waited for in is not worth it.
        assert_eq!(resumed(&pair), Some(!answered));
        assert!(pair.settle(60 * SECOND));
        assert!(answered || pair.result(message).is_ok());
        pair.call(sample::keypair(1)).unwrap();
    }
}

/// whenever the daemon has news, also between its greeting and the answer to the token.
fn broadcasts_in_the_middle_of_a_handshake(config: &DevnetConfig) {
    for step in 0..60 {
        let mut pair = reference(config, 1);
        let message = echo(&pair);
        pair.start(message);
        pair.run_for(SECOND / 10);
        pair.cut_now(How::EndOfFile);
        pair.run_for(SECOND + step * Duration::from_millis(7));
        let now = pair.now();
        pair.daemon.devnet.advance_epoch(now);
        pair.daemon.devnet.set_mixnet(now, false);
        pair.run_until_up();
        assert_eq!(resumed(&pair), Some(true));
        pair.call(sample::keypair(1)).unwrap();
        let now = pair.now();
        pair.daemon.devnet.set_mixnet(now, true);
        pair.daemon.devnet.advance_epoch(now);
        pair.run_for(10 * SECOND);
        assert!(pair.machine.status().is_connected(), "{step}");
        let known = pair.machine.document().expect("a document").epoch();
        assert_eq!(known, pair.daemon.devnet.epoch(), "{step}");
    }
}

/// what is asked in the middle of a handshake would be done for a session that ends with it.
fn calls_that_are_started_during_a_handshake(config: &DevnetConfig) {
    for step in 0..40 {
        let mut pair = reference(config, 1);
        pair.cut_now(How::EndOfFile);
        pair.run_for(SECOND + step * Duration::from_millis(10));
        let calls: Vec<_> = (0..5).map(|seed| pair.start(sample::keypair(seed))).collect();
        assert!(pair.settle(60 * SECOND));
        assert!(calls.into_iter().all(|call| pair.result(call).is_ok()), "{step}");
    }
}

/// §3.6.
fn a_session_that_was_forgotten(config: &DevnetConfig) {
    let mut config = config.clone();
    config.grace_period = 5 * SECOND;
    let mut pair = Pair::up(1, Net::new(1, config));
    let stream = Stream::new(&mut pair, 1);
    let waiting = stream.poll(&mut pair, &stream.first());
    pair.run_for(5 * SECOND);
    lose_link_for(&mut pair, 20 * SECOND);
    assert_eq!(resumed(&pair), Some(false));
    stream.write(&mut pair, &stream.first(), b"there").unwrap();
    pair.finish(waiting).unwrap();
}

/// §3.7: the result came while nobody was there, or the request was lost with its queue.
fn a_result_that_was_lost_with_the_link(config: &DevnetConfig) {
    for step in 0..20 {
        let mut pair = reference(config, step);
        let stream = Stream::new(&mut pair, 1);
        let [write] = &stream.prepare(&mut pair, 1)[..] else { panic!("one write") };
        let write = pair.start(write.clone());
        pair.run_for(step as u32 * SECOND / 8);
        let answered = pair.completion(write).is_some();
        lose_link_for(&mut pair, 15 * SECOND);
        assert_eq!(resumed(&pair), Some(!answered));
        pair.finish(write).unwrap();
    }
}

/// Asks for an envelope that reads a box, and has the daemon wait for it.
fn waiting(pair: &mut Pair<Net>, stream: &Stream) -> (EncryptReply, kpthin_core::machine::CallId) {
    let sealed = pair.call(stream.encrypt_read(&stream.first())).unwrap();
    let request = stream.send_read(&stream.first(), sealed.clone(), Unwritten::Polls);
    let call = pair.start_within(60 * SECOND, request);
    pair.run_for(5 * SECOND);
    (sealed, call)
}

/// a stranger cancels by the hash, in either way, and gets the answers that are ours.
fn an_operation_that_a_stranger_cancels_ends_at_its_deadline_and_can_be_asked_again(config: &DevnetConfig) {
    for of_copies in [false, true] {
        let mut pair = reference(config, 1);
        let stream = Stream::new(&mut pair, 1);
        let (sealed, call) = waiting(&mut pair, &stream);
        let request = match of_copies {
            true => {
                let write_cap_hash = WriteCapHash::from(*sealed.envelope_hash.as_bytes());
                CancelResendingCopyCommand { write_cap_hash }.into()
            }
            false => {
                let envelope_hash = sealed.envelope_hash;
                CancelResendingEncryptedMessage { envelope_hash }.into()
            }
        };
        let mut bytes = Vec::new();
        RequestFrame { query_id: Some(QueryId::from([9; 16])), request }.encode(&mut bytes).unwrap();
        let now = pair.now();
        let stranger = pair.daemon.devnet.connect(now);
        pair.daemon.devnet.handle_input(now, stranger, &bytes);
        assert_eq!(pair.daemon.devnet.operations(), 0, "it was cancelled");
        stream.write(&mut pair, &stream.first(), b"there").unwrap();
        assert_eq!(pair.finish(call), Err(CallError::TimedOut(Fate::MaybeExecuted)));
        pair.run_for(30 * SECOND);
        assert_eq!(stream.read(&mut pair, &stream.first()).unwrap(), b"there");
    }
}

/// §9.5: the code and the result of one operation, when a cancel meets its end.
fn a_cancel_that_meets_the_result(config: &DevnetConfig) {
    let mut both = 0;
    for step in 0..40 {
        let mut pair = reference(config, step);
        let stream = Stream::new(&mut pair, 1);
        stream.write(&mut pair, &stream.first(), b"there").unwrap();
        pair.run_for(10 * SECOND);
        let sealed = pair.call(stream.encrypt_read(&stream.first())).unwrap();
        let request = stream.send_read(&stream.first(), sealed, Unwritten::Polls);
        let read = pair.start(request.clone());
        pair.run_for(step as u32 * SECOND / 4);
        let running = pair.daemon.devnet.operations();
        pair.cancel(read);
        pair.run_for(SECOND / 100);
        // The daemon has answered that it is cancelled, and works on it.
        both += usize::from(running == 1 && pair.daemon.devnet.operations() == 1);
        match pair.result(read) {
            Ok(AnyReply::StartResendingEncryptedMessage(_)) | Err(CallError::Cancelled(_)) => {}
            other => panic!("{other:?}"),
        }
        // The late result is nobody's, also if the same is asked again.
        let again = pair.start(request);
        match pair.finish(again).unwrap() {
            AnyReply::StartResendingEncryptedMessage(reply) => {
                assert_eq!(&reply.plaintext.expect("a content")[..], b"there");
            }
            other => panic!("{other:?}"),
        }
        assert!(pair.settle(60 * SECOND));
    }
    // Where a start gets one answer only (C7), the daemon drops what it worked on.
    assert_eq!(both > 0, config.quirks.cancel_and_result, "{both} met the result");
}

/// a hash is at the daemon once at a time.
fn one_envelope_that_is_started_twice(config: &DevnetConfig) {
    let mut pair = reference(config, 1);
    let stream = Stream::new(&mut pair, 1);
    let write = stream.prepare(&mut pair, 1).remove(0);
    let calls = [pair.start(write.clone()), pair.start(write)];
    assert!(pair.settle(120 * SECOND));
    let results = calls.map(|call| pair.result(call));
    assert!(results.iter().any(Result::is_ok), "{results:?}");
    assert!(results.contains(&Err(CallError::Conflict)), "{results:?}");
    assert!(pair.tap.of_kind(RequestKind::StartResendingEncryptedMessage).count() == 1);
}

/// §4.0, §2.1: the older daemon ends the connection on a capability that names no point of the curve, the newer one
/// refuses it (M6).
fn a_capability_off_the_curve_fails_its_own_call_alone(config: &DevnetConfig) {
    let mut pair = reference(config, 1);
    let stream = Stream::new(&mut pair, 1);
    let (_, waiting) = waiting(&mut pair, &stream);
    let mut cap = [0; 136];
    cap[0] = 2;
    cap[32..].copy_from_slice(stream.first().as_bytes());
    let off_curve = EncryptRead { read_cap: ReadCap::from(cap), message_box_index: stream.first() };
    let before = pair.dials();
    let doomed = pair.start(off_curve);
    let others: Vec<_> = (0..5).map(|seed| pair.start(sample::keypair(seed))).collect();
    assert!(pair.run_until(pair.now() + 120 * SECOND, |pair| pair.completion(doomed).is_some()), "for ever");
    assert!(pair.result(doomed).is_err());
    let closes = config.quirks.bad_capability_closes;
    assert_eq!(pair.dials() > before, closes);
    let refused = Err(CallError::Daemon(DaemonError::InvalidRequest));
    assert!(closes || pair.result(doomed) == refused);
    for call in others {
        pair.finish(call).unwrap();
    }
    assert!(pair.completion(waiting).is_none_or(|it| matches!(it.result, Err(CallError::TimedOut(_)))));
}

kinks! {
    replies_that_precede_the_answer_to_the_token,
    broadcasts_in_the_middle_of_a_handshake,
    calls_that_are_started_during_a_handshake,
    a_session_that_was_forgotten,
    a_result_that_was_lost_with_the_link,
    an_operation_that_a_stranger_cancels_ends_at_its_deadline_and_can_be_asked_again,
    a_cancel_that_meets_the_result,
    one_envelope_that_is_started_twice,
    a_capability_off_the_curve_fails_its_own_call_alone,
}
