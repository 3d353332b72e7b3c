//! What is left of a driver that is dropped, panics or is given a broken transport.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin_core::{
    error::{CallError, CloseReason, Fate},
    machine::LinkStatus,
    wire::Seed,
};

use super::world::{Flag, World, keypair, now};
use crate::{Config, ConnectError, Duplex, FirstConnect};

#[test]
fn a_dropped_driver_fails_every_waiter() {
    let (mut world, client, mut peer) = World::up();
    let mut unsent = client.new_keypair(&Seed::from([1; 32]));
    let mut events = client.events();
    let mut flow = client.wait_until_ready();
    let mut pending =
        client.flow(crate::FlowKind::Finite, |_| std::future::pending::<Result<(), CallError>>());
    let mut changed = client.status_changed();
    let mut pause = client.pause(Duration::from_secs(60));
    world.run();
    drop(peer.requests());
    let mut queued = client.new_keypair(&Seed::from([2; 32]));
    assert!(now(&mut flow).unwrap().is_ok());
    assert!(now(&mut pending).is_none() && now(&mut changed).is_none() && now(&mut pause).is_none());
    world.driver = None;

    let gone = |fate| CallError::Closed(CloseReason::DriverGone, fate);
    assert_eq!(now(&mut unsent), Some(Err(gone(Fate::MaybeExecuted))));
    assert_eq!(now(&mut queued), Some(Err(gone(Fate::NotSent))));
    assert_eq!(now(&mut pending), Some(Err(gone(Fate::NotSent))));
    assert_eq!(now(&mut changed).unwrap().link, LinkStatus::Closed);
    assert_eq!(now(&mut pause), Some(()));
    assert_eq!(now(events.recv()), Some(None));
    assert_eq!(now(&mut client.new_keypair(&Seed::from([1; 32]))), Some(Err(gone(Fate::NotSent))));
    assert_eq!(now(&mut client.stop()), Some(Ok(())));
    assert!(peer.is_dropped());
}

#[test]
fn a_dropped_driver_wakes_every_waiter() {
    let (mut world, client, _peer) = World::up();
    let mut events = client.events();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    let mut flow = client.flow(crate::FlowKind::Finite, |_| std::future::pending::<Result<(), CallError>>());
    let mut changed = client.status_changed();
    let mut pause = client.pause(Duration::from_secs(60));
    let mut recv = events.recv();
    world.run();
    let woken = [(); 5].map(|()| Arc::new(Flag::default()));
    let [a, b, c, d, e] = woken.clone().map(Waker::from);
    assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&a)).is_pending());
    assert!(Pin::new(&mut flow).poll(&mut Context::from_waker(&b)).is_pending());
    assert!(Pin::new(&mut changed).poll(&mut Context::from_waker(&c)).is_pending());
    assert!(Pin::new(&mut pause).poll(&mut Context::from_waker(&d)).is_pending());
    assert!(Pin::new(&mut recv).poll(&mut Context::from_waker(&e)).is_pending());
    world.driver = None;
    assert!(woken.iter().all(|flag| flag.is_set()));
}

#[test]
fn a_peer_that_takes_nothing_more_is_gone_even_if_it_says_nothing() {
    let (mut world, client, peer) = World::up();
    peer.break_writes();
    let call = client.new_keypair(&Seed::from([1; 32]));
    world.run();
    assert!(peer.is_dropped());
    drop(call);
}

#[test]
fn a_driver_that_is_dropped_early_fails_the_connect() {
    let mut world = World::new(FirstConnect::Fail);
    world.driver = None;
    assert_eq!(world.client().unwrap_err(), ConnectError::Closed(CloseReason::DriverGone));
}

/// What a stream answers to every read and every write.
struct Broken {
    read: fn(usize) -> io::Result<usize>,
    write: fn(usize) -> io::Result<usize>,
    greeting: Vec<u8>,
}

