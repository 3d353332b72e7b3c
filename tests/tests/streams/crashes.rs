//! Programs that die at every moment, and go on from what they have saved.

use std::time::Duration;

use kpthin::{
    Client,
    devnet::{DevnetConfig, Simulation},
    streams::{Outcome, ReaderState, StreamReader, StreamWriter, WriterState},
};

use crate::support::*;

/// The moments at which programs die: ever later, from at once on.
fn moments(config: &DevnetConfig) -> Vec<Duration> {
    let step =
        if config.timing.send_slot.is_zero() { Duration::from_micros(1) } else { Duration::from_millis(900) };
    (0..24).map(|count| step * count).collect()
}

/// The program dies, and another one starts.
fn die(sim: &Simulation, client: Client) -> Client {
    drop(sim.block_on(client.stop()));
    crate::support::client(sim)
}

#[test]
fn whenever_a_writer_dies_no_box_gets_two_contents_and_none_is_missing() {
    for config in profiles() {
        for moment in moments(&config) {
            let (sim, client) = start(config.clone());
            let stream = Stream::new(&sim, &client, 1);
            let writer = stream.writer(&client);
            // Four messages are saved, two are not when it dies.
            let seqs: Vec<_> = (0..4).map(|step| writer.push(text(step)).unwrap()).collect();
            let mut saved = writer.state().to_bytes();
            writer.release(seqs[3]).unwrap();
            let _ = writer.push("forgotten").unwrap();
            let _ = writer.push("forgotten too").unwrap();
            let mut taken = 0;
            while taken < 4
                && let Some(receipt) = within(&sim, moment, writer.receipt())
            {
                assert_eq!(receipt.unwrap().outcome, Outcome::Stored);
                taken += 1;
                if taken == 2 {
                    // What was pushed meanwhile is in this state, so it is bound from now on.
                    saved = writer.state().to_bytes();
                }
            }
            drop(writer);

            let client = die(&sim, client);
            let restored = StreamWriter::new(&client, WriterState::from_bytes(&saved).unwrap());
            let next = restored.push("the next").unwrap();
            restored.release(next).unwrap();
            sim.block_on(restored.flush()).unwrap();
            let forgotten: &[&str] = if taken < 2 { &[] } else { &["forgotten", "forgotten too"] };
            let expected: Vec<_> = (0..4)
                .map(text)
                .chain(forgotten.iter().map(|body| (*body).to_owned()))
                .chain(["the next".to_owned()])
                .collect();
            let reader = stream.reader(&client);
            assert_eq!(read(&sim, &reader, expected.len()), expected, "died after {moment:?}");
        }
    }
}

#[test]
fn whenever_a_reader_dies_no_message_is_stored_twice_or_not_at_all() {
    for config in profiles() {
        for moment in moments(&config) {
            let (sim, mut client) = start(config.clone());
            let stream = Stream::new(&sim, &client, 1);
            let writer = stream.writer(&client);
            send(&writer, 0..6);
            sim.block_on(writer.flush()).unwrap();
            drop(writer);
            // The program's store: items and the state behind the last of them, changed together.
            let (mut items, mut saved) = (Vec::new(), stream.reader_state().to_bytes());
            while items.len() < 6 {
                let reader = StreamReader::new(&client, ReaderState::from_bytes(&saved).unwrap());
                let budget = moment + Duration::from_millis(1) + config.timing.encrypt_time * 10;
                let mut stored = 0;
                while let Some(delivery) = within(&sim, budget, reader.next()) {
                    let delivery = delivery.unwrap();
                    if stored == 2 {
                        break; // It dies with an item in its hands.
                    }
                    items.push(message(&delivery));
                    saved = delivery.after.to_bytes();
                    stored += 1;
                }
                drop(reader);
                client = die(&sim, client);
            }
            assert_eq!(items, (0..6).map(text).collect::<Vec<_>>(), "died after {moment:?}");
        }
    }
}

#[test]
fn a_daemon_that_dies_under_a_writer_makes_no_difference() {
    for config in profiles() {
        for moment in moments(&config) {
            let (sim, client) = start(config.clone());
            let stream = Stream::new(&sim, &client, 1);
            let writer = stream.writer(&client);
            send(&writer, 0..4);
            if within(&sim, moment, writer.flush()).is_none() {
                sim.net().restart();
            }
            sim.block_on(writer.flush()).unwrap();
            assert_eq!(stream.stored(&sim, &client, 5), [texts(0..4), vec![None]].concat());
        }
    }
}
