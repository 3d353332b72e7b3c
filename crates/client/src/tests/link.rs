//! The first connection, and how bytes move.

use std::{io, time::Duration};

use kpthin_core::{
    error::CloseReason,
    machine::{Event, HandshakeStep, LinkError, LinkStatus},
    wire::{AnyRequest, Seed},
};

use super::world::{World, document, index, keypair, now, write_cap};
use crate::{Config, Duplex, FirstConnect};

#[test]
fn connecting_ends_when_the_handshake_is_complete() {
    let mut world = World::new(FirstConnect::Fail);
    let mut peer = world.peer();
    peer.status(true);
    peer.document(None);
    world.run();
    assert!(now(world.connecting.as_mut().unwrap()).is_none(), "no session yet");
    drop(peer.requests());
    peer.session(false);
    let client = world.client().unwrap();
    assert_eq!(client.status().link, LinkStatus::Up);
    assert_eq!(client.max_message_len(), Some(1549));
}

#[test]
fn a_failed_dial_names_what_was_dialled_and_why() {
    let mut world = World::with(FirstConnect::Fail, |_| Err(io::ErrorKind::ConnectionRefused.into()));
    let error = world.client().unwrap_err();
    assert_eq!(error.to_string(), "a connector: could not connect: connection refused");
    world.run();
    assert_eq!(world.ended, Some(CloseReason::NeverConnected));
}

#[test]
fn a_failed_handshake_names_its_step() {
    let mut world = World::new(FirstConnect::Fail);
    let peer = world.peer();
    peer.status(true);
    world.run();
    peer.close();
    let error = world.client().unwrap_err();
    assert_eq!(error.handshake_step(), Some(HandshakeStep::Document), "{error}");
    world.run();
    assert_eq!(world.ended, Some(CloseReason::NeverConnected));
}

#[test]
fn a_silent_daemon_fails_connecting_after_the_handshake_timeout() {
    let mut world = World::new(FirstConnect::Fail);
    let peer = world.peer();
    world.advance(Duration::from_secs(89));
    assert!(now(world.connecting.as_mut().unwrap()).is_none());
    world.advance(Duration::from_secs(2));
    assert!(peer.is_shut());
    peer.close();
    let error = world.client().unwrap_err();
    assert_eq!(error.handshake_step(), Some(HandshakeStep::Status), "{error}");
    assert!(peer.is_dropped());
}

#[test]
fn a_dial_that_never_ends_is_given_up() {
    let config = Config::connector(std::future::pending::<io::Result<Box<dyn Duplex>>>);
    let mut world = World::of(config);
    world.advance(Duration::from_secs(89));
    assert!(now(world.connecting.as_mut().unwrap()).is_none());
    world.advance(Duration::from_secs(1));
    assert_eq!(world.client().unwrap_err().to_string(), "a connector: could not connect: timed out");
}

#[test]
fn keep_trying_gives_a_client_at_once_and_connects_later() {
    let refused_once = |attempt| if attempt == 1 { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) };
    let mut world = World::with(FirstConnect::KeepTrying, refused_once);
    let client = world.client().unwrap();
    assert_eq!(client.status().link, LinkStatus::Down);
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    world.advance(Duration::from_secs(2));
    let mut peer = world.greet();
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Ok(keypair())));
}

#[test]
fn dropping_a_pending_connect_closes_the_socket() {
    let mut world = World::new(FirstConnect::Fail);
    let peer = world.peer();
    assert!(!peer.is_dropped());
    world.connecting = None;
    world.run();
    assert!(peer.is_dropped());
    assert_eq!(world.ended, Some(CloseReason::Stopped));
}

#[test]
fn dropping_a_connect_whose_token_is_not_answered_closes_the_socket() {
    let mut world = World::new(FirstConnect::Fail);
    let mut peer = world.peer();
    peer.status(true);
    peer.document(None);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::SessionToken(_)));
    world.connecting = None;
    world.run();
    assert!(peer.is_dropped());
    assert_eq!(world.ended, Some(CloseReason::Stopped));
}

