//! What daemons newer than the specification do: each deviation on and off, and several at once.

use std::time::Duration;

use kpthin::{
    CallError, Client, ConnectError, DaemonError, Fate, InvalidRequest, LinkError,
    devnet::{DevnetConfig, Faults, Quirks, Simulation, in_process},
    streams::{CopyJob, CopyOutcome, CopyState, ReaderState, StreamReader, StreamWriter, WriterState},
    wire::{MessageBoxIndex, ReadCap, WriteCap},
};

use kpthin_tests::{changes, newer_without, older_with};

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

fn set(sim: &Simulation, faults: &str) {
    let faults = if faults.is_empty() { Faults::default() } else { faults.parse().unwrap() };
    sim.net().with(|net, now| net.set_faults(now, faults));
}

/// Ends what goes wrong after a time.
fn heal_after(sim: &Simulation, time: Duration) {
    let (net, pause) = (sim.handle(), sim.sleep(time));
    sim.spawn(async move {
        pause.await;
        net.with(|net, now| net.set_faults(now, Faults::default()));
    });
}

/// A daemon with a quirk on and one without, on either reference.
fn with_and_without(switch: impl Fn(&mut Quirks, bool)) -> Vec<(DevnetConfig, bool)> {
    let mut configs = Vec::new();
    for profile in [DevnetConfig::reference, DevnetConfig::reference_2026_10] {
        for on in [false, true] {
            let mut config = profile();
            switch(&mut config.quirks, on);
            configs.push((config, on));
        }
    }
    configs
}

/// A copy of one text to one stream, everything uploaded.
fn prepared_copy(sim: &Simulation, client: &Client, to: &Stream) -> CopyJob {
    let mut job = CopyJob::new(client, sim.block_on(CopyJob::begin(client)).unwrap());
    job.append(to.write_cap.clone(), to.first.clone(), "copied").unwrap();
    job.close();
    while sim.block_on(job.seal_batch()).unwrap() {
        sim.block_on(job.upload()).unwrap();
    }
    job
}

/// M1: the way of a message is told, or unknown; never said to have no hops.
#[test]
fn the_ways_of_messages_are_known_or_unknown() {
    for (config, on) in with_and_without(|quirks, on| quirks.routes = on) {
        let (sim, client) = start(config);
        let echo = client.service("echo").unwrap().destination();
        let sent = sim.block_on(client.send_message_without_reply(&echo, "hello")).unwrap();
        assert_eq!(sent.failure(), None);
        for route in [sent.forward_route, sent.return_route] {
            assert_eq!(route.map(|nodes| !nodes.is_empty()), on.then_some(true));
        }
        let reply = sim.block_on(client.send_message(&echo, "hello")).unwrap();
        assert!(reply.payload.starts_with(b"hello"));
    }
}

/// M2: an empty error text is none.
#[test]
fn an_empty_error_text_means_success() {
    for (config, on) in with_and_without(|quirks, on| quirks.empty_err = on) {
        let (sim, client) = start(config);
        let echo = client.service("echo").unwrap().destination();
        let sent = sim.block_on(client.send_message_without_reply(&echo, "hello")).unwrap();
        assert_eq!(sent.err.as_deref(), on.then_some(""));
        assert!(sim.block_on(client.send_and_await_reply("echo", "hello")).unwrap().starts_with(b"hello"));
    }
}

