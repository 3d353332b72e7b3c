//! How a client ends.

use std::time::Duration;

use kpthin::{CallError, CloseReason, Read};
use kpthin_tests::adapters::Adapter;

use crate::support::{SOON, client, daemon, polling, stream, until};

pub fn stopping_while_busy_ends_everything<A: Adapter>() {
    let mut config = A::daemon();
    config.timing.encrypt_time = Duration::from_secs(1);
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let index = &stream.first_message_index;
        let reading = polling(&client, &stream).await;
        let writes: Vec<_> = (0..200).map(|_| client.write(&stream.write_cap, index, "never")).collect();
        let asks: Vec<_> = (0..20).map(|_| client.ask(&stream.read_cap, index)).collect();
        let mut events = client.events();
        let stop = client.stop();
        let closed = |error: &CallError| matches!(error, CallError::Closed(CloseReason::Stopped, _));
        assert!(reading.await.is_err_and(|error| closed(&error)));
        for write in writes {
            assert!(write.await.is_err_and(|error| closed(&error)));
        }
        for ask in asks {
            assert!(ask.await.is_err_and(|error| closed(&error)));
        }
        while events.recv().await.is_some() {}
        assert_eq!(stop.await, Ok(()));
        assert!(client.create_stream().await.is_err_and(|error| closed(&error)));
        // A stopped client's connections are gone, however busy the daemon is.
        let other = self::client::<A>(&net).await;
        until(&other, "one connection is left", || net.with(|devnet, _| devnet.connections()) == 1).await;
    });
}

pub fn draining_lets_calls_end<A: Adapter>() {
    let mut config = A::daemon();
    config.timing.encrypt_time = Duration::from_millis(100);
    let net = daemon(config);
    A::run(async move {
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let index = &stream.first_message_index;
        let write = client.write(&stream.write_cap, index, "on the way out");
        let stop = client.stop_after(SOON);
        assert!(client.read(&stream.read_cap, index).await.is_err(), "nothing new begins");
        assert!(write.await.is_ok());
        assert_eq!(stop.await, Ok(()));
        let reader = self::client::<A>(&net).await;
        let read = reader.read(&stream.read_cap, index).timeout(SOON).await;
        assert!(matches!(read, Ok(Read::Message { .. })), "{read:?}");
    });
}

pub fn the_last_handle_closes_the_sockets<A: Adapter>() {
    let net = daemon(A::daemon());
    A::run(async move {
        let watcher = client::<A>(&net).await;
        let client = client::<A>(&net).await;
        let stream = stream(&client).await;
        let asked = client.ask(&stream.read_cap, &stream.first_message_index).timeout(SOON).await;
        assert!(asked.is_ok());
        let connections = || net.with(|devnet, _| devnet.connections());
        assert_eq!(connections(), 3, "two clients and a companion");
        let events = client.events();
        drop(client);
        drop(events);
        until(&watcher, "the watcher is alone", || connections() == 1).await;
    });
}
