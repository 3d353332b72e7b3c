//! What a call gives, and the table of what dropping it means.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
    time::Duration,
};

use kpthin_core::{
    error::{CallError, Fate, InvalidRequest},
    wire::{AnyRequest, KeypairReply, Seed},
};

use super::world::{World, index, keypair, now, read_cap, write_cap};
use crate::{Call, Confirm, FlowKind};

fn assert_call<T: Send + Sync + Unpin + 'static>(_: &T) {}

#[test]
fn a_call_is_eager_and_gives_its_reply() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    assert_call(&call);
    assert!(now(&mut call).is_none());
    world.run();
    let request = peer.request();
    assert!(matches!(request.request, AnyRequest::NewKeypair(_)), "sent without being awaited");
    peer.answer(&request);
    world.run();
    assert_eq!(now(&mut call), Some(Ok(keypair())));
}

#[test]
fn prepared_envelopes_know_their_box_and_are_sent_as_they_are() {
    let (mut world, client, mut peer) = World::up();
    let mut encrypt = client.encrypt_write(&write_cap(), &index(17), "hello");
    world.serve(&mut peer);
    let envelope = now(&mut encrypt).unwrap().unwrap();
    assert_eq!((envelope.index(), envelope.next_index()), (&index(17), &index(18)));
    assert_eq!(envelope.plaintext()[..], *b"hello");

    let mut send = client.send_write(&write_cap(), &envelope);
    world.run();
    let request = peer.request();
    assert_eq!(request.request, envelope.request(&write_cap(), Confirm::Replica).into());
    peer.answer(&request);
    world.run();
    assert!(now(&mut send).unwrap().is_ok());
}

#[test]
fn dropped_before_it_is_encoded_it_is_never_sent() {
    let (mut world, client, mut peer) = World::up();
    drop(client.new_keypair(&Seed::from([1; 32])));
    world.run();
    assert!(peer.requests().is_empty());
}

#[test]
fn dropped_after_it_was_sent_an_operation_is_cancelled() {
    let (mut world, client, mut peer) = World::up();
    let mut encrypt = client.encrypt_read(&read_cap(), &index(17));
    world.serve(&mut peer);
    let envelope = now(&mut encrypt).unwrap().unwrap();

    let read = client.send_read(&read_cap(), &envelope);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::StartResendingEncryptedMessage(_)));
    drop(read);
    world.run();
    match peer.request().request {
        AnyRequest::CancelResendingEncryptedMessage(cancel) => {
            assert_eq!(cancel.envelope_hash, envelope.envelope_hash());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn dropped_after_it_was_sent_a_local_call_swallows_its_reply() {
    let (mut world, client, mut peer) = World::up();
    let call = client.new_keypair(&Seed::from([1; 32]));
    world.run();
    let request = peer.request();
    drop(call);
    peer.answer(&request);
    world.run();
    assert!(peer.requests().is_empty());
    assert_eq!(client.status().outstanding, 0);
}

#[test]
fn dropped_once_completed_nothing_happens() {
    let (mut world, client, mut peer) = World::up();
    let call = client.new_keypair(&Seed::from([1; 32]));
    world.serve(&mut peer);
    drop(call);
    world.run();
    assert!(peer.requests().is_empty());
}

#[test]
fn a_dropped_cancel_runs_on() {
    let (mut world, client, mut peer) = World::up();
    drop(client.cancel_resending_encrypted_message([8; 32].into()));
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::CancelResendingEncryptedMessage(_)));
}

#[test]
fn a_detached_call_runs_on() {
    let (mut world, client, mut peer) = World::up();
    client.new_keypair(&Seed::from([1; 32])).detach();
    world.run();
    let request = peer.request();
    assert!(matches!(request.request, AnyRequest::NewKeypair(_)));
    peer.answer(&request);
    world.run();
    assert_eq!(client.shared().lock().slots.pending(), 0);
}

