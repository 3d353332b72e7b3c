//! How a client ends: stopped, drained, or because nobody holds it any more.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, CloseReason, Fate},
    machine::LinkStatus,
    wire::{AnyRequest, Seed},
};

use super::world::{Peer, World, index, keypair, now};
use crate::FlowKind;

fn closed(world: &mut World, peer: &mut Peer) {
    world.run();
    let requests = peer.requests();
    assert!(matches!(requests.last().expect("a close").request, AnyRequest::ThinClose(_)), "{requests:?}");
    peer.close();
    world.run();
    assert_eq!(world.ended, Some(CloseReason::Stopped));
    assert!(peer.is_dropped());
}

#[test]
fn stop_ends_everything_and_says_good_bye() {
    let (mut world, client, mut peer) = World::up();
    let mut events = client.events();
    let mut sent = client.new_keypair(&Seed::from([1; 32]));
    world.run();
    drop(peer.requests());
    let mut unsent = client.new_keypair(&Seed::from([1; 32]));
    let mut stop = client.stop();
    world.run();
    let stopped = |fate| CallError::Closed(CloseReason::Stopped, fate);
    assert_eq!(now(&mut sent), Some(Err(stopped(Fate::MaybeExecuted))));
    assert_eq!(now(&mut unsent), Some(Err(stopped(Fate::NotSent))));
    assert!(now(&mut stop).is_none(), "the link is still there");
    assert_eq!(now(events.recv()), Some(None), "whatever the daemon does");
    assert_eq!(now(client.events().recv()), Some(None));
    closed(&mut world, &mut peer);
    assert_eq!(now(&mut stop), Some(Ok(())));
    assert_eq!(client.status().link, LinkStatus::Closed);
    assert_eq!(now(&mut client.new_keypair(&Seed::from([1; 32]))), Some(Err(stopped(Fate::NotSent))));
}

#[test]
fn a_dropped_stop_stops() {
    let (mut world, client, mut peer) = World::up();
    drop(client.stop());
    closed(&mut world, &mut peer);
}

#[test]
fn a_daemon_that_does_not_let_go_is_left_after_a_second() {
    let (mut world, client, peer) = World::up();
    let mut stop = client.stop();
    world.run();
    assert!(peer.is_shut());
    world.advance(Duration::from_millis(900));
    assert!(now(&mut stop).is_none());
    world.advance(Duration::from_millis(200));
    assert_eq!(now(&mut stop), Some(Ok(())));
}

#[test]
fn a_drain_refuses_what_is_new_and_lets_the_rest_end() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    let mut finite = client.flow(FlowKind::Finite, |client| async move {
        client.pause(Duration::from_secs(2)).await;
        client.next_message_box_index(&index(1)).await
    });
    let mut standing = client.flow(FlowKind::Standing, |_| std::future::pending::<Result<(), CallError>>());
    world.run();
    let mut stop = client.stop_after(Duration::from_secs(10));
    world.run();
    let refused = Err(CallError::Closed(CloseReason::Stopped, Fate::NotSent));
    assert_eq!(now(&mut standing), Some(refused.clone()));
    assert_eq!(now(&mut client.wait_until_ready()).unwrap().map(drop), refused);
    assert_eq!(now(&mut client.next_message_box_index(&index(1))).unwrap().map(drop), refused);
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Ok(keypair())));
    world.advance(Duration::from_secs(2));
    let request = peer.request();
    peer.answer(&request);
    world.run();
    assert_eq!(now(&mut finite), Some(Ok(index(2))));
    closed(&mut world, &mut peer);
    assert_eq!(now(&mut stop), Some(Ok(())));
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    let mut flow = client.flow(FlowKind::Finite, |_| std::future::pending::<Result<(), CallError>>());
    let _stop = client.stop_after(Duration::from_secs(10));
    world.advance(Duration::from_secs(9));
    assert!(now(&mut call).is_none() && now(&mut flow).is_none());
    world.advance(Duration::from_secs(1));
    let stopped = |fate| Some(Err(CallError::Closed(CloseReason::Stopped, fate)));
    assert_eq!(now(&mut call).map(|result| result.map(drop)), stopped(Fate::MaybeExecuted));
    assert_eq!(now(&mut flow), stopped(Fate::NotSent));
    closed(&mut world, &mut peer);
}

#[test]
fn the_last_handle_of_any_kind_closes() {
    let (mut world, client, mut peer) = World::up();
    let (other, events) = (client.clone(), client.events());
    let call = client.new_keypair(&Seed::from([1; 32]));
    drop((client, other));
    world.run();
    drop(events);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::NewKeypair(_)), "the call keeps it going");
    drop(call);
    closed(&mut world, &mut peer);
}

#[test]
fn detached_calls_have_half_a_minute_after_the_last_handle() {
    let (mut world, client, mut peer) = World::up();
    client.new_keypair(&Seed::from([1; 32])).detach();
    drop(client);
    world.advance(Duration::from_secs(29));
    assert!(matches!(peer.request().request, AnyRequest::NewKeypair(_)));
    world.advance(Duration::from_secs(1));
    closed(&mut world, &mut peer);

    let (mut world, client, mut peer) = World::up();
    client.new_keypair(&Seed::from([1; 32])).detach();
    drop(client);
    world.run();
    let request = peer.request();
    peer.answer(&request);
    closed(&mut world, &mut peer);
}
