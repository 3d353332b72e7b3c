//! A courier that stays in the documents and answers nothing (spec §9.11): one of two.

use std::time::Duration;

use kpthin::devnet::DevnetConfig;
use kpthin_tests::number_from;

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

/// The means over several seeds: by chance, every second envelope goes to the courier that answers nothing.
fn means(config: &DevnetConfig, seeds: u32) -> [Duration; 2] {
    let all = (0..seeds).map(|seed| measure(config.clone(), seed.into()));
    all.fold([Duration::ZERO; 2], |[writes, reads], [write, read]| [writes + write, reads + read])
        .map(|sum| sum / seeds)
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are the point")]
fn twenty_boxes_take_at_most_twice_as_long_beside_a_dark_courier() {
    let mut dark = slow();
    dark.quirks.silent_couriers = [1].into();
    let seeds = number_from("KPTHIN_SEEDS").and_then(|seeds| u32::try_from(seeds).ok()).unwrap_or(16);
    let times = std::iter::zip(means(&slow(), seeds), means(&dark, seeds));
    for (what, (without, beside)) in std::iter::zip(["written", "read"], times) {
        println!("twenty boxes {what}: {without:.1?}, beside a dark courier {beside:.1?}");
        assert!(beside <= without * 2, "{what}: {beside:?} against {without:?}");
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
