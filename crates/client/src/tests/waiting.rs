//! Plain threads, events and the status.

use std::{
    future::Future,
    pin::Pin,
    sync::mpsc,
    task::{Context, Waker},
    thread,
    time::Duration,
};

use kpthin_core::{error::CallError, machine::Event, wire::Seed};

use super::world::{World, document, index, keypair, now};
use crate::{FlowKind, WaitError, events::EVENTS_KEPT};

#[test]
fn a_plain_thread_waits_for_its_call() {
    let (mut world, client, mut peer) = World::up();
    let (send, results) = mpsc::channel();
    let waiting: Vec<_> = (0..4)
        .map(|_| {
            let (call, send) = (client.new_keypair(&Seed::from([1; 32])), send.clone());
            thread::spawn(move || send.send(call.wait()).unwrap())
        })
        .collect();
    world.serve(&mut peer);
    for thread in waiting {
        thread.join().unwrap();
    }
    assert_eq!(results.try_iter().collect::<Vec<_>>(), vec![Ok(keypair()); 4]);
}

#[test]
fn waiting_on_the_drivers_thread_would_block() {
    let (mut world, client, mut peer) = World::up();
    assert_eq!(client.new_keypair(&Seed::from([1; 32])).wait(), Err(WaitError::WouldBlock));
    let call = client.new_keypair(&Seed::from([1; 32]));
    world.serve(&mut peer);
    assert_eq!(call.wait(), Ok(keypair()), "what has ended does not block");
}

#[test]
fn waiting_inside_a_flow_would_block() {
    let (mut world, client, _peer) = World::up();
    let mut call = client
        .flow(FlowKind::Finite, |client| async move { Ok(client.new_keypair(&Seed::from([1; 32])).wait()) });
    world.run();
    assert_eq!(now(&mut call), Some(Ok(Err(WaitError::WouldBlock))));
}

#[test]
fn waiting_on_a_worker_would_block() {
    let (world, client, _peer) = World::up();
    world.time.set_on_worker();
    let waited = thread::spawn(move || client.new_keypair(&Seed::from([1; 32])).wait());
    assert_eq!(waited.join().unwrap(), Err(WaitError::WouldBlock));
}

#[test]
fn a_bounded_wait_ends_even_if_the_driver_does_not_run() {
    let (_world, client, _peer) = World::up();
    let waited = thread::spawn(move || client.new_keypair(&Seed::from([1; 32])).wait_timeout(Duration::ZERO));
    assert!(matches!(waited.join().unwrap(), Err(WaitError::Call(CallError::TimedOut(_)))));
}

#[test]
fn a_slow_subscriber_loses_the_oldest_events_and_learns_how_many() {
    let (mut world, client, mut peer) = World::up();
    let mut events = client.events();
    let extra = 10;
    let last = 100 + EVENTS_KEPT as u64 + extra;
    for epoch in 101..=last {
        peer.document(Some(&document(epoch)));
    }
    let mut call = client.next_message_box_index(&index(1));
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Ok(index(2))), "replies are not delayed");
    assert_eq!(now(events.recv()), Some(Some(Event::Lagged { missed: extra })));
    let kept: Vec<_> = std::iter::from_fn(|| now(events.recv()).flatten()).collect();
    assert_eq!(kept.len(), EVENTS_KEPT);
    assert_eq!(kept.first(), Some(&Event::Document { epoch: 101 + extra }));
    assert_eq!(kept.last(), Some(&Event::Document { epoch: last }));
}

#[test]
fn events_are_a_stream_and_an_iterator() {
    let (mut world, client, peer) = World::up();
    let mut stream = client.events();
    let blocking = client.events().into_blocking();
    let collected = thread::spawn(move || blocking.take(2).collect::<Vec<_>>());
    peer.status(false);
    peer.status(true);
    world.run();
    let changes = vec![Event::Mixnet { connected: false }, Event::Mixnet { connected: true }];
    assert_eq!(collected.join().unwrap(), changes);
    let mut cx = Context::from_waker(Waker::noop());
    let next = futures_core::Stream::poll_next(Pin::new(&mut stream), &mut cx);
    assert_eq!(next, std::task::Poll::Ready(changes.first().cloned()));
}

#[test]
fn a_status_change_between_look_and_wait_is_not_missed() {
    let (mut world, client, peer) = World::up();
    let mut changed = client.status_changed();
    assert!(client.status().is_connected());
    peer.status(false);
    world.run();
    let status = now(&mut changed).expect("it changed");
    assert!(!status.is_connected());
}

#[test]
fn calls_that_come_and_go_are_no_change_of_status() {
    let (mut world, client, mut peer) = World::up();
    let mut changed = client.status_changed();
    let call = client.new_keypair(&Seed::from([1; 32]));
    world.serve(&mut peer);
    assert!(Pin::new(&mut changed).poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(call);
}

#[test]
fn ready_is_awaited_until_the_daemon_is_connected_and_has_a_document() {
    let mut world = World::new(crate::FirstConnect::Fail);
    let mut peer = world.peer();
    peer.status(false);
    peer.document(None);
    world.run();
    drop(peer.requests());
    peer.session(false);
    let client = world.client().unwrap();
    let mut ready = client.wait_until_ready();
    peer.status(true);
    world.run();
    assert!(now(&mut ready).is_none(), "no document");
    peer.document(Some(&document(7)));
    world.run();
    assert!(now(&mut ready).unwrap().unwrap().is_connected());
}
