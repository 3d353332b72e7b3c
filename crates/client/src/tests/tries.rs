//! How long a try of an operation may take, and what comes then.

use std::time::Duration;

use kpthin_core::wire::{AnyRequest, RequestFrame, RequestKind};

use super::{
    peer::Peer,
    world::{World, index, now, write_cap},
};
use crate::Client;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// Answers everything but starts, and returns the kinds of what was answered, and the starts.
fn serve(world: &mut World, peer: &mut Peer) -> (Vec<RequestKind>, Vec<RequestFrame>) {
    let (mut kinds, mut starts) = (Vec::new(), Vec::new());
    loop {
        world.run();
        let requests = peer.requests();
        if requests.is_empty() {
            kinds.sort();
            return (kinds, starts);
        }
        for request in requests {
            match request.request.kind() {
                RequestKind::StartResendingEncryptedMessage => starts.push(request),
                kind => {
                    kinds.push(kind);
                    peer.answer(&request);
                }
            }
        }
    }
}

/// Writes as many boxes, each of which takes that long.
fn pace(world: &mut World, peer: &mut Peer, client: &Client, count: u8, took: Duration) {
    for step in 0..count {
        let mut call = client.write(&write_cap(), &index(100 + u64::from(step)), "x");
        let start = world.started(peer);
        world.advance(took);
        peer.answer(&start);
        world.run();
        assert!(now(&mut call).unwrap().is_ok());
    }
}

#[test]
fn a_try_that_takes_a_minute_of_connected_time_gets_another_one_beside_it() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "x");
    let first = world.started(&mut peer);
    world.advance(Duration::from_secs(50));
    // Ten minutes without the network don't count.
    peer.status(false);
    world.advance(10 * MINUTE);
    peer.status(true);
    world.advance(Duration::from_secs(9));
    assert!(peer.requests().is_empty());
    world.advance(SECOND);

    let (kinds, starts) = serve(&mut world, &mut peer);
    assert_eq!(kinds, [RequestKind::EncryptWrite], "the first one is not cancelled");
    let [second] = &starts[..] else { panic!("{starts:?}") };
    assert_ne!(first.request, second.request, "it is encrypted afresh");

    peer.answer(&first);
    let (kinds, _) = serve(&mut world, &mut peer);
    assert_eq!(now(&mut call), Some(Ok(index(18))), "whichever is answered first");
    assert_eq!(kinds, [RequestKind::CancelResendingEncryptedMessage], "the other one is given up");
}

/// Answers encryptions, cancels as the daemon does, and no start; returns how much was encrypted.
fn silent(world: &mut World, peer: &mut Peer, starts: &mut Vec<RequestFrame>) -> usize {
    let mut encrypted = 0;
    loop {
        world.run();
        let requests = peer.requests();
        if requests.is_empty() {
            return encrypted;
        }
        for request in requests {
            match &request.request {
                AnyRequest::StartResendingEncryptedMessage(_) => {
                    starts.push(request);
                    continue;
                }
                AnyRequest::CancelResendingEncryptedMessage(cancel) => {
                    let hash = cancel.envelope_hash;
                    let cancelled = starts.extract_if(.., |start| {
                        matches!(&start.request, AnyRequest::StartResendingEncryptedMessage(it) if it.envelope_hash == hash)
                    });
                    cancelled.for_each(|start| peer.refuse(&start, 24));
                }
                _ => encrypted += 1,
            }
            peer.answer(&request);
        }
    }
}

#[test]
fn tries_that_nobody_answers_grow_to_eight_minutes_and_are_three_at_most() {
    let (mut world, client, mut peer) = World::up();
    let call = client.write(&write_cap(), &index(17), "x");
    let mut starts = Vec::new();
    assert_eq!(silent(&mut world, &mut peer, &mut starts), 1);
    for (number, minutes) in [1, 2, 4, 8, 8, 8].into_iter().enumerate() {
        for _ in 1..minutes * 60 {
            world.advance(SECOND);
            assert_eq!(silent(&mut world, &mut peer, &mut starts), 0, "{minutes} minutes are not over");
        }
        world.advance(SECOND);
        assert_eq!(silent(&mut world, &mut peer, &mut starts), 1);
        assert_eq!(starts.len(), (number + 2).min(3));
    }
    drop(call);
}

#[test]
fn a_try_may_take_three_times_as_long_as_others_did() {
    for (took, patience) in [(4, 12), (40, 120)] {
        let (mut world, client, mut peer) = World::up();
        pace(&mut world, &mut peer, &client, 8, SECOND * took);
        let call = client.write(&write_cap(), &index(17), "x");
        let _first = world.started(&mut peer);
        world.advance(SECOND * (patience - 1));
        assert!(peer.requests().is_empty(), "{patience} seconds are not over");
        world.advance(SECOND);
        assert_eq!(serve(&mut world, &mut peer).1.len(), 1);
        drop(call);
    }
}

#[test]
fn reads_are_not_measured_by_writes() {
    let (mut world, client, mut peer) = World::up();
    pace(&mut world, &mut peer, &client, 8, 4 * SECOND);
    let call = client.read(&write_cap().read_cap(), &index(17));
    let _first = world.started(&mut peer);
    world.advance(59 * SECOND);
    assert!(peer.requests().is_empty());
    world.advance(SECOND);
    assert_eq!(serve(&mut world, &mut peer).1.len(), 1);
    drop(call);
}

#[test]
fn an_error_does_not_hide_that_another_try_may_have_been_carried_out() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "x");
    let _first = world.started(&mut peer);
    world.advance(MINUTE);
    let (_, starts) = serve(&mut world, &mut peer);
    // What nothing can heal, and says that this one was not sent.
    peer.refuse(&starts[0], 3);
    world.run();
    let error = now(&mut call).unwrap().unwrap_err();
    assert_eq!(error.fate(), kpthin_core::error::Fate::MaybeExecuted, "{error:?}");
}