/// M3: while there is no document nothing is lost and nothing is taken for the answer of a box.
#[test]
fn what_needs_a_document_waits_for_one() {
    for (config, _) in with_and_without(|quirks, on| quirks.unavailable_code = on) {
        let (sim, client) = start(config);
        let [ours, theirs, to] = [1, 2, 3].map(|number| Stream::new(&sim, &client, number));
        let (writer, reader) = (ours.writer(&client), theirs.reader(&client));
        let _ = sim.block_on(client.write(&theirs.write_cap, &theirs.first, "there")).unwrap();
        let mut job = prepared_copy(&sim, &client, &to);
        let mut sealing = CopyJob::new(&client, sim.block_on(CopyJob::begin(&client)).unwrap());
        sealing.append(to.write_cap.clone(), to.index(&sim, &client, 1), "more").unwrap();
        sealing.close();

        set(&sim, "missing-document");
        let index = ours.index(&sim, &client, 5);
        for refused in [
            sim.block_on(client.encrypt_write(&ours.write_cap, &index, "text")).map(drop),
            sim.block_on(client.encrypt_read(&ours.read_cap, &index)).map(drop),
        ] {
            assert_eq!(refused, Err(CallError::Unavailable(Fate::Refused)));
        }
        heal_after(&sim, secs(60));
        send(&writer, 0..3);
        let (sealed, copied, delivered, flushed) = sim.block_on(async {
            futures_util::join!(sealing.seal_batch(), job.finish(), reader.next(), writer.flush())
        });
        assert_eq!(sealed, Ok(true));
        assert_eq!(copied, Ok(CopyOutcome::Done));
        assert_eq!(message(&delivered.unwrap()), "there");
        flushed.unwrap();
        assert_eq!(ours.stored(&sim, &client, 4), [texts(0..3), vec![None]].concat());
    }
}

/// An index of the stream, more steps from its beginning than newer daemons walk.
fn far(stream: &Stream) -> MessageBoxIndex {
    let first = kpthin_bacap::MessageBoxIndex::from_bytes(stream.first.as_bytes()).unwrap();
    first.advance_to(stream.first.counter() + 262_150).unwrap().to_bytes().into()
}

/// M4: a stream goes on however far it has come from its capability's beginning.
#[test]
fn streams_go_on_far_from_where_their_capabilities_begin() {
    for (config, _) in with_and_without(|quirks, on| quirks.index_walk = on) {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let at = far(&stream);
        let writer =
            StreamWriter::new(&client, WriterState::new(stream.write_cap.clone(), at.clone()).unwrap());
        let reader =
            StreamReader::new(&client, ReaderState::new(stream.read_cap.clone(), at.clone()).unwrap());
        send(&writer, 0..3);
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(read(&sim, &reader, 3), (0..3).map(text).collect::<Vec<_>>());
        // A capability that was handed on begins where it was, and the box is the same.
        let later = stream.read_cap.at(&at).unwrap();
        assert!(matches!(
            sim.block_on(client.read(&later, &at)).unwrap(),
            kpthin::Read::Message { plaintext, .. } if plaintext[..] == *text(0).as_bytes()
        ));
        let to = writer.state().next_index().clone();
        let mut job = CopyJob::new(&client, sim.block_on(CopyJob::begin(&client)).unwrap());
        job.append(stream.write_cap.clone(), to, "copied").unwrap();
        assert_eq!(sim.block_on(job.run(|_| Ok::<(), ()>(()))).unwrap(), CopyOutcome::Done);
    }
}

/// M4: what a re-based capability would hide is found out before anything is sent.
#[test]
fn an_index_behind_the_capability_is_refused_whatever_the_daemon_says() {
    for (config, _) in with_and_without(|quirks, on| quirks.index_walk = on) {
        let (sim, client) = start(config);
        let [stream, other] = [Stream::new(&sim, &client, 1), Stream::new(&sim, &client, 2)];
        let later = stream.write_cap.at(&stream.index(&sim, &client, 3)).unwrap();
        let foreign = InvalidRequest::ForeignIndex {
            counter: stream.first.counter(),
            first: stream.first.counter() + 3,
        };
        let refused = sim.block_on(client.write(&later, &stream.first, "text"));
        assert_eq!(refused, Err(CallError::InvalidRequest(foreign.clone())));
        assert_eq!(refused.unwrap_err().fate(), Fate::NotSent);
        let refused = sim.block_on(client.read(&later.read_cap(), &stream.first));
        assert_eq!(refused, Err(CallError::InvalidRequest(foreign)));
        let mut renumbered = *other.first.as_bytes();
        renumbered[..8].copy_from_slice(&stream.first.counter().to_le_bytes());
        let refused = sim.block_on(client.encrypt_read(&stream.read_cap, &renumbered.into()));
        assert!(matches!(refused, Err(CallError::InvalidRequest(InvalidRequest::ForeignIndex { .. }))));
    }
}