impl Duplex for Broken {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let greeting = std::mem::take(&mut self.greeting);
        if greeting.is_empty() {
            cx.waker().wake_by_ref();
            return Poll::Ready((self.read)(buffer.len()));
        }
        buffer[..greeting.len()].copy_from_slice(&greeting);
        Poll::Ready(Ok(greeting.len()))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready((self.write)(bytes.len()))
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn broken(
    greeting: Vec<u8>,
    read: fn(usize) -> io::Result<usize>,
    write: fn(usize) -> io::Result<usize>,
) -> World {
    World::of(Config::connector(move || {
        let greeting = greeting.clone();
        async move { Ok(Broken { read, write, greeting }) }
    }))
}

#[test]
fn a_transport_that_reads_more_than_there_is_room_for_fails_the_link() {
    let mut world = broken(Vec::new(), |len| Ok(len + 1), Ok);
    let error = world.client().unwrap_err();
    assert!(error.to_string().contains("more bytes than it was given"), "{error}");
}

#[test]
fn a_transport_that_writes_more_than_it_was_given_fails_the_link() {
    let mut greeting = World::new(FirstConnect::Fail);
    let peer = greeting.peer();
    peer.status(true);
    peer.document(None);
    let mut world = broken(peer.sent(), |_| Err(io::ErrorKind::Interrupted.into()), |len| Ok(len + 1));
    world.poll_once();
    let error = world.client().unwrap_err();
    assert!(error.to_string().contains("more bytes than it was given"), "{error}");
}

#[test]
fn a_transport_that_is_always_interrupted_does_not_hold_the_thread() {
    let interrupted = |_| Err(io::ErrorKind::Interrupted.into());
    let mut world = broken(Vec::new(), interrupted, interrupted);
    world.poll_once();
    assert!(now(world.connecting.as_mut().unwrap()).is_none());
}

/// A waker that panics.
struct Panics;

impl std::task::Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("on purpose");
    }
}

#[test]
fn a_waker_that_panics_costs_nobody_else_the_wake() {
    let (mut world, client, mut peer) = World::up();
    let mut calls: Vec<_> = (0..3).map(|_| client.new_keypair(&Seed::from([1; 32]))).collect();
    let flags = [Arc::new(Flag::default()), Arc::new(Flag::default())];
    let wakers: [Waker; 3] = [flags[0].clone().into(), Arc::new(Panics).into(), flags[1].clone().into()];
    for (call, waker) in calls.iter_mut().zip(&wakers) {
        assert!(Pin::new(call).poll(&mut Context::from_waker(waker)).is_pending());
    }
    world.serve(&mut peer);
    assert!(flags.iter().all(|flag| flag.is_set()));
    assert!(calls.into_iter().all(|mut call| now(&mut call) == Some(Ok(keypair()))));
}

#[test]
fn a_waker_may_call_back_into_the_client() {
    struct Calls(crate::Client, std::sync::Mutex<Option<crate::Call<kpthin_core::wire::KeypairReply>>>);
    impl std::task::Wake for Calls {
        fn wake(self: Arc<Self>) {
            let call = self.0.new_keypair(&Seed::from([1; 32]));
            assert_eq!(self.0.status().link, LinkStatus::Up);
            *self.1.lock().unwrap() = Some(call);
        }
    }
    let (mut world, client, mut peer) = World::up();
    let again = Arc::new(Calls(client.clone(), None.into()));
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&again.clone().into())).is_pending());
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Ok(keypair())));
    let mut second = again.1.lock().unwrap().take().expect("it was woken");
    assert_eq!(now(&mut second), Some(Ok(keypair())));
}

#[test]
fn a_connector_that_panics_fails_every_waiter() {
    let mut world = World::with(FirstConnect::KeepTrying, |_| panic!("on purpose"));
    let (mut connecting, driver) = (world.connecting.take().unwrap(), &mut world.driver);
    let client = now(&mut connecting).unwrap().unwrap();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    let mut events = client.events();
    let driver = driver.take().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || now(driver)));
    assert!(panicked.is_err());
    let gone = CallError::Closed(CloseReason::DriverGone, Fate::NotSent);
    assert_eq!(now(&mut call), Some(Err(gone)));
    assert_eq!(now(events.recv()), Some(None));
    assert_eq!(client.status().link, LinkStatus::Closed);
}

/// A stream whose end panics too.
struct Bomb;

impl Duplex for Bomb {
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        panic!("on purpose");
    }

    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_shutdown(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("on purpose");
    }
}

#[test]
fn a_transport_that_panics_twice_does_not_abort_the_process() {
    let mut world = World::of(Config::connector(|| async { Ok(Bomb) }));
    let driver = world.driver.take().unwrap();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || now(driver)));
    assert!(panicked.is_err());
    let gone = Err(ConnectError::Closed(CloseReason::DriverGone));
    assert_eq!(now(world.connecting.take().unwrap()).map(|result| result.map(drop)), Some(gone));
}
