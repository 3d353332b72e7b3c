//! Random programs against the embedded daemon, while links, daemon and mix network come and go:
//! every call ends once, what was written is stored, and nothing is left.
//!
//! See [`campaign`] for running one of them, or a million connections.

use std::time::Duration;

use kpthin_devnet::DevnetConfig;
use kpthin_tests::{campaign, fuzz::network, references};

const SECOND: Duration = Duration::from_secs(1);

fn seeds(name: &str, config: &DevnetConfig) {
    let run = |seed, steps| network::run_seed(seed, steps, config);
    campaign(name, 12, run);
    assert_eq!(run(1_000, u64::MAX), run(1_000, u64::MAX), "not the same bytes");
}

#[test]
fn random_programs_and_the_ideal_daemon() {
    let mut config = DevnetConfig::instant();
    config.grace_period = 30 * SECOND;
    config.timing.poll_interval = 2 * SECOND;
    seeds("programs against the ideal daemon", &config);
}

#[test]
fn random_programs_and_the_reference_daemon() {
    for mut config in references() {
        config.grace_period = 30 * SECOND;
        config.epoch_period = 1_200 * SECOND;
        seeds("programs against a reference daemon", &config);
    }
}