/// M5: a copy that a courier answers like an envelope fails by its query id, and can be asked after again.
#[test]
fn a_copy_that_is_answered_under_the_wrong_name_is_not_left_without_an_answer() {
    let switch = |quirks: &mut Quirks, on| {
        quirks.wrong_type_stalls = false;
        quirks.wrong_type_misnamed = on;
    };
    for (config, on) in with_and_without(switch) {
        let (sim, client) = start(config);
        let to = Stream::new(&sim, &client, 1);
        let mut job = prepared_copy(&sim, &client, &to);
        set(&sim, "wrong-type=1");
        let courier = job.courier().clone();
        let command = sim.block_on(client.start_resending_copy_command(&to.write_cap, &courier));
        let expected = if on { DaemonError::CourierInvalidEnvelope } else { DaemonError::InternalError };
        assert_eq!(command, Err(CallError::Daemon(expected)));
        heal_after(&sim, secs(20));
        // With the code of newer daemons the program is told, with the old one it is too early to.
        let told = sim.block_on(job.finish());
        let passes =
            [Err(CallError::Daemon(DaemonError::CourierInvalidEnvelope).into()), Ok(CopyOutcome::Done)];
        assert!(passes.contains(&told), "{told:?}");
        sim.advance(secs(60));
        assert_eq!(sim.block_on(job.finish()), Ok(CopyOutcome::Done));
        // Envelopes of the same kind are encrypted afresh.
        let _ = sim.block_on(client.write(&to.write_cap, &to.index(&sim, &client, 1), "text")).unwrap();
    }
}

/// M6: an impossible capability is an error, or ends the connection; the client goes on in either case.
#[test]
fn an_impossible_capability_costs_its_own_call_alone() {
    for (config, on) in with_and_without(|quirks, on| quirks.bad_capability_closes = on) {
        let (sim, client) = start(config);
        let stream = Stream::new(&sim, &client, 1);
        let writer = stream.writer(&client);
        send(&writer, 0..4);
        let mut off_curve = *stream.read_cap.as_bytes();
        off_curve[..32].fill(0);
        off_curve[0] = 2;
        let mut mismatching = *stream.write_cap.as_bytes();
        mismatching[32..64].copy_from_slice(&Stream::new(&sim, &client, 2).write_cap.as_bytes()[32..64]);
        let read = sim.block_on(client.encrypt_read(&ReadCap::from(off_curve), &stream.first)).map(drop);
        let write = client.encrypt_write(&WriteCap::from(mismatching), &stream.first, "text");
        for result in [read, sim.block_on(write).map(drop)] {
            let error = result.unwrap_err();
            assert!(on || error == CallError::Daemon(DaemonError::InvalidRequest), "{error:?}");
        }
        sim.block_on(writer.flush()).unwrap();
        assert_eq!(stream.stored(&sim, &client, 4), texts(0..4));
    }
}

/// §4: a copy that was carried out can't be told from one that failed, once its temporary stream is deleted.
#[test]
fn a_copy_whose_success_was_not_saved_is_uncertain_where_couriers_delete_the_temporary_stream() {
    for (config, on) in with_and_without(|quirks, on| quirks.copies_tombstone = on) {
        let (sim, client) = start(config);
        let to = Stream::new(&sim, &client, 1);
        let mut job = prepared_copy(&sim, &client, &to);
        let before = job.state().to_bytes();
        assert_eq!(sim.block_on(job.finish()), Ok(CopyOutcome::Done));
        let after = job.state().to_bytes();
        sim.advance(secs(30));

        // Another courier, for the first one remembers.
        let others = client.couriers().into_iter().map(|courier| courier.destination());
        let other = others.into_iter().find(|courier| courier != job.courier()).unwrap();
        let again = |state: &[u8]| {
            let mut job = CopyJob::new(&client, CopyState::from_bytes(state).unwrap());
            job.set_courier(other.clone());
            sim.block_on(job.finish()).unwrap()
        };
        assert_eq!(again(&before), if on { CopyOutcome::Uncertain } else { CopyOutcome::Done });
        let packets = || sim.net().with(|net, _| net.traffic().packets);
        let so_far = packets();
        assert_eq!(again(&after), CopyOutcome::Done);
        assert_eq!(packets(), so_far, "one that is known to be done is not done again");
        assert_eq!(to.stored(&sim, &client, 1), [Some("copied".into())]);
    }
}

