//! Random scripts against a random daemon: whatever happens, every call ends once and nothing is left.
//!
//! See [`campaign`] for running one of them, or a million connections.

use kpthin_tests::{campaign, fuzz::script};

#[test]
fn random_scripts_leave_nothing_behind() {
    campaign("scripts against a scripted daemon", 1_000, script::run_seed);
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    for seed in 1_000..1_040 {
        assert_eq!(script::run_seed(seed, u64::MAX), script::run_seed(seed, u64::MAX), "seed {seed}");
    }
}
