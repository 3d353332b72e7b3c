//! What the bodies share: daemons, clients, and patience.

use std::{
    env,
    path::PathBuf,
    process,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kpthin::{
    Call, CallError, Client, WhenUnwritten,
    devnet::{DevnetConfig, Server},
    wire::{KeypairReply, MessageBoxIndex, ResendingReply},
};
use kpthin_tests::{Proxy, adapters::Adapter};

/// Longer than anything takes on a machine that does something else as well.
pub const SOON: Duration = Duration::from_secs(60);

/// A path that nobody else uses.
pub fn path(name: &str) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    env::temp_dir().join(format!("kpthin-{}-{next}-{name}.sock", process::id()))
}

/// A daemon on TCP.
pub fn daemon(config: DevnetConfig) -> Arc<Server> {
    Arc::new(Server::start(config, [7; 32]).expect("the devnet starts"))
}

/// A client of a daemon, and the proxy between them.
pub async fn through_proxy<A: Adapter>(net: &Server) -> (Client, Proxy) {
    let proxy = Proxy::new(net.tcp_addr().expect("on TCP"));
    let client = A::connect(proxy.address().into()).await.expect("connected");
    (client, proxy)
}

/// A client of a daemon on TCP.
pub async fn client<A: Adapter>(net: &Server) -> Client {
    A::connect(net.tcp_addr().expect("on TCP").into()).await.expect("connected")
}

/// A new stream.
pub async fn stream(client: &Client) -> KeypairReply {
    client.create_stream().timeout(SOON).await.expect("a stream")
}

/// Has the daemon poll for a box, and waits until the question is on its way.
pub async fn polling(client: &Client, stream: &KeypairReply) -> Call<ResendingReply> {
    let index = &stream.first_message_index;
    let envelope = client.encrypt_read(&stream.read_cap, index).timeout(SOON).await.expect("an envelope");
    let call = client
        .start_resending_encrypted_message(envelope.request(&stream.read_cap, WhenUnwritten::Poll))
        .timeout(SOON);
    answered(client).await.expect("answered");
    call
}

/// One local call; calls are written in the order of their starts.
pub async fn answered(client: &Client) -> Result<MessageBoxIndex, CallError> {
    client.next_message_box_index(&MessageBoxIndex::from([1; 104])).timeout(SOON).await
}

/// Waits until something is true that no event tells of.
pub async fn until(client: &Client, what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..6_000 {
        if done() {
            return;
        }
        client.pause(Duration::from_millis(10)).await;
    }
    panic!("{what}: not within a minute");
}
