//! What the fuzzers run, on the inputs they found worth keeping and on random ones.
//! `KPTHIN_SEEDS=n` runs so many random ones of each target, `KPTHIN_SEED=n` one.

use std::{fs, path::PathBuf};

use kpthin_tests::{
    Rng,
    fuzz::{TARGETS, Target},
};

fn corpus(target: Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "a failing test shows what failed")]
fn what_was_found_is_found_no_more() {
    for target in TARGETS {
        let inputs = corpus(*target);
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        for (path, input) in inputs {
            // The test prints its name if it fails.
            println!("{}", path.display());
            (target.run)(&input);
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a failing test shows what failed")]
fn random_inputs_break_nothing() {
    let seeds = match kpthin_tests::number_from("KPTHIN_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..kpthin_tests::number_from("KPTHIN_SEEDS").unwrap_or(20),
    };
    // Programs against the network have a suite of their own, which is longer.
    for target in TARGETS.iter().filter(|target| target.name != "network") {
        for seed in seeds.clone() {
            println!("{} with KPTHIN_SEED={seed}", target.name);
            (target.run)(&Rng::new(seed).some_bytes(2_000));
        }
    }
}