#[test]
fn bytes_may_be_cut_anywhere() {
    for chunk in [1, 2, 3, 5, 7, 64, 1000] {
        let mut world = World::new(FirstConnect::Fail);
        let mut peer = world.peer();
        peer.limit(chunk, usize::MAX);
        peer.status(true);
        peer.document(Some(&document(100)));
        world.run();
        drop(peer.request());
        peer.session(false);
        let client = world.client().unwrap();
        let mut calls: Vec<_> =
            (0..20).map(|n| client.encrypt_write(&write_cap(), &index(n), vec![1; 1549])).collect();
        world.serve(&mut peer);
        for (n, call) in calls.iter_mut().enumerate() {
            let envelope = now(call).expect("answered").unwrap();
            assert_eq!(envelope.index().counter(), n as u64, "chunks of {chunk}");
        }
    }
}

#[test]
fn both_directions_full_at_once_do_not_block_each_other() {
    let (mut world, client, mut peer) = World::up();
    peer.limit(512, 1024);
    let mut calls: Vec<_> =
        (0..8).map(|n| client.encrypt_write(&write_cap(), &index(n), vec![1; 1549])).collect();
    // The peer does not read, and sends: the client has to go on reading all the same.
    for epoch in 101..200 {
        peer.document(Some(&document(epoch)));
    }
    world.run();
    assert_eq!(client.status().epoch, Some(199));
    for _ in 0..1000 {
        world.serve(&mut peer);
    }
    assert!(calls.iter_mut().all(|call| matches!(now(call), Some(Ok(_)))));
}

#[test]
fn many_requests_are_one_write() {
    let (mut world, client, mut peer) = World::up();
    let before = peer.writes();
    let calls: Vec<_> = (0..4).map(|n| client.next_message_box_index(&index(n))).collect();
    world.run();
    assert_eq!(peer.requests().len(), 4);
    assert_eq!(peer.writes(), before + 1);
    drop(calls);
}

#[test]
fn a_lost_link_is_dialled_again_and_local_calls_survive() {
    for reset in [false, true] {
        let (mut world, client, mut peer) = World::up();
        let mut events = client.events();
        let mut call = client.new_keypair(&Seed::from([1; 32]));
        world.run();
        drop(peer.request());
        if reset {
            peer.reset()
        } else {
            peer.close()
        }
        world.run();
        assert!(peer.is_dropped());
        match now(events.recv()) {
            Some(Some(Event::LinkDown { cause: LinkError::Ended(_), retry_in: Some(_) })) => {}
            other => panic!("{other:?}"),
        }
        world.advance(Duration::from_secs(2));
        let mut peer = world.greet();
        world.serve(&mut peer);
        assert_eq!(now(&mut call), Some(Ok(keypair())));
        let rest: Vec<_> = std::iter::from_fn(|| now(events.recv()).flatten()).collect();
        assert!(rest.iter().any(|event| matches!(event, Event::Reconnected { replayed: 1, .. })), "{rest:?}");
    }
}

#[test]
fn a_drained_link_is_half_closed_and_read_to_its_end() {
    let (mut world, client, mut peer) = World::up();
    // Nothing answers for five minutes: the machine replaces the link.
    let mut silent = client.new_keypair(&Seed::from([1; 32]));
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::NewKeypair(_)));
    let mut late = client.next_message_box_index(&index(1));
    for _ in 0..30 {
        world.advance(Duration::from_secs(10));
    }
    assert_eq!(now(&mut silent), None, "it is asked once more");
    assert!(peer.is_shut());
    assert!(!peer.is_dropped());
    let requests = peer.requests();
    let [request] = &requests[..] else { panic!("{requests:?}") };
    peer.answer(request);
    world.run();
    assert_eq!(now(&mut late), Some(Ok(index(2))), "what still comes is processed");
    peer.close();
    world.run();
    assert!(peer.is_dropped());
    world.advance(Duration::from_secs(2));
    assert!(world.has_dialled());
}

#[test]
fn the_driver_rests_when_nothing_happens() {
    let (mut world, client, _peer) = World::up();
    let polls = world.polls;
    world.advance(Duration::from_secs(3600));
    assert!(world.polls - polls < 20, "{}", world.polls - polls);
    drop(client);
}
