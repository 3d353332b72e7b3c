//! The basic flows and what they do about refusals.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, DaemonError, Fate, InvalidRequest, ReplicaError},
    wire::{AnyRequest, AnyResponse, FailureDetail, MessageReply, MessageSent, ReplyFailure},
};

use super::world::{World, index, now, read_cap, write_cap};
use crate::{Confirm, Read};

#[test]
fn a_write_is_strict_and_returns_the_next_index() {
    let (mut world, client, mut peer) = World::up();
    for (confirm, strict) in [(None, true), (Some(Confirm::Courier), false)] {
        let mut call = match confirm {
            None => client.write(&write_cap(), &index(17), "hello"),
            Some(confirm) => client.write_with(&write_cap(), &index(17), "hello", confirm),
        };
        let start = world.started(&mut peer);
        match &start.request {
            AnyRequest::StartResendingEncryptedMessage(start) => {
                assert_eq!(start.no_idempotent_box_already_exists, strict);
            }
            other => panic!("{other:?}"),
        }
        peer.answer(&start);
        world.run();
        assert_eq!(now(&mut call), Some(Ok(index(18))));
    }
}

#[test]
fn a_write_to_a_box_that_holds_something_else_is_an_error() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "hello");
    let start = world.started(&mut peer);
    peer.refuse(&start, 10);
    world.run();
    assert_eq!(now(&mut call), Some(Err(CallError::Replica(ReplicaError::BoxAlreadyExists))));
}

#[test]
fn the_outcomes_of_a_read_are_values() {
    let (mut world, client, mut peer) = World::up();
    let mut read = |code: Option<u8>| {
        let mut call = client.read(&read_cap(), &index(17));
        let start = world.started(&mut peer);
        match code {
            None => peer.answer(&start),
            Some(code) => peer.refuse(&start, code),
        }
        world.run();
        now(&mut call).expect("answered")
    };
    assert_eq!(read(None), Ok(Read::Message { plaintext: "content".into(), next: index(18) }));
    assert_eq!(read(Some(1)), Ok(Read::NotWritten));
    assert_eq!(read(Some(11)), Ok(Read::Tombstone { next: index(18) }));
}

#[test]
fn what_a_fresh_envelope_may_heal_is_tried_again() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.read(&read_cap(), &index(17));
    let first = world.started(&mut peer);
    peer.refuse(&first, 32);
    world.run();
    assert!(peer.requests().is_empty(), "after a pause");
    world.advance(Duration::from_secs(1));
    let second = world.started(&mut peer);
    assert_ne!(first.request, second.request, "another envelope");
    peer.answer(&second);
    world.run();
    assert!(now(&mut call).unwrap().is_ok());
}

#[test]
fn refusals_without_end_are_reported() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.read(&read_cap(), &index(17));
    let mut tries = 0;
    while now(&mut call).is_none() {
        let start = world.started(&mut peer);
        peer.refuse(&start, 13);
        world.advance(Duration::from_secs(31));
        tries += 1;
        if tries > 8 {
            break;
        }
    }
    assert_eq!(tries, 9);
    let mut last = client.read(&read_cap(), &index(17));
    let start = world.started(&mut peer);
    peer.refuse(&start, 23);
    world.run();
    assert!(now(&mut last).is_none(), "a later read is not affected");
}

#[test]
fn a_refusal_that_nothing_can_heal_is_reported_at_once() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "x");
    world.run();
    let encrypt = peer.request();
    peer.fail(&encrypt, ReplyFailure { error_code: 3, detail: FailureDetail::None });
    world.run();
    assert_eq!(now(&mut call), Some(Err(CallError::Daemon(DaemonError::InvalidRequest))));
}

#[test]
fn tombstones_are_reported_box_by_box() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.tombstone(&write_cap(), &index(17), 20);
    for _ in 0..200 {
        world.run();
        for request in peer.requests() {
            match &request.request {
                AnyRequest::EncryptWrite(encrypt) => assert!(encrypt.plaintext.is_empty()),
                AnyRequest::StartResendingEncryptedMessage(start) => {
                    match start.access.message_box_index().unwrap().counter() {
                        20 => peer.refuse(&request, 3),
                        21 => peer.refuse(&request, 11),
                        _ => peer.answer(&request),
                    }
                    continue;
                }
                _ => {}
            }
            peer.answer(&request);
        }
    }
    let tombstones = now(&mut call).expect("answered").unwrap();
    assert_eq!(tombstones.next, Ok(index(37)));
    assert!(!tombstones.is_complete());
    let counters: Vec<_> = tombstones.boxes.iter().map(|report| report.index.counter()).collect();
    assert_eq!(counters, (17..37).collect::<Vec<_>>());
    let failed: Vec<_> = tombstones.boxes.iter().filter(|report| report.result.is_err()).collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0].result, Err(CallError::Replica(ReplicaError::InvalidSignature)));
}

#[test]
fn a_message_is_sent_once_and_its_reply_returned() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.send_and_await_reply("echo", "ping");
    world.run();
    let AnyRequest::SendMessage(message) = peer.request().request else { panic!() };
    assert_eq!(message.recipient_queue_id.as_bytes(), b"+echo");
    let surbid = message.surb.id();
    peer.send(&AnyResponse::MessageSent(MessageSent {
        surbid,
        sent_at: 0,
        reply_eta: 1_000_000_000,
        ..MessageSent::default()
    }));
    peer.send(&AnyResponse::MessageReply(MessageReply {
        message_id: None,
        surbid,
        payload: "pong".into(),
        error_code: 0,
    }));
    world.run();
    assert_eq!(now(&mut call), Some(Ok("pong".into())));
}

#[test]
fn a_message_without_reply_ends_when_it_has_left() {
    let (mut world, client, mut peer) = World::up();
    let service = client.service("echo").unwrap().destination();
    let mut call = client.send_message_without_reply(&service, "ping");
    world.run();
    let AnyRequest::SendMessage(message) = peer.request().request else { panic!() };
    assert!(message.surb.id().is_some(), "without one it would be broken");
    let sent = MessageSent {
        surbid: message.surb.id(),
        sent_at: 7,
        reply_eta: 1_000_000_000,
        ..MessageSent::default()
    };
    peer.send(&AnyResponse::MessageSent(sent.clone()));
    world.run();
    assert_eq!(now(&mut call), Some(Ok(sent)));
}

#[test]
fn a_service_that_nobody_offers_is_named() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.send_and_await_reply("mailbox", "ping");
    world.run();
    let error = now(&mut call).unwrap().unwrap_err();
    assert_eq!(error, InvalidRequest::UnknownService { capability: "mailbox".to_owned() }.into());
    assert_eq!(error.fate(), Fate::NotSent);
    assert!(peer.requests().is_empty());
}

#[test]
fn a_stream_is_made_from_a_seed_of_its_own() {
    let (mut world, client, mut peer) = World::up();
    let calls = [client.create_stream(), client.create_stream()];
    world.run();
    let seeds: Vec<_> = peer
        .requests()
        .into_iter()
        .map(|request| match request.request {
            AnyRequest::NewKeypair(new) => new.seed,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seeds.len(), 2);
    assert_ne!(seeds[0], seeds[1]);
    drop(calls);
}