#[test]
fn a_timeout_counts_the_queue() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32])).timeout(Duration::from_secs(5));
    world.run();
    drop(peer.requests());
    world.advance(Duration::from_secs(4));
    assert!(now(&mut call).is_none());
    world.advance(Duration::from_secs(1));
    assert_eq!(now(&mut call), Some(Err(CallError::TimedOut(Fate::MaybeExecuted))));
}

#[test]
fn a_reply_that_is_here_wins_over_the_deadline() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32])).timeout(Duration::from_secs(5));
    world.run();
    let request = peer.request();
    peer.answer(&request);
    world.time_passes(Duration::from_secs(6));
    world.run();
    assert_eq!(now(&mut call), Some(Ok(keypair())));
}

#[test]
fn a_canceller_cancels_from_elsewhere() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.new_keypair(&Seed::from([1; 32]));
    let canceller = call.canceller();
    std::thread::spawn(move || canceller.cancel()).join().unwrap();
    world.run();
    assert_eq!(now(&mut call), Some(Err(CallError::Cancelled(Fate::NotSent))));
    assert!(peer.requests().is_empty());
}

/// What is left of a task once only its waker is.
struct Remains(#[expect(dead_code, reason = "dropped")] Call<KeypairReply>);

impl Wake for Remains {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_waker_may_own_the_last_of_a_task_and_its_calls() {
    let (mut world, client, mut peer) = World::up();
    let keypair = || client.new_keypair(&Seed::from([1; 32]));
    let poll_with_remains = |future: &mut (dyn Future<Output = _> + Unpin)| {
        let waker = Waker::from(Arc::new(Remains(keypair())));
        assert!(Pin::new(future).poll(&mut Context::from_waker(&waker)).is_pending());
    };
    let mut call = keypair();
    poll_with_remains(&mut call);
    assert!(now(&mut call).is_none(), "replaces that waker");
    poll_with_remains(&mut call);
    drop(call);
    let mut flow = client.flow(FlowKind::Standing, |_| std::future::pending());
    poll_with_remains(&mut flow);
    poll_with_remains(&mut flow);
    drop(flow);
    world.serve(&mut peer);
    assert_eq!(client.shared().lock().slots.pending(), 0);
}

#[test]
fn bad_arguments_are_refused_before_anything_is_sent() {
    let (mut world, client, mut peer) = World::up();
    let mut refused = |call: &mut dyn FnMut() -> Call<()>| {
        let mut call = call();
        world.run();
        now(&mut call).expect("refused at once").unwrap_err()
    };
    let max = client.max_message_len().unwrap();
    let too_large = CallError::TooLarge { len: max + 1, max };
    let flow = |call: Call<_>| client.flow(FlowKind::Finite, |_| async { call.await.map(drop) });
    let error = refused(&mut || flow(client.write(&write_cap(), &index(1), vec![0; max + 1])));
    assert_eq!(error, too_large);
    let empty = InvalidRequest::Empty { member: "plaintext" };
    assert_eq!(refused(&mut || flow(client.write(&write_cap(), &index(1), ""))), empty.into());
    let error = now(&mut client.tombstone(&write_cap(), &index(1), 0)).unwrap().unwrap_err();
    assert_eq!(error, InvalidRequest::ZeroCount.into());
    let service = client.service("echo").unwrap().destination();
    let mut message = client.send_message(&service, vec![0; 2001]);
    world.run();
    assert_eq!(now(&mut message), Some(Err(CallError::TooLarge { len: 2001, max: 2000 })));
    assert!(peer.requests().is_empty());
}

#[test]
fn services_and_couriers_are_known_without_asking() {
    let (mut world, client, mut peer) = World::up();
    assert_eq!(client.pki_document().unwrap().epoch(), 100);
    assert!(client.pki_document_for_epoch(99).is_none());
    assert_eq!(client.services("echo").len(), 1);
    assert_eq!(client.couriers().len(), 2);
    let two = client.distinct_couriers(2).unwrap();
    assert_ne!(two[0].identity_hash, two[1].identity_hash);
    assert!(client.distinct_couriers(3).is_none());
    assert!(client.service("mailbox").is_none());
    world.run();
    assert!(peer.requests().is_empty());
}
