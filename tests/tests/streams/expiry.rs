//! Boxes that are gone, and boxes that are only late.

use kpthin::{
    Client,
    devnet::{DevnetConfig, Simulation},
    streams::{Item, Pauses, ReaderState, StreamReader},
};

use crate::support::*;

fn weeks(sim: &Simulation, count: u32) {
    sim.advance(WEEK * count);
}

fn write(sim: &Simulation, client: &Client, stream: &Stream, step: u64) {
    let index = stream.index(sim, client, step);
    let _ = sim.block_on(client.write(&stream.write_cap, &index, text(step))).unwrap();
}

#[test]
fn a_reader_that_was_away_too_long_passes_what_is_gone() {
    for config in profiles() {
        let (sim, client) = start(long_epochs(config));
        let stream = Stream::new(&sim, &client, 1);
        (0..4).for_each(|step| write(&sim, &client, &stream, step));
        let reader = stream.reader(&client);
        let delivery = sim.block_on(reader.next()).unwrap();
        assert_eq!(message(&delivery), text(0));
        drop(reader);
        weeks(&sim, 3);
        write(&sim, &client, &stream, 4);

        let reader = StreamReader::new(&client, ReaderState::from_bytes(&delivery.after.to_bytes()).unwrap());
        assert!(within(&sim, secs(300), reader.next()).is_none());
        assert!(!sim.block_on(reader.skip_expired(2)).unwrap(), "a later box lies beyond that");
        assert!(sim.block_on(reader.skip_expired(3)).unwrap());
        let gap = sim.block_on(reader.next()).unwrap();
        assert_eq!((gap.item, gap.counter), (Item::Gap { boxes: 3 }, stream.seq(1).counter()));
        assert_eq!(gap.after.index(), &stream.index(&sim, &client, 4));
        assert_eq!(read(&sim, &reader, 1), [text(4)]);
        assert!(!sim.block_on(reader.skip_expired(100)).unwrap(), "nothing is missing any more");
    }
}

#[test]
fn a_box_that_is_only_late_is_no_gap() {
    let (sim, client) = start(long_epochs(DevnetConfig::instant()));
    let stream = Stream::new(&sim, &client, 1);
    write(&sim, &client, &stream, 0);
    // Looking once in a while is enough.
    let pauses = Pauses { longest: WEEK / 14, ..Pauses::default() };
    let reader = StreamReader::with_pauses(&client, stream.reader_state(), pauses);
    assert_eq!(read(&sim, &reader, 1), [text(0)]);
    // A later box is there, this one is not; for a week, and for many, while the reader looks.
    for week in 0..6 {
        write(&sim, &client, &stream, 2 + week);
        assert!(within(&sim, secs(300), reader.next()).is_none());
        assert!(!sim.block_on(reader.skip_expired(20)).unwrap(), "week {week}");
        weeks(&sim, 1);
    }
    write(&sim, &client, &stream, 1);
    assert_eq!(message(&sim.block_on(reader.next()).unwrap()), text(1));
}

#[test]
fn a_box_that_comes_while_the_reader_makes_sure_is_no_gap() {
    let (sim, client) = start(long_epochs(DevnetConfig::instant()));
    let stream = Stream::new(&sim, &client, 1);
    write(&sim, &client, &stream, 0);
    let reader = stream.reader(&client);
    let after = sim.block_on(reader.next()).unwrap().after;
    drop(reader);
    weeks(&sim, 3);
    // Written at the same time as the one before it, and faster.
    write(&sim, &client, &stream, 2);
    let index = stream.index(&sim, &client, 1);
    let reader = StreamReader::new(&client, after);
    let skipped = sim.block_on(async {
        let late = async {
            sim.sleep(secs(60)).await;
            let _ = client.write(&stream.write_cap, &index, text(1)).await.unwrap();
        };
        futures_util::join!(reader.skip_expired(10), late).0
    });
    assert_eq!(skipped, Ok(false));
    assert_eq!(read(&sim, &reader, 2), [text(1), text(2)]);
}

#[test]
fn a_fresh_reader_waits_two_epochs_before_anything_is_a_gap() {
    let (sim, client) = start(long_epochs(DevnetConfig::instant()));
    let stream = Stream::new(&sim, &client, 1);
    write(&sim, &client, &stream, 0);
    weeks(&sim, 3);
    write(&sim, &client, &stream, 1);
    let reader = stream.reader(&client);
    assert!(!sim.block_on(reader.skip_expired(10)).unwrap(), "it may just not be written yet");
    weeks(&sim, 2);
    write(&sim, &client, &stream, 2);
    assert!(sim.block_on(reader.skip_expired(10)).unwrap());
    assert_eq!(sim.block_on(reader.next()).unwrap().item, Item::Gap { boxes: 2 });
    assert_eq!(read(&sim, &reader, 1), [text(2)]);
}
