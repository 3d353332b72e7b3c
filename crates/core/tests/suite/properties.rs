//! What holds for every message and for every sequence of bytes.

use ciborium::Value as Cbor;
use kpthin_core::{
    frame::FrameBuffer,
    wire::{AnyResponse, DecodeError, RequestKind},
};
use proptest::{collection::vec, prelude::*};

use crate::{
    made::{Source, events, failure, reply, request},
    support::{Message, bytes, frames},
};

/// Every kind of message, made from the bytes.
fn messages(bytes: &[u8]) -> Vec<Message> {
    let mut messages = Vec::new();
    for (kind, skipped) in RequestKind::ALL.into_iter().zip((0..).step_by(7)) {
        let source = |offset: usize| Source(bytes.get((skipped + offset)..).unwrap_or_default());
        messages.push(Message::Request(request(kind, &mut source(0))));
        let replies = [reply(kind, &mut source(3)), failure(kind, &mut source(5))];
        messages.extend(replies.into_iter().flatten().map(Message::Response));
    }
    messages.extend(events(&mut Source(bytes)).map(Message::Response));
    messages
}

fn direction(message: &Message) -> &'static str {
    match message {
        Message::Request(_) => "request",
        Message::Response(_) => "response",
    }
}

/// Whatever can be read can be written and then says the same.
fn assert_stable(direction: &str, body: &[u8]) {
    if let Ok(Some(message)) = Message::decode(direction, body) {
        assert_eq!(Message::decode(direction, &message.encode()), Ok(Some(message)));
    }
}

#[test]
fn all_kinds_are_made() {
    // 21 requests, 18 replies with and without an error, 7 events.
    assert_eq!(messages(&[]).len(), 21 + 18 * 2 + 7);
}

proptest! {
    #[test]
    fn every_message_survives_the_wire(source in vec(any::<u8>(), 0..4_000)) {
        for message in messages(&source) {
            let body = message.encode();
            prop_assert_eq!(Message::decode(direction(&message), &body), Ok(Some(message)));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(body in vec(any::<u8>(), 0..400)) {
        assert_stable("request", &body);
        assert_stable("response", &body);
    }

    #[test]
    fn changed_messages_are_read_or_refused(
        source in vec(any::<u8>(), 0..2_000),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for message in messages(&source) {
            let mut body = message.encode();
            for (at, byte) in &changes {
                let at = at.index(body.len());
                body[at] = *byte;
            }
            if let Some(cut) = cut {
                body.truncate(cut.index(body.len()));
            }
            assert_stable("request", &body);
            assert_stable("response", &body);
        }
    }

    #[test]
    fn frames_do_not_depend_on_how_bytes_arrive(
        bodies in vec(vec(any::<u8>(), 0..300), 0..6),
        tail in prop_oneof![
            Just(vec![]),
            Just(vec![0xff, 0xff, 0xff, 0xff, 1, 2, 3]),
            vec(any::<u8>(), 0..3),
        ],
        chunks in vec(1..200usize, 1..20),
    ) {
        let mut bytes = Vec::new();
        for body in &bodies {
            bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(body);
        }
        bytes.extend_from_slice(&tail);

        let mut buffer = FrameBuffer::default();
        let mut got = Vec::new();
        let mut overlong = false;
        let mut rest = &*bytes;
        for len in chunks.iter().copied().cycle() {
            let (chunk, later) = rest.split_at(len.min(rest.len()));
            buffer.push(chunk);
            loop {
                match buffer.next_frame() {
                    Ok(Some(body)) => got.push(body.to_vec()),
                    Ok(None) => break,
                    Err(_) => {
                        overlong = true;
                        break;
                    }
                }
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(got, bodies);
        prop_assert_eq!(overlong, tail.len() > 3);
        prop_assert_eq!(buffer.pending_len(), tail.len());
    }
}

/// A declared length that were believed would end the process here.
#[test]
fn no_declared_length_is_believed() {
    for head in [0x5b, 0x7b, 0x9b, 0xbb_u8] {
        for len in [u64::MAX, i64::MAX as u64, 1 << 40, 131_072] {
            let huge = [&[head][..], &len.to_be_bytes()].concat();
            for message in messages(&[0x55; 3_000]) {
                let body = message.encode();
                for at in 0..body.len().min(400) {
                    let spliced = [&body[..at], &huge, &body[at..]].concat();
                    assert_stable(direction(&message), &spliced);
                }
            }
            assert_stable("response", &huge);
        }
    }
}

#[test]
fn a_captured_frame_cut_anywhere_is_incomplete() {
    let bytes = bytes("live/019-encrypt-write-reply-0.bin");
    let (bodies, left) = frames(&bytes).unwrap();
    assert_eq!((bodies.len(), left), (1, 0));
    for len in 0..bytes.len() {
        assert_eq!(frames(&bytes[..len]), Ok((vec![], len)));
    }
    for len in 0..bodies[0].len() {
        assert!(AnyResponse::decode(&bodies[0][..len]).unwrap_err().is_violation());
    }
}

/// In every reply, each member in turn gets a value that no member can have, in every order.
#[test]
fn whichever_member_is_broken_the_query_id_is_kept() {
    let id = [0x77; 16];
    let mut broken = 0;
    for kind in RequestKind::ALL {
        let Some(reply) = reply(kind, &mut Source(&id_first(id))) else { continue };
        let (name, members) = Message::Response(reply).member();
        let members = members.into_map().unwrap();
        for (at, order) in (0..members.len()).flat_map(|at| (0..members.len()).map(move |order| (at, order)))
        {
            let mut members = members.clone();
            if members[at].0.as_text() == Some("query_id") {
                continue;
            }
            members[at].1 = Cbor::Float(0.5);
            members.rotate_left(order);
            let outer = Cbor::Map(vec![(Cbor::Text(name.clone()), Cbor::Map(members))]);
            let mut body = Vec::new();
            ciborium::into_writer(&outer, &mut body).unwrap();
            match AnyResponse::decode(&body) {
                Err(DecodeError::Member { query_id, .. }) => assert_eq!(query_id, Some(id.into()), "{name}"),
                other => panic!("{name}: {other:?}"),
            }
            broken += 1;
        }
    }
    assert!(broken > 100);
}

/// Makes the query id that is asked for, and everything else of the same byte.
fn id_first(id: [u8; 16]) -> Vec<u8> {
    let mut source = vec![1];
    source.extend_from_slice(&id);
    source.resize(2_000, 0x31);
    source
}
