//! Waiting on plain threads, and where that would hang.

use std::{sync::mpsc, thread};

use kpthin::{CallError, Client, FlowKind, WaitError, wire::MessageBoxIndex};
use kpthin_tests::adapters::Adapter;

use crate::support::{SOON, client, daemon};

pub fn plain_threads_wait<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let index = MessageBoxIndex::from([1; 104]);
        let (done, results) = mpsc::channel();
        for _ in 0..8 {
            let (client, index, done) = (client.clone(), index.clone(), done.clone());
            thread::spawn(move || {
                for _ in 0..50 {
                    done.send(client.next_message_box_index(&index).wait_timeout(SOON)).expect("received");
                }
            });
        }
        drop(done);
        // This thread may be the one that the driver needs.
        let results = smol::unblock(move || results.iter().filter(Result::is_ok).count()).await;
        assert_eq!(results, 400);
    });
}

pub fn threads_that_wait_drop_cancel_and_detach_leave_nothing_behind<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let client = client.clone();
                thread::spawn(move || misbehave(&client))
            })
            .collect();
        smol::unblock(|| threads.into_iter().for_each(|thread| thread.join().expect("joined"))).await;
        assert_eq!(client.stop_after(SOON).await, Ok(()));
        assert_eq!(client.status().outstanding, 0);
    });
}

fn misbehave(client: &Client) {
    let index = MessageBoxIndex::from([1; 104]);
    for round in 0..200 {
        let call = client.next_message_box_index(&index);
        match round % 5 {
            0 => drop(call),
            1 => call.detach(),
            2 => {
                call.cancel();
                let ended = call.wait_timeout(SOON);
                assert!(matches!(ended, Ok(_) | Err(WaitError::Call(CallError::Cancelled(_)))), "{ended:?}");
            }
            3 => drop(client.flow(FlowKind::Finite, |_| call)),
            _ => assert!(call.wait_timeout(SOON).is_ok()),
        }
    }
}

pub fn waiting_where_the_driver_runs_is_an_error<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        // The driver polls flows itself, so inside of one it always is.
        let inside = client.flow(FlowKind::Finite, |client| async move {
            let index = MessageBoxIndex::from([1; 104]);
            Ok(client.next_message_box_index(&index).wait())
        });
        assert_eq!(inside.await, Ok(Err(WaitError::WouldBlock)));
        // A worker of tokio's may be the one that is to run the driver next.
        if std::any::type_name::<A>().contains("Tokio") {
            let endless = client.flow(FlowKind::Finite, |_| std::future::pending::<Result<(), _>>());
            assert_eq!(endless.wait(), Err(WaitError::WouldBlock));
        }
    });
}
