//! Links that are lost, with each thing a daemon can have become meanwhile.

use std::time::Duration;

use kpthin::{
    Event,
    devnet::{DevnetConfig, Server},
};
use kpthin_tests::{Proxy, adapters::Adapter};

use crate::support::{answered, client, daemon, polling, stream, through_proxy};

/// What the client is told of the daemon it finds.
#[derive(Debug, PartialEq)]
struct Found {
    same_daemon: bool,
    resumed: bool,
}

/// Loses the link under a read of a box that is written afterwards, and a local call.
fn survives<A: Adapter>(
    config: DevnetConfig,
    lose: impl FnOnce(&Server, &Proxy) + Send + 'static,
    expected: Found,
) {
    let net = daemon(config);
    A::run(async move {
        let (client, proxy) = through_proxy::<A>(&net).await;
        let stream = stream(&client).await;
        let reading = polling(&client, &stream).await;
        let mut events = client.events();
        lose(&net, &proxy);
        // Perhaps before the loss is noticed, perhaps after.
        let local = answered(&client);
        let found = loop {
            match events.recv().await.expect("the client goes on") {
                Event::Reconnected { same_daemon, resumed, replayed, failed } => {
                    assert!(replayed >= 1, "the read is started again");
                    assert_eq!(failed, 0);
                    break Found { same_daemon, resumed };
                }
                _ => continue,
            }
        };
        assert_eq!(found, expected);
        assert!(local.await.is_ok());
        let alice = self::client::<A>(&net).await;
        let write = alice.write(&stream.write_cap, &stream.first_message_index, "after all that");
        assert!(write.timeout(crate::support::SOON).await.is_ok());
        let reply = reading.await.expect("read");
        assert_eq!(reply.plaintext.expect("a content")[..], *b"after all that");
    });
}

pub fn a_session_is_resumed<A: Adapter>() {
    survives::<A>(A::daemon(), |_, proxy| proxy.cut(), Found { same_daemon: true, resumed: true });
}

pub fn a_session_has_expired<A: Adapter>() {
    let mut config = A::daemon();
    config.grace_period = Duration::ZERO;
    survives::<A>(config, |_, proxy| proxy.cut(), Found { same_daemon: true, resumed: false });
}

pub fn a_daemon_is_restarted<A: Adapter>() {
    survives::<A>(A::daemon(), |net, _| net.restart(), Found { same_daemon: false, resumed: false });
}

pub fn a_daemon_is_shut_down_and_comes_back<A: Adapter>() {
    survives::<A>(
        A::daemon(),
        |net, _| {
            net.shutdown();
            net.restart();
        },
        Found { same_daemon: false, resumed: false },
    );
}