/// Writes, reads, copies, sends and loses the daemon, and everything arrives once.
fn converse(config: DevnetConfig, seed: u64) {
    let what = format!("seed {seed}, quirks {}", config.quirks);
    let (sim, client) = start_seeded(config, seed);
    let [ours, theirs, to] = [1, 2, 3].map(|number| Stream::new(&sim, &client, number));
    let (writer, answers) = (ours.writer(&client), theirs.writer(&client));
    let (reader, waiting) = (ours.reader(&client), theirs.reader(&client));
    send(&writer, 0..4);
    assert_eq!(read(&sim, &reader, 4), (0..4).map(text).collect::<Vec<_>>(), "{what}");

    // The daemon ends under everything at once.
    send(&writer, 4..8);
    let mut job = CopyJob::new(&client, sim.block_on(CopyJob::begin(&client)).unwrap());
    job.append(to.write_cap.clone(), to.first.clone(), "copied").unwrap();
    let (net, pause) = (sim.handle(), sim.sleep(secs(7)));
    sim.spawn(async move {
        pause.await;
        net.restart();
    });
    let (copied, flushed) =
        sim.block_on(async { futures_util::join!(job.run(|_| Ok::<(), ()>(())), writer.flush()) });
    flushed.unwrap();
    assert!(matches!(copied, Ok(CopyOutcome::Done | CopyOutcome::Uncertain)), "{copied:?}, {what}");
    sim.advance(secs(60));
    assert_eq!(to.stored(&sim, &client, 1), [Some("copied".into())], "{what}");

    // Connections end in the middle of everything, with sessions that go on.
    set(&sim, "cut=0.02");
    send(&answers, 0..4);
    assert_eq!(read(&sim, &waiting, 4), (0..4).map(text).collect::<Vec<_>>(), "{what}");
    assert_eq!(read(&sim, &reader, 4), (4..8).map(text).collect::<Vec<_>>(), "{what}");
    set(&sim, "");
    sim.block_on(answers.flush()).unwrap();
    let echoed = sim.block_on(client.send_and_await_reply("echo", "hello")).unwrap();
    assert!(echoed.starts_with(b"hello"), "{what}");
    assert_eq!(ours.stored(&sim, &client, 9), [texts(0..8), vec![None]].concat(), "{what}");
    assert_eq!(theirs.stored(&sim, &client, 5), [texts(0..4), vec![None]].concat(), "{what}");
    let _ = sim.block_on(client.stop());
    // The daemon notices an end only behind the frames in front of it.
    sim.advance(secs(60));
    assert_eq!(sim.net().with(|net, _| net.connections()), 0, "{what}");
}

/// Each row alone: an older daemon with one change, and a newer one without it.
#[test]
fn a_conversation_survives_each_change_alone() {
    for name in changes() {
        converse(older_with(&[name]), 1);
        converse(newer_without(name), 1);
    }
}

/// Changes need not ship together. `KPTHIN_SEED=n` runs one seed alone, `KPTHIN_SEEDS=n` so many.
#[test]
fn a_conversation_survives_any_mixture_of_changes() {
    let mix = |seed: u64| {
        let mut rng = kpthin_tests::Rng::new(seed);
        let some: Vec<_> = changes().into_iter().filter(|_| rng.one_in(2)).collect();
        let mut config = older_with(&some);
        // A full daemon is part of the mixture.
        if rng.one_in(3) {
            config.quirks.connection_limit = Some(1);
        }
        converse(config, seed);
    };
    if let Some(seed) = kpthin_tests::number_from("KPTHIN_SEED") {
        return mix(seed);
    }
    (0..kpthin_tests::number_from("KPTHIN_SEEDS").unwrap_or(12)).for_each(mix);
}
