//! What daemons newer than the specification do: each deviation on and off, and several at once.

use std::time::Duration;

use kpthin::{
    ConnectError, LinkError,
    devnet::{DevnetConfig, Simulation, in_process},
};

use crate::support::*;

/// A place at the daemon that others of its programs hold.
fn turned_away(sim: &Simulation) -> bool {
    let refused = sim.block_on(sim.connect_with(in_process(&sim.handle())));
    match refused {
        Err(ConnectError::Handshake { cause: LinkError::Busy, .. }) => true,
        Err(error) => panic!("{error}"),
        Ok(_) => false,
    }
}

/// C1: one connection is all there is, and both directions work over it.
#[test]
fn where_there_is_room_for_one_link_readers_wait_on_that_one() {
    for (limit, expected) in [(Some(1), 1), (Some(2), 2), (None, 2)] {
        let mut config = even();
        config.quirks.connection_limit = limit;
        let (sim, client) = start(config);
        let [ours, theirs] = [Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2)];
        let (writer, reader) = (ours.writer(&client), ours.reader(&client));
        let waiting = theirs.reader(&client);
        assert!(within(&sim, secs(30), waiting.next()).is_none(), "nothing is there yet");
        assert_eq!(sim.net().with(|net, _| net.connections()), expected);
        send(&writer, 0..6);
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(read(&sim, &reader, 6), (0..6).map(text).collect::<Vec<_>>());
        send(&theirs.writer(&client), 0..1);
        assert_eq!(message(&sim.block_on(waiting.next()).unwrap()), text(0));
        assert_eq!(turned_away(&sim), limit.is_some());
    }
}

/// C1: the second link is opened once a minute at most, and used once there is room.
#[test]
fn the_second_link_is_tried_again_only_after_a_minute() {
    let mut config = even();
    config.quirks.connection_limit = Some(2);
    let (sim, client) = start(config);
    let other = crate::support::client(&sim);
    let stream = Stream::new(&sim, &client, 1);
    let reader = stream.reader(&client);
    let connections = || sim.net().with(|net, _| net.connections());
    assert!(within(&sim, secs(5), reader.next()).is_none());
    drop(sim.block_on(other.stop()));
    for _ in 0..10 {
        assert!(within(&sim, secs(5), reader.next()).is_none());
        assert_eq!(connections(), 1, "too early");
    }
    assert!(within(&sim, secs(20), reader.next()).is_none());
    assert_eq!(connections(), 2);
}

/// C1: a program that comes while there is no room waits, and comes in once there is.
#[test]
fn a_client_that_finds_no_room_comes_in_when_there_is_some() {
    let mut config = even();
    config.quirks.connection_limit = Some(1);
    let (sim, first) = start(config);
    assert!(turned_away(&sim));
    let connecting = sim.connect();
    let mut second = std::pin::pin!(connecting);
    assert!(within(&sim, secs(100), second.as_mut()).is_none());
    let _ = sim.block_on(first.stop());
    let since = sim.now();
    let second = sim.block_on(second).unwrap();
    assert!(sim.now().saturating_since(since) <= Duration::from_secs(72));
    let stream = Stream::new(&sim, &second, 1);
    let _ = sim.block_on(second.write(&stream.write_cap, &stream.first, "there")).unwrap();
}

/// C1: after a restart another program was faster, and the companion leaves its place to the writer.
#[test]
fn the_companion_leaves_its_place_to_the_first_link() {
    for seed in 0..8 {
        let mut config = DevnetConfig::reference_2026_10();
        config.quirks.connection_limit = Some(2);
        let (sim, client) = start_seeded(config, seed);
        let stream = Stream::new(&sim, &client, 1);
        let (writer, reader) = (stream.writer(&client), stream.reader(&client));
        assert!(within(&sim, secs(5), reader.next()).is_none());
        sim.net().restart();
        // Two places, one of them taken.
        let pipe = sim.net().connect_in_process();
        send(&writer, 0..3);
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(read(&sim, &reader, 3), (0..3).map(text).collect::<Vec<_>>());
        drop(pipe);
    }
}
