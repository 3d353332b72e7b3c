//! Whatever the daemon sends ends in typed results, never in a panic.

use std::time::Duration;

use kpthin_core::{
    error::CallError,
    machine::{CallId, Event, LinkError, LinkStatus, limits},
    wire::{
        AnyReply, AnyRequest, AnyResponse, CancelReply, MessageSent, QueryId, ReplyFrame, RequestFrame,
        SurbId,
    },
};
use kpthin_tests::{Pair, Rng, Scripted, Talk, sample};

const SECOND: Duration = Duration::from_secs(1);

/// Starts one call of every kind, lets the daemon have its way, and wants every call to end.
fn survive(seed: u64, script: impl FnMut(&mut Talk<'_>, &RequestFrame) + 'static) -> Pair<Scripted> {
    let mut pair = Pair::up(seed, Scripted::new(script));
    let calls: Vec<CallId> = (0..22).map(|n| pair.start_within(900 * SECOND, sample::any(n, n))).collect();
    assert!(pair.settle(4_000 * SECOND), "calls hang");
    assert!(calls.into_iter().all(|call| pair.completion(call).is_some()));
    pair
}

#[test]
fn random_bytes_instead_of_answers() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let pair = survive(seed, move |talk, _| talk.raw(&rng.some_bytes(600)));
        assert!(
            pair.events.iter().any(|(_, event)| matches!(event, Event::LinkDown { .. })) || pair.dials() == 1
        );
    }
}

#[test]
fn random_bodies_instead_of_answers() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        survive(seed, move |talk, _| talk.frame(&rng.some_bytes(200)));
    }
}

#[test]
fn answers_with_one_byte_changed() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        survive(seed, move |talk, frame| {
            let Some(answer) = sample::answer(frame) else { return };
            let mut bytes = Vec::new();
            answer.encode(&mut bytes).unwrap();
            let at = 4 + rng.below_len(bytes.len() - 4);
            bytes[at] = rng.bytes::<1>()[0];
            talk.raw(&bytes);
        });
    }
}

#[test]
fn answers_cut_short_inside_their_frame() {
    for seed in 0..80 {
        let mut rng = Rng::new(seed);
        survive(seed, move |talk, frame| {
            let Some(answer) = sample::answer(frame) else { return };
            let mut bytes = Vec::new();
            answer.encode(&mut bytes).unwrap();
            let len = rng.below_len(bytes.len() - 3);
            talk.frame(&bytes[4..4 + len]);
        });
    }
}

/// Valid CBOR of every major type, nested, empty, of indefinite length, and all simple values.
fn cbor(rng: &mut Rng, depth: u32, out: &mut Vec<u8>) {
    let major = rng.below(if depth == 0 { 3 } else { 8 });
    let len = rng.below(5);
    let head = |out: &mut Vec<u8>, major: u64, value: u64| {
        out.push(u8::try_from(major << 5 | value).expect("a small value"));
    };
    match major {
        0 | 1 => head(out, major, rng.below(24)),
        2 | 3 => {
            head(out, major, len);
            out.extend((0..len).map(|_| b'a'));
        }
        4 => {
            head(out, 4, len);
            (0..len).for_each(|_| cbor(rng, depth - 1, out));
        }
        5 => {
            out.push(0xbf);
            for _ in 0..len {
                cbor(rng, 0, out);
                cbor(rng, depth - 1, out);
            }
            out.push(0xff);
        }
        6 => {
            head(out, 6, rng.below(24));
            cbor(rng, depth - 1, out);
        }
        _ => head(out, 7, 20 + rng.below(4)),
    }
}

#[test]
fn valid_cbor_of_every_kind_instead_of_answers() {
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        survive(seed, move |talk, _| {
            let mut body = Vec::new();
            cbor(&mut rng, 5, &mut body);
            talk.frame(&body);
        });
    }
}

#[test]
fn valid_cbor_as_the_member_of_a_known_message() {
    let names = [
        "connection_status_event",
        "new_pki_document_event",
        "message_sent_event",
        "new_keypair_reply",
        "message_reply_event",
        "session_token_reply",
        "shutdown_event",
        "encrypt_read_reply",
        "unknown_event",
    ];
    for seed in 0..80 {
        let mut rng = Rng::new(seed);
        survive(seed, move |talk, _| {
            let name = rng.pick(&names);
            let mut body = vec![0xa1, 0x78, u8::try_from(name.len()).expect("a short name")];
            body.extend_from_slice(name.as_bytes());
            cbor(&mut rng, 4, &mut body);
            talk.frame(&body);
        });
    }
}

fn stray(rng: &mut Rng) -> AnyResponse {
    AnyResponse::Reply(ReplyFrame {
        query_id: Some(QueryId::from(rng.bytes())),
        kind: sample::cancel_kind(),
        result: Ok(AnyReply::CancelResendingEncryptedMessage(CancelReply {})),
    })
}

#[test]
fn replies_to_nobody_have_a_budget() {
    let mut rng = Rng::new(1);
    let mut pair = Pair::up(1, Scripted::honest());
    for _ in 0..limits::IDLE_FRAMES_MAX {
        pair.daemon.broadcast(&stray(&mut rng));
    }
    pair.run_for(SECOND);
    assert_eq!(pair.dials(), 1, "the budget is smaller than it should be");
    for _ in 0..limits::IDLE_FRAMES_PER_SECOND + 2 {
        pair.daemon.broadcast(&stray(&mut rng));
    }
    pair.run_for(10 * SECOND);
    assert!(
        pair.events
            .iter()
            .any(|(_, event)| { matches!(event, Event::LinkDown { cause: LinkError::Misbehaving, .. }) })
    );
    pair.call(sample::keypair(1)).unwrap();
}

