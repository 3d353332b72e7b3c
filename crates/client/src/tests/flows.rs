//! Flows: polled by the driver, dropped by the driver, and never more than their call.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use kpthin_core::{
    error::{CallError, CloseReason, DaemonError, Fate},
    wire::{AnyRequest, FailureDetail, ReplyFailure, Seed},
};

use super::world::{World, index, keypair, now, read_cap, write_cap};
use crate::{FlowKind, client::ready, flow};

#[test]
fn a_flow_is_eager_and_takes_its_steps() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.flow(FlowKind::Finite, |client| async move {
        let next = client.next_message_box_index(&index(1)).await?;
        client.pause(Duration::from_secs(3)).await;
        client.next_message_box_index(&next).await
    });
    world.serve(&mut peer);
    assert!(now(&mut call).is_none());
    world.advance(Duration::from_secs(3));
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Ok(index(3))));
}

#[test]
fn a_panic_in_a_flow_ends_that_one_call() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.flow(FlowKind::Finite, |client| async move {
        drop(client.next_message_box_index(&index(1)).await);
        panic!("on purpose");
        #[expect(unreachable_code, reason = "tells the type")]
        Ok(())
    });
    let mut other =
        client.flow(FlowKind::Finite, |client| async move { client.next_message_box_index(&index(1)).await });
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Err(CallError::Panicked(Fate::NotSent))));
    assert_eq!(now(&mut other), Some(Ok(index(2))));
}

#[test]
fn dropping_the_call_drops_the_future_before_anything_is_encoded() {
    let (mut world, client, mut peer) = World::up();
    let call = client.flow(FlowKind::Finite, |client| async move {
        client.pause(Duration::from_secs(1)).await;
        client.new_keypair(&Seed::from([1; 32])).await
    });
    world.run();
    drop(call);
    world.advance(Duration::from_secs(1));
    assert!(peer.requests().is_empty());
    assert!(client.shared().lock().flows.is_empty());
}

#[test]
fn what_a_dropped_flow_has_started_is_not_encoded_either() {
    let mut world = World::new(crate::FirstConnect::KeepTrying);
    let client = world.client().unwrap();
    let mut peer = world.peer();
    let call =
        client.flow(FlowKind::Finite, |client| async move { client.new_keypair(&Seed::from([1; 32])).await });
    peer.status(true);
    peer.document(None);
    world.run();
    assert_eq!(client.status().queued, 1);
    assert!(matches!(peer.request().request, AnyRequest::SessionToken(_)));
    peer.session(false);
    drop(call);
    world.run();
    assert!(peer.requests().is_empty());
}

#[test]
fn dropping_the_call_cancels_the_operation_under_way() {
    let (mut world, client, mut peer) = World::up();
    let call = client.read(&read_cap(), &index(17));
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::StartResendingEncryptedMessage(_)));
    drop(call);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::CancelResendingEncryptedMessage(_)));
}

#[test]
fn a_flow_that_is_polled_drops_its_captures_without_a_lock() {
    struct Calls(crate::Client, Arc<AtomicUsize>);
    impl Drop for Calls {
        fn drop(&mut self) {
            drop(self.0.status());
            let _ = self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (mut world, client, _peer) = World::up();
    let dropped = Arc::new(AtomicUsize::new(0));
    let captured = Calls(client.clone(), dropped.clone());
    let call = client.flow(FlowKind::Standing, |_| async move {
        let _captured = captured;
        std::future::pending::<Result<(), CallError>>().await
    });
    world.run();
    drop(call);
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "only the driver drops it");
    world.run();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
fn the_fate_of_a_flow_is_the_worst_of_its_steps() {
    let (mut world, client, mut peer) = World::up();
    let write = || client.write(&write_cap(), &index(17), "x").timeout(Duration::from_secs(5));

    let mut unsent = write();
    world.run();
    drop(peer.requests());
    world.advance(Duration::from_secs(5));
    assert_eq!(now(&mut unsent), Some(Err(CallError::TimedOut(Fate::NotSent))), "only encrypted");

    let mut sent = write();
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.advance(Duration::from_secs(5));
    assert_eq!(now(&mut sent), Some(Err(CallError::TimedOut(Fate::MaybeExecuted))));
}

#[test]
fn an_error_of_a_later_step_does_not_hide_what_an_earlier_one_may_have_done() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.flow(FlowKind::Finite, |client| async move {
        let next = client.write(&write_cap(), &index(17), "x").await?;
        client.new_keypair(&Seed::from([1; 32])).await?;
        let unsent = client.next_message_box_index(&next);
        unsent.cancel();
        unsent.await
    });
    world.serve(&mut peer);
    assert_eq!(now(&mut call), Some(Err(CallError::Cancelled(Fate::MaybeExecuted))));
}

#[test]
fn the_fate_of_a_flow_within_a_flow_counts_when_the_outer_one_ends() {
    let (mut world, client, mut peer) = World::up();
    let mut outer = client
        .flow(FlowKind::Finite, |client| async move {
            drop(client.write(&write_cap(), &index(17), "x").await);
            Ok(())
        })
        .timeout(Duration::from_secs(5));
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.advance(Duration::from_secs(5));
    assert_eq!(now(&mut outer), Some(Err(CallError::TimedOut(Fate::MaybeExecuted))));
}

#[test]
fn flows_are_refused_at_entry_beyond_their_limit() {
    let (mut world, client, _peer) = World::up();
    let standing = |client: &crate::Client| {
        client.flow(FlowKind::Standing, |_| std::future::pending::<Result<(), CallError>>())
    };
    let flows: Vec<_> = (0..flow::FLOWS_MAX).map(|_| standing(&client)).collect();
    assert_eq!(now(&mut standing(&client)), Some(Err(CallError::TooManyCalls)));
    drop(flows);
    world.run();
    assert!(now(&mut standing(&client)).is_none());
}

#[test]
fn the_client_of_a_flow_does_not_keep_the_client_open() {
    let (mut world, client, mut peer) = World::up();
    client
        .flow(FlowKind::Standing, |client| async move {
            loop {
                client.pause(Duration::from_secs(1)).await;
            }
            #[expect(unreachable_code, reason = "tells the type")]
            Ok(())
        })
        .detach();
    world.run();
    drop(client);
    world.run();
    assert!(matches!(peer.request().request, AnyRequest::ThinClose(_)));
    peer.close();
    world.run();
    assert_eq!(world.ended, Some(CloseReason::Stopped));
}

#[test]
fn a_cancelled_flow_can_be_awaited_for_its_fate() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "x");
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.run();
    call.cancel();
    world.run();
    assert_eq!(now(&mut call), Some(Err(CallError::Cancelled(Fate::MaybeExecuted))));
}

