//! The harness itself.

use std::time::Duration;

use kpthin_tests::{Pair, Scripted, sample};

#[test]
fn a_pair_connects_calls_and_closes() {
    let mut pair = Pair::up(1, Scripted::honest());
    pair.call(sample::keypair(1)).unwrap();
    pair.call(sample::write(2)).unwrap();
    pair.call(sample::message(3)).unwrap();
    pair.close();
    pair.run_for(Duration::from_secs(10));
    assert!(pair.closed().is_some());
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed| {
        let mut pair = Pair::up(seed, Scripted::honest());
        for n in 0..40 {
            pair.start(sample::any(n, n));
        }
        assert!(pair.settle(Duration::from_secs(60)));
        pair.transcript()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
