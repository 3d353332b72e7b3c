//! Random runs in number: which seeds, how many, and the shortest run that fails.

use std::{
    panic::{self, AssertUnwindSafe},
    time::Instant,
};

use crate::number_from;

/// How a run was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// Stands for everything that was delivered, and when.
    pub transcript: u64,
    /// How many connections there were.
    pub connections: u64,
    /// How many calls were started.
    pub calls: u64,
}

/// Runs random programs, each by its seed and a number of steps that it may have at most.
///
/// - `KPTHIN_SEED=n` runs one seed alone, `KPTHIN_STEPS=n` so many of its steps.
/// - `KPTHIN_SEEDS=n` runs so many seeds instead of `seeds`.
/// - `KPTHIN_CONNECTIONS=n` runs seeds until there were so many connections, and prints what was run.
///
/// # Panics
///
/// If a run does; it says which one, and how many of its steps are enough.
pub fn campaign(name: &str, seeds: u64, run: impl Fn(u64, u64) -> Played) {
    let steps = number_from("KPTHIN_STEPS").unwrap_or(u64::MAX);
    if let Some(seed) = number_from("KPTHIN_SEED") {
        let _ = run(seed, steps);
        return;
    }
    let begun = Instant::now();
    let wanted = number_from("KPTHIN_CONNECTIONS");
    let seeds = number_from("KPTHIN_SEEDS").unwrap_or(seeds);
    let (mut seed, mut connections, mut calls) = (0, 0, 0);
    while wanted.map_or(seed < seeds, |wanted| connections < wanted) {
        let played = panic::catch_unwind(AssertUnwindSafe(|| run(seed, steps)));
        let played = played.unwrap_or_else(|failure| {
            let enough =
                fewest_steps(|steps| panic::catch_unwind(AssertUnwindSafe(|| run(seed, steps))).is_err());
            eprintln!("{name} fails with KPTHIN_SEED={seed} KPTHIN_STEPS={enough}");
            panic::resume_unwind(failure)
        });
        connections += played.connections;
        calls += played.calls;
        seed += 1;
    }
    if wanted.is_some() {
        let seconds = begun.elapsed().as_secs();
        eprintln!(
            "{name}: {connections} connections, {calls} calls, {seed} seeds, {seconds} s, nothing found"
        );
    }
}

/// The fewest steps that still fail, by halves: a run that fails after so many steps fails after more.
fn fewest_steps(fails: impl Fn(u64) -> bool) -> u64 {
    let (mut passes, mut enough) = (0_u64, 4_096);
    while passes + 1 < enough {
        let middle = passes.midpoint(enough);
        if fails(middle) {
            enough = middle;
        } else {
            passes = middle;
        }
    }
    enough
}

#[test]
fn the_fewest_steps_are_found() {
    for least in [1, 2, 3, 77, 4_095] {
        assert_eq!(fewest_steps(|steps| steps >= least), least);
    }
}