#[test]
fn the_steps_of_flows_are_not_refused_when_calls_are() {
    let (mut world, client, mut peer) = World::up();
    let step =
        || client.flow(FlowKind::Finite, |client| async move { client.new_keypair(&[1; 32].into()).await });
    let mut flow = step();
    let calls: Vec<_> = (0..4_096).map(|_| client.next_message_box_index(&index(1))).collect();
    let mut late = step();
    world.run();
    let mut refused = client.next_message_box_index(&index(1));
    world.run();
    assert_eq!(now(&mut refused), Some(Err(CallError::TooManyCalls)));
    world.serve(&mut peer);
    assert_eq!((now(&mut flow), now(&mut late)), (Some(Ok(keypair())), Some(Ok(keypair()))));
    assert!(calls.into_iter().all(|mut call| now(&mut call) == Some(Ok(index(2)))));
}

#[test]
fn a_try_that_is_refused_does_not_hide_what_an_earlier_one_may_have_done() {
    let (mut world, client, mut peer) = World::up();
    let mut call = client.write(&write_cap(), &index(17), "x");
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.run();
    let start = peer.request();
    let failed = CallError::Daemon(DaemonError::InternalError);
    peer.fail(&start, ReplyFailure { error_code: 4, detail: FailureDetail::None });
    world.advance(Duration::from_secs(1));
    let encrypt = peer.request();
    assert!(matches!(encrypt.request, AnyRequest::EncryptWrite(_)));
    let refusal = CallError::Daemon(DaemonError::InvalidRequest);
    assert_eq!((refusal.fate(), failed.fate()), (Fate::Refused, Fate::MaybeExecuted));
    peer.fail(&encrypt, ReplyFailure { error_code: 3, detail: FailureDetail::None });
    world.run();
    assert_eq!(now(&mut call), Some(Err(failed)));
}

#[test]
fn a_flow_within_a_flow_counts_when_the_driver_is_gone() {
    let (mut world, client, mut peer) = World::up();
    let mut outer = client
        .flow(FlowKind::Finite, |client| async move { client.write(&write_cap(), &index(17), "x").await });
    world.run();
    let encrypt = peer.request();
    peer.answer(&encrypt);
    world.run();
    world.driver = None;
    let gone = CallError::Closed(CloseReason::DriverGone, Fate::MaybeExecuted);
    assert_eq!(now(&mut outer), Some(Err(gone)));
}

#[test]
fn a_flow_that_waits_for_a_link_lets_the_driver_stop() {
    let (mut world, client, mut peer) = World::up();
    peer.status(false);
    world.run();
    let mut call = client.flow(FlowKind::Finite, |client| async move {
        // As if another thread had, while the driver polls this flow.
        let _stop = client.stop();
        Ok(ready(&client).await)
    });
    world.run();
    let stopped = CallError::Closed(CloseReason::Stopped, Fate::NotSent);
    assert_eq!(now(&mut call), Some(Err(stopped)));
    assert!(matches!(peer.request().request, AnyRequest::ThinClose(_)));
}
