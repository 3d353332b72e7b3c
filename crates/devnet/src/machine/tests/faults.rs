//! Replicas that are down, seen from inside.

use super::*;
use crate::Faults;

/// With an epoch so long that no document comes between.
fn net() -> Net {
    let mut config = DevnetConfig::instant();
    config.epoch_period = secs(7 * 24 * 60 * 60);
    Net::new(config)
}

#[test]
fn a_replica_that_is_down_stores_nothing_and_is_told_when_it_is_back() {
    let mut net = net();
    let (conn, _) = net.session(1);
    let kept = |net: &Net, number| net.devnet.network.replicas.store(number).unwrap().records().count();
    // Boxes enough that each replica is one of the two that keep some of them.
    let mut missed = Vec::new();
    for seed in 1..=12 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.act(|devnet, now| devnet.set_faults(now, "replica-down=1".parse().unwrap()));
        assert_eq!(net.call_for(conn, secs(120), write(&keys, &sealed)), (0, None));
        missed.push(kept(&net, 1));
        net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
        net.pass(secs(2));
    }
    assert_eq!(missed[0], 0);
    assert!(missed.windows(2).any(|pair| pair[0] < pair[1]), "it catches up in between: {missed:?}");
    assert_eq!([0, 1, 2].map(|number| kept(&net, number)).iter().sum::<usize>(), 24, "two copies of each");
}

#[test]
fn while_it_is_down_nothing_is_pushed_to_it() {
    let mut net = net();
    let (conn, _) = net.session(1);
    net.act(|devnet, now| devnet.set_faults(now, "replica-down=1".parse().unwrap()));
    for seed in 1..=12 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, secs(120), write(&keys, &sealed)), (0, None));
    }
    assert_eq!(net.devnet.network.replicas.store(1).unwrap().records().count(), 0);
}
