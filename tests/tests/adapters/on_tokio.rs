//! What tokio alone can do to a client.

use kpthin::{
    CallError, CloseReason, Fate, WaitError,
    devnet::DevnetConfig,
    wire::{MessageBoxIndex, Seed},
};
use tokio::runtime::Builder;

use crate::support::{SOON, daemon, polling, stream};

#[test]
fn a_runtime_that_goes_fails_every_waiter() {
    let net = daemon(DevnetConfig::instant());
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let (client, reading) = runtime.block_on(async {
        let client = kpthin::tokio::connect(net.tcp_addr().expect("on TCP")).await.expect("connected");
        let stream = stream(&client).await;
        let reading = polling(&client, &stream).await;
        (client, reading)
    });
    runtime.shutdown_timeout(SOON);
    let gone = CallError::Closed(CloseReason::DriverGone, Fate::MaybeExecuted);
    assert_eq!(reading.wait().err(), Some(WaitError::Call(gone)));
    let refused = CallError::Closed(CloseReason::DriverGone, Fate::NotSent);
    assert_eq!(client.new_keypair(&Seed::from([1; 32])).wait(), Err(WaitError::Call(refused)));
}

#[test]
fn threads_for_blocking_work_may_wait() {
    let net = daemon(DevnetConfig::instant());
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let address = net.tcp_addr().expect("on TCP");
    let client = runtime.block_on(kpthin::tokio::connect(address)).expect("connected");
    let index = MessageBoxIndex::from([1; 104]);
    let waiting = runtime.spawn_blocking(move || client.next_message_box_index(&index).wait_timeout(SOON));
    assert!(runtime.block_on(waiting).expect("joined").is_ok());
}
