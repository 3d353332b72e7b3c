//! The whole library against the embedded daemon, on tokio.
#![cfg(all(feature = "devnet", feature = "tokio"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

use std::{sync::Arc, thread, time::Duration};

use kpthin::{
    CallError, Client, Config, Event, Read, ReplicaError,
    devnet::{self, DevnetConfig, Server},
};

const SOON: Duration = Duration::from_secs(60);

fn net() -> Arc<Server> {
    Arc::new(Server::builder(DevnetConfig::instant(), [7; 32]).start().expect("started"))
}

async fn connected(config: impl Into<Config>) -> Client {
    let client = kpthin::tokio::connect(config).await.expect("connected");
    drop(client.wait_until_ready().timeout(SOON).await.expect("ready"));
    client
}

#[tokio::test]
async fn boxes_are_written_read_and_deleted() {
    let net = net();
    let client = connected(devnet::in_process(&net)).await;
    let stream = client.create_stream().await.expect("made");
    let (first, cap) = (&stream.first_message_index, &stream.write_cap);

    assert_eq!(client.read(&stream.read_cap, first).timeout(SOON).await, Ok(Read::NotWritten));
    let next = client.write(cap, first, "hello").timeout(SOON).await.expect("written");
    assert_eq!(next.counter(), first.counter() + 1);
    assert_eq!(client.write(cap, first, "hello").timeout(SOON).await.as_ref(), Ok(&next), "the same again");
    let other = client.write(cap, first, "other").timeout(SOON).await;
    assert_eq!(other, Err(CallError::Replica(ReplicaError::BoxAlreadyExists)));
    let read = client.read(&stream.read_cap, first).timeout(SOON).await.expect("read");
    assert_eq!(read, Read::Message { plaintext: "hello".into(), next: next.clone() });

    let tombstones = client.tombstone(cap, first, 20).timeout(SOON).await.expect("tried");
    assert!(tombstones.is_complete(), "{tombstones:?}");
    let read = client.read(&stream.read_cap, first).timeout(SOON).await;
    assert_eq!(read, Ok(Read::Tombstone { next }));
    assert_eq!(client.stop().timeout(SOON).await, Ok(()));
}

#[tokio::test]
async fn a_prepared_write_may_be_stored_and_sent_later() {
    let net = net();
    let client = connected(devnet::in_process(&net)).await;
    let stream = client.create_stream().await.expect("made");
    let first = &stream.first_message_index;
    let envelope = client.encrypt_write(&stream.write_cap, first, "later").await.expect("encrypted");
    let bytes = envelope.to_bytes();
    drop((envelope, client));

    let client = connected(devnet::in_process(&net)).await;
    let envelope = kpthin::EncryptedWrite::from_bytes(&bytes).expect("stored");
    let document = client.pki_document().expect("ready");
    assert_eq!(envelope.replica_epoch(), document.replica_epoch());
    drop(client.send_write(&stream.write_cap, &envelope).timeout(SOON).await.expect("sent"));
    let read = client.read(&stream.read_cap, first).timeout(SOON).await;
    assert_eq!(read, Ok(Read::Message { plaintext: "later".into(), next: envelope.next_index().clone() }));
}

#[tokio::test]
async fn a_service_echoes_and_couriers_are_known() {
    let net = net();
    let client = connected(devnet::in_process(&net)).await;
    let reply = client.send_and_await_reply("echo", "ping").timeout(SOON).await.expect("echoed");
    assert!(reply.starts_with(b"ping"));
    assert!(!client.couriers().is_empty());
}

#[tokio::test]
async fn calls_survive_a_restart_of_the_daemon() {
    let net = net();
    let client = connected(devnet::in_process(&net)).await;
    let mut events = client.events();
    let stream = client.create_stream().await.expect("made");
    net.restart();
    let next = client.write(&stream.write_cap, &stream.first_message_index, "x").timeout(SOON).await;
    assert!(next.is_ok(), "{next:?}");
    let same_daemon = loop {
        if let Event::Reconnected { same_daemon, .. } = events.recv().await.expect("open") {
            break same_daemon;
        }
    };
    assert!(!same_daemon);
}

#[test]
fn plain_threads_share_a_client() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let server = Server::start(DevnetConfig::instant(), [7; 32]).expect("started");
    let client = runtime.block_on(connected(server.tcp_addr().expect("listens")));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || {
                let stream = client.create_stream().wait_timeout(SOON).expect("made");
                let first = &stream.first_message_index;
                drop(client.write(&stream.write_cap, first, "x").wait_timeout(SOON).expect("written"));
                client.read(&stream.read_cap, first).wait_timeout(SOON).expect("read")
            })
        })
        .collect();
    for thread in threads {
        let read = thread.join().expect("joined");
        assert!(matches!(read, Read::Message { plaintext, .. } if plaintext[..] == *b"x"));
    }
}
