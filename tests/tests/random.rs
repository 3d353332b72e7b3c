//! Random scripts against a random daemon: whatever happens, every call ends once and nothing is
//! left. `KPTHIN_SEED=n` runs one seed alone, `KPTHIN_SEEDS=n` so many.

use kpthin_tests::fuzz::script;

#[test]
fn random_scripts_leave_nothing_behind() {
    if let Some(seed) = kpthin_tests::number_from("KPTHIN_SEED") {
        let _ = script::run_seed(seed);
        return;
    }
    for seed in 0..kpthin_tests::number_from("KPTHIN_SEEDS").unwrap_or(1_000) {
        let _ = script::run_seed(seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_transcript() {
    for seed in 1_000..1_040 {
        assert_eq!(script::run_seed(seed), script::run_seed(seed), "seed {seed}");
    }
}
