//! Calls that are ended before they end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use kpthin::{CallError, FlowKind};
use kpthin_tests::adapters::Adapter;

use crate::support::{SOON, client, daemon, polling, stream, until};

pub fn dropping_a_read_cancels_it<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let reading = polling(&client, &stream(&client).await).await;
        until(&client, "the read runs", || net.with(|devnet, _| devnet.operations()) == 1).await;
        drop(reading);
        until(&client, "the read has ended", || net.with(|devnet, _| devnet.operations()) == 0).await;
    });
}

pub fn a_call_is_cancelled_by_itself_and_from_another_thread<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let reading = polling(&client, &stream(&client).await).await;
        reading.cancel();
        assert!(matches!(reading.await, Err(CallError::Cancelled(_))));

        let reading = polling(&client, &stream(&client).await).await;
        let canceller = reading.canceller();
        let other = thread::spawn(move || canceller.cancel());
        assert!(matches!(reading.await, Err(CallError::Cancelled(_))));
        other.join().expect("no panic");

        let flow = client.flow(FlowKind::Finite, |_| std::future::pending::<Result<(), _>>());
        let canceller = flow.canceller();
        let other = thread::spawn(move || canceller.cancel());
        assert!(matches!(flow.await, Err(CallError::Cancelled(_))));
        other.join().expect("no panic");
        until(&client, "nothing runs", || net.with(|devnet, _| devnet.operations()) == 0).await;
    });
}

pub fn a_deadline_ends_a_call<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let reading = polling(&client, &stream(&client).await).await;
        let result = reading.timeout(Duration::from_millis(20)).await;
        assert!(matches!(result, Err(CallError::TimedOut(_))), "{result:?}");
        until(&client, "the read has ended", || net.with(|devnet, _| devnet.operations()) == 0).await;
    });
}

/// However much is queued, a cancel waits for the encryptions that the daemon was given already.
pub fn cancels_pass_a_daemon_that_takes_two_seconds_per_encryption<A: Adapter>() {
    let mut config = A::daemon();
    config.timing.encrypt_time = Duration::from_secs(2);
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let reading = polling(&client, &stream).await;
        let done = Arc::new(AtomicUsize::new(0));
        let encryptions: Vec<_> = (0..20)
            .map(|_| {
                let (read_cap, index) = (stream.read_cap.clone(), stream.first_message_index.clone());
                let done = done.clone();
                client.flow(FlowKind::Finite, |client| async move {
                    client.encrypt_read(&read_cap, &index).await?;
                    done.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            })
            .collect();
        let canceller = reading.canceller();
        canceller.cancel();
        assert!(matches!(reading.await, Err(CallError::Cancelled(_))));
        until(&client, "the read has ended", || net.with(|devnet, _| devnet.operations()) == 0).await;
        let before = done.load(Ordering::SeqCst);
        assert!(before <= 3, "{before} encryptions came first");
        drop(encryptions);
        assert_eq!(client.stop().timeout(SOON).await, Ok(()));
    });
}
