//! Many at once, and much at once.

use std::time::Duration;

use kpthin::{
    Event, FlowKind, Read,
    wire::{MessageBoxIndex, Seed},
};
use kpthin_tests::adapters::Adapter;

use crate::support::{SOON, answered, client, daemon, stream};

pub fn a_thousand_calls_at_once<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let client = client::<A>(&net).await;
        let calls: Vec<_> = (0..1_000_u16).map(|n| client.new_keypair(&seed(n)).timeout(SOON)).collect();
        for (call, n) in calls.into_iter().zip(0..) {
            let keys = call.await.expect("answered");
            let again = client.new_keypair(&seed(n));
            if n % 100 == 0 {
                assert_eq!(again.await.expect("answered"), keys, "the reply is that call's own");
            }
        }
    });
}

fn seed(n: u16) -> Seed {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&n.to_le_bytes());
    bytes.into()
}

/// 32 MiB in either direction, while the sockets hold some hundreds of KiB.
pub fn payloads_larger_than_the_sockets_buffers_both_ways_at_once<A: Adapter>() {
    let mut config = A::daemon();
    config.user_forward_payload_length = 1 << 20;
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let max = client.max_message_len().expect("announced");
        let calls: Vec<_> = (0..32)
            .map(|n| {
                let write =
                    client.encrypt_write(&stream.write_cap, &stream.first_message_index, vec![n; max]);
                write.timeout(SOON)
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.expect("answered").message_ciphertext().len(), 1 << 20);
        }
    });
}

pub fn many_clients_of_one_daemon<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let mut clients = Vec::new();
        for _ in 0..32 {
            clients.push(client::<A>(&net).await);
        }
        let talks: Vec<_> = clients
            .iter()
            .map(|client| {
                client.flow(FlowKind::Finite, |client| async move {
                    let stream = client.create_stream().await?;
                    let index = &stream.first_message_index;
                    client.write(&stream.write_cap, index, "mine").await?;
                    loop {
                        match client.read(&stream.read_cap, index).await? {
                            Read::Message { plaintext, .. } => return Ok(plaintext),
                            _ => client.pause(Duration::from_millis(5)).await,
                        }
                    }
                })
            })
            .collect();
        for talk in talks {
            assert_eq!(talk.timeout(SOON).await.expect("written and read")[..], *b"mine");
        }
    });
}

pub fn a_subscriber_that_does_not_read_delays_nobody<A: Adapter>() {
    let mut config = A::daemon();
    // No document comes between.
    config.epoch_period = Duration::from_secs(7 * 24 * 60 * 60);
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let (mut slow, mut quick) = (client.events(), client.events());
        for n in 0..600 {
            net.set_mixnet(n % 2 != 0);
            let told = quick.recv().await;
            assert_eq!(told, Some(Event::Mixnet { connected: n % 2 != 0 }), "at {n}");
        }
        assert!(answered(&client).await.is_ok());
        assert_eq!(slow.recv().await, Some(Event::Lagged { missed: 600 - 256 }));
        for n in (600 - 256)..600 {
            assert_eq!(slow.recv().await, Some(Event::Mixnet { connected: n % 2 != 0 }));
        }
    });
}

/// Asks go over a link of their own, where the daemon takes its time for each of them.
pub fn waiting_readers_delay_no_writer<A: Adapter>() {
    let mut config = A::daemon();
    config.timing.encrypt_time = Duration::from_millis(100);
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let asks: Vec<_> =
            (0..200).map(|_| client.ask(&stream.read_cap, &stream.first_message_index)).collect();
        let elsewhere = stream_of(&client, 2).await;
        let write = client.write(&elsewhere.write_cap, &elsewhere.first_message_index, "at once");
        assert!(write.timeout(SOON).await.is_ok());
        let mut answered = 0;
        for mut ask in asks {
            answered += u32::from(futures_util::poll!(&mut ask).is_ready());
        }
        assert!(answered < 100, "20 s of encryptions came first");
    });
}

async fn stream_of(client: &kpthin::Client, n: u16) -> kpthin::wire::KeypairReply {
    let keys = client.new_keypair(&seed(n)).timeout(SOON).await.expect("answered");
    assert_ne!(keys.first_message_index, MessageBoxIndex::from([0; 104]));
    keys
}
