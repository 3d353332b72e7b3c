//! Random programs against the embedded daemon, while links, daemon and mix network come and go:
//! every call ends once, what was written is stored, and nothing is left.
//! `KPTHIN_SEED=n` runs one seed alone, `KPTHIN_SEEDS=n` so many instead of a few.

use std::time::Duration;

use kpthin_devnet::DevnetConfig;
use kpthin_tests::{fuzz::network, references};

const SECOND: Duration = Duration::from_secs(1);

fn seeds(config: &DevnetConfig) {
    if let Some(seed) = kpthin_tests::number_from("KPTHIN_SEED") {
        let _ = network::run_seed(seed, config);
        return;
    }
    for seed in 0..kpthin_tests::number_from("KPTHIN_SEEDS").unwrap_or(12) {
        let _ = network::run_seed(seed, config);
    }
    assert_eq!(network::run_seed(1_000, config), network::run_seed(1_000, config), "not the same bytes");
}

#[test]
fn random_programs_and_the_ideal_daemon() {
    let mut config = DevnetConfig::instant();
    config.grace_period = 30 * SECOND;
    config.timing.poll_interval = 2 * SECOND;
    seeds(&config);
}

#[test]
fn random_programs_and_the_reference_daemon() {
    for mut config in references() {
        config.grace_period = 30 * SECOND;
        config.epoch_period = 1_200 * SECOND;
        seeds(&config);
    }
}
