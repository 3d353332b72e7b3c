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

/// Answers encryptions, cancels as the daemon does, and no start; returns how many there were.
fn silent(world: &mut World, peer: &mut Peer, starts: &mut Vec<RequestFrame>) -> usize {
    let mut started = 0;
    loop {
        world.run();
        let requests = peer.requests();
        if requests.is_empty() {
            return started;
        }
        for request in requests {
            match &request.request {
                AnyRequest::StartResendingEncryptedMessage(_) => {
                    starts.push(request);
                    started += 1;
                    continue;
                }
                AnyRequest::CancelResendingEncryptedMessage(cancel) => {
                    let hash = cancel.envelope_hash;
                    let cancelled = starts.extract_if(.., |start| {
                        matches!(&start.request, AnyRequest::StartResendingEncryptedMessage(it) if it.envelope_hash == hash)
                    });
                    cancelled.for_each(|start| peer.refuse(&start, 24));
                }
                _ => {}
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
    let mut since = 0;
    for (number, minutes) in [1, 2, 4, 8].into_iter().enumerate() {
        for second in 1..minutes * 60 {
            world.advance(SECOND);
            // After ten minutes the machine starts an operation again by itself.
            let renewed = usize::from([(11 - since) * 60, (13 - since) * 60].contains(&second));
            let started = silent(&mut world, &mut peer, &mut starts);
            assert_eq!(started, renewed, "{minutes} minutes are not over");
        }
        since += minutes;
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
fn reads_are_measured_by_writes_until_one_is_answered() {
    let (mut world, client, mut peer) = World::up();
    pace(&mut world, &mut peer, &client, 8, 4 * SECOND);
    for (took, patience) in [(9, 12), (0, 27)] {
        let mut call = client.read(&write_cap().read_cap(), &index(17));
        let first = world.started(&mut peer);
        if took > 0 {
            world.advance(took * SECOND);
            peer.answer(&first);
            world.run();
            assert!(now(&mut call).unwrap().is_ok());
            continue;
        }
        world.advance((patience - 1) * SECOND);
        assert!(peer.requests().is_empty());
        world.advance(SECOND);
        assert_eq!(serve(&mut world, &mut peer).1.len(), 1);
    }
}

/// Lets another box be written, at once.
fn answer_another(world: &mut World, peer: &mut Peer, client: &Client, number: u64) {
    let mut other = client.write(&write_cap(), &index(number), "x");
    let start = world.started(peer);
    peer.answer(&start);
    world.run();
    assert!(now(&mut other).unwrap().is_ok());
}

#[test]
fn a_try_is_started_again_where_others_are_answered_and_encrypted_afresh_after_three_starts() {
    let (mut world, client, mut peer) = World::up();
    pace(&mut world, &mut peer, &client, 8, 10 * SECOND);
    let mut call = client.write(&write_cap(), &index(17), "x");
    let mut start = world.started(&mut peer);
    for round in 1..=3 {
        world.advance(SECOND);
        answer_another(&mut world, &mut peer, &client, 200 + round);
        world.advance(18 * SECOND);
        assert!(peer.requests().is_empty(), "twice as long as others took is not over");
        world.advance(SECOND);
        if round == 3 {
            break;
        }
        let requests = peer.requests();
        let [RequestFrame { request: AnyRequest::CancelResendingEncryptedMessage(_), .. }] = &requests[..]
        else {
            panic!("{requests:?}")
        };
        peer.refuse(&start, 24);
        peer.answer(&requests[0]);
        world.run();
        let again = peer.requests();
        assert_eq!(again.len(), 1, "{again:?}");
        assert_eq!(again[0].request, start.request, "the envelope is the same");
        assert_ne!(again[0].query_id, start.query_id);
        start = again.into_iter().next().unwrap();
    }
    let (kinds, starts) = serve(&mut world, &mut peer);
    assert_eq!(kinds, [RequestKind::EncryptWrite, RequestKind::CancelResendingEncryptedMessage]);
    let [fresh] = &starts[..] else { panic!("{starts:?}") };
    assert_ne!(fresh.request, start.request, "other replicas, too");
    peer.answer(fresh);
    world.run();
    assert_eq!(now(&mut call), Some(Ok(index(18))));
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
