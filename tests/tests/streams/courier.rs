//! A courier that stays in the documents and answers nothing (spec §9.11): one of two.

use std::time::Duration;

use kpthin::devnet::DevnetConfig;

use crate::support::*;

/// How long a writer takes for twenty boxes, and a reader for the same ones.
fn measure(config: DevnetConfig, seed: u64) -> [Duration; 2] {
    let (sim, client) = start_seeded(config, seed);
    let stream = Stream::new(&sim, &client, 1);
    let begun = sim.now();
    let writer = stream.writer(&client);
    send(&writer, 0..20);
    sim.block_on(writer.flush()).unwrap();
    let written = sim.now();
    assert_eq!(stream.stored(&sim, &client, 20), texts(0..20));
    let reader = stream.reader(&client);
    assert_eq!(read(&sim, &reader, 20), (0..20).map(text).collect::<Vec<_>>());
    [written.saturating_since(begun), sim.now().saturating_since(written)]
}

/// The sums over several seeds: every second envelope is drawn for the courier that answers nothing, by chance.
fn sums(config: &DevnetConfig) -> [Duration; 2] {
    let all = (0..16).map(|seed| measure(config.clone(), seed));
    all.fold([Duration::ZERO; 2], |[writes, reads], [write, read]| [writes + write, reads + read])
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point")]
fn a_dark_courier_costs_twenty_boxes_little_more_than_their_second_encryption() {
    let mut dark = slow();
    dark.quirks.silent_couriers = [1].into();
    let times = std::iter::zip(sums(&slow()), sums(&dark));
    for (what, (without, beside)) in std::iter::zip(["written", "read"], times) {
        println!("twenty boxes {what}: {:?}, beside a dark courier {:?}", without / 16, beside / 16);
        assert!(beside < without * 3, "{what}: {beside:?} against {without:?}");
    }
}

/// Where no courier answers, there is nothing to gain by haste.
#[test]
fn while_no_courier_answers_tries_are_few() {
    let mut dark = slow();
    dark.quirks.silent_couriers = [0, 1].into();
    let (sim, client) = start(dark);
    let stream = Stream::new(&sim, &client, 1);
    let writer = stream.writer(&client);
    send(&writer, 0..20);
    assert!(within(&sim, secs(3_600), writer.flush()).is_none());
    let encrypted = sim.net().with(|net, _| net.traffic().encrypted_writes);
    assert!((12..=12 * 11).contains(&encrypted), "{encrypted} envelopes in an hour");
}