#[test]
fn a_slow_drip_of_strays_is_forgiven() {
    let mut rng = Rng::new(2);
    let mut pair = Pair::up(2, Scripted::honest());
    for _ in 0..5_000 {
        pair.daemon.broadcast(&stray(&mut rng));
        pair.run_for(Duration::from_millis(101));
    }
    assert_eq!(pair.dials(), 1);
}

#[test]
fn endless_empty_maps_and_repeated_statuses_end_the_link() {
    for body in [&[0xa0][..], b"\xa1\x61x\x01"] {
        let mut pair = Pair::up(3, Scripted::honest());
        pair.daemon.broadcast_raw(&sample::frame_of(body).repeat(3_000));
        pair.run_for(SECOND / 2);
        assert_ne!(pair.machine.status().link, LinkStatus::Up, "a million of these would go through");
        pair.run_for(60 * SECOND);
        pair.call(sample::keypair(1)).unwrap();
    }
    let mut pair = Pair::up(4, Scripted::honest());
    (0..3_000).for_each(|_| pair.daemon.set_mixnet(true));
    pair.run_for(SECOND / 2);
    assert_ne!(pair.machine.status().link, LinkStatus::Up);
}

#[test]
fn every_answer_twice_is_answered_once() {
    let pair = survive(5, |talk, frame| {
        talk.answer(frame);
        talk.answer(frame);
    });
    assert_eq!(pair.dials(), 1);
}

#[test]
fn an_answer_of_another_kind_fails_its_call_alone() {
    let mut pair = Pair::up(
        6,
        Scripted::new(|talk, frame| {
            let other = match &frame.request {
                AnyRequest::NewKeypair(_) => sample::write(1).into(),
                AnyRequest::StartResendingEncryptedMessage(_) => sample::copy(1).into(),
                _ => sample::keypair(1).into(),
            };
            talk.answer(&RequestFrame { query_id: frame.query_id, request: other });
        }),
    );
    for request in [
        AnyRequest::from(sample::keypair(1)),
        sample::encrypt_read(2).into(),
        sample::write(3).into(),
        sample::copy(4).into(),
        sample::any(10, 5),
    ] {
        let call = pair.start_within(600 * SECOND, request.clone());
        assert!(pair.settle(1_000 * SECOND));
        let error = pair.result(call).expect_err("that was no answer");
        assert!(
            matches!(error, CallError::Undecodable | CallError::TimedOut(_)),
            "{:?}: {error:?}",
            request.kind()
        );
    }
    assert_eq!(pair.dials(), 1, "the link stays");
}

#[test]
fn events_of_messages_that_nobody_sent_are_ignored() {
    let mut pair = Pair::up(7, Scripted::honest());
    for byte in 0..200 {
        pair.daemon.broadcast(&AnyResponse::MessageSent(MessageSent {
            surbid: Some(SurbId::from([byte; 16])),
            sent_at: u64::MAX,
            reply_eta: i64::MIN,
            err: (byte % 2 == 0).then(|| "no".to_owned()),
            ..MessageSent::default()
        }));
    }
    pair.run_for(SECOND);
    assert!(pair.call(sample::message(1)).is_ok());
}

#[test]
fn absurd_times_in_a_sent_event_do_no_harm() {
    for reply_eta in [i64::MIN, -1, 0, i64::MAX] {
        let mut pair = Pair::up(
            8,
            Scripted::new(move |talk, frame| {
                if let AnyRequest::SendMessage(send) = &frame.request {
                    talk.send(&AnyResponse::MessageSent(MessageSent {
                        surbid: send.surb.id(),
                        sent_at: u64::MAX,
                        reply_eta,
                        ..MessageSent::default()
                    }));
                }
            }),
        );
        let call = pair.start(sample::message(1));
        assert!(pair.settle(3 * 3_600 * SECOND), "the wait for a reply has no end at {reply_eta}");
        assert_eq!(pair.result(call), Err(CallError::Unanswered));
    }
}

#[test]
fn a_declared_length_reserves_nothing() {
    let mut pair = Pair::up(9, Scripted::honest());
    pair.daemon.broadcast_raw(&(40u32 << 20).to_be_bytes());
    pair.run_for(SECOND);
    assert_eq!(pair.machine.status().link, LinkStatus::Up, "it is not too long");

    let mut pair = Pair::up(9, Scripted::honest());
    pair.daemon.broadcast_raw(&((40u32 << 20) + 1).to_be_bytes());
    pair.run_for(SECOND);
    assert!(
        pair.events
            .iter()
            .any(|(_, event)| { matches!(event, Event::LinkDown { cause: LinkError::Overlong(_), .. }) })
    );
    pair.run_for(60 * SECOND);
    pair.call(sample::keypair(1)).unwrap();
}

#[test]
fn deeply_nested_bodies_end_neither_the_link_nor_the_program() {
    for depth in [31, 32, 33, 1_000, 200_000] {
        for byte in [0x81, 0xa1, 0xc0, 0x9f, 0xbf, 0x5f] {
            let mut pair = Pair::up(10, Scripted::honest());
            let mut body = vec![0xa1, 0x61, b'x'];
            body.extend(vec![byte; depth]);
            body.push(0x01);
            let len = u32::try_from(body.len()).unwrap();
            pair.daemon.broadcast_raw(&len.to_be_bytes());
            pair.daemon.broadcast_raw(&body);
            pair.run_for(60 * SECOND);
            pair.call(sample::keypair(1)).unwrap();
            assert_eq!(pair.dials(), 1, "{depth} times {byte:#x}");
        }
    }
}
