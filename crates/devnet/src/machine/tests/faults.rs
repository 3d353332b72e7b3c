//! What goes wrong in the network, seen from inside and by raw frames.

use kpthin_core::wire::GetPkiDocument;

use super::*;
use crate::Faults;

fn struck(net: &Net) -> u64 {
    net.devnet.traffic().faults
}

/// A client, a stream and what was said to a first write.
fn written(net: &mut Net, text: &str) -> (ConnId, KeypairReply) {
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, text);
    assert_eq!(net.call_for(conn, secs(60), strict_write(&keys, &sealed)), (0, None));
    (conn, keys)
}

fn read_again(net: &mut Net, conn: ConnId, keys: &KeypairReply) -> (u8, Option<Vec<u8>>) {
    let sealed = net.encrypt_read(conn, keys);
    net.call_for(conn, secs(60), read_once(keys, &sealed))
}

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
        net.set_fault("replica-down=1");
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
    net.set_fault("replica-down=1");
    for seed in 1..=12 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, secs(120), write(&keys, &sealed)), (0, None));
    }
    assert_eq!(net.devnet.network.replicas.store(1).unwrap().records().count(), 0);
}

#[test]
fn each_box_is_kept_by_two_replicas_however_many_there_are() {
    for (replicas, profile) in
        [2, 3, 4, 7, 32].map(|count| [(count, DevnetConfig::instant()), (count, quick_reference())]).concat()
    {
        let mut config = profile;
        config.replicas = replicas;
        config.epoch_period = secs(7 * 24 * 60 * 60);
        let mut net = Net::new(config);
        let (conn, keys) = written(&mut net, "hello");
        assert_eq!(read_again(&mut net, conn, &keys), (0, Some(b"hello".to_vec())), "{replicas}");
        let count =
            |number| net.devnet.network.replicas.store(number).map_or(0, |store| store.records().count());
        let kept: Vec<_> = (0..u8::MAX).map(count).filter(|count| *count > 0).collect();
        assert_eq!(kept, [1, 1], "{replicas}");
    }
}

#[test]
fn a_full_replica_refuses_new_boxes_and_takes_tombstones() {
    let mut net = net();
    let (conn, _) = net.session(1);
    let full =
        ["storage-full=0", "storage-full=1", "storage-full=2"].map(|text| text.parse::<Faults>().unwrap());
    let full = full.into_iter().fold(Faults::default(), Faults::and);
    net.act(|devnet, now| devnet.set_faults(now, full));
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    assert_eq!(net.call_for(conn, secs(60), strict_write(&keys, &sealed)), (6, None));
    assert!(struck(&net) > 0);
    let sealed = net.encrypt_write(conn, &keys, "");
    assert_eq!(net.call_for(conn, secs(60), strict_write(&keys, &sealed)), (0, None));
    assert_eq!(read_again(&mut net, conn, &keys), (11, None));
}

#[test]
fn a_partitioned_replica_hears_of_a_box_when_it_is_reached_again() {
    let mut net = net();
    let (conn, _) = net.session(1);
    let holders = |net: &Net| {
        let count =
            |number| net.devnet.network.replicas.store(number).map_or(0, |store| store.records().count());
        (0..3).map(count).sum::<usize>()
    };
    let apart = ["partition=0", "partition=1", "partition=2"].map(|text| text.parse::<Faults>().unwrap());
    let apart = apart.into_iter().fold(Faults::default(), Faults::and);
    net.act(|devnet, now| devnet.set_faults(now, apart));
    for seed in 1..=20 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, secs(60), write(&keys, &sealed)), (0, None));
    }
    let before = holders(&net);
    // Where the courier chose one shard and a replica that is none, only the shard has it.
    assert!((20..40).contains(&before), "{before}");
    assert!(struck(&net) > 0);
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
    net.pass(secs(60));
    assert_eq!(holders(&net), 40);
}

#[test]
fn boxes_reach_the_other_replica_later_by_the_lag() {
    let mut net = net();
    let (conn, _) = net.session(1);
    net.set_fault("replication-lag=30000");
    let copies = |net: &Net| -> usize {
        (0..3).map(|number| net.devnet.network.replicas.store(number).unwrap().records().count()).sum()
    };
    for seed in 1..=10 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, millis(100), write(&keys, &sealed)), (0, None));
    }
    net.pass(secs(28));
    assert!((10..20).contains(&copies(&net)), "{}", copies(&net));
    net.pass(secs(3));
    assert_eq!(copies(&net), 20);
}

/// A replica that keeps no copy of a box asks one of those that do, and takes its word (Pigeonhole backend §7.4).
#[test]
fn a_reader_sees_the_lag() {
    let mut config = DevnetConfig::instant();
    config.replicas = 7;
    config.epoch_period = secs(7 * 24 * 60 * 60);
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    net.set_fault("replication-lag=60000");
    let (mut seen, mut unseen) = (0, 0);
    for seed in 1..=20 {
        let keys = net.keypair(conn, seed);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, millis(100), write(&keys, &sealed)), (0, None));
        let sealed = net.encrypt_read(conn, &keys);
        match net.call_for(conn, millis(500), read_once(&keys, &sealed)) {
            (0, Some(_)) => seen += 1,
            (1, None) => unseen += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen > 0 && unseen > 0, "{seen} seen, {unseen} not yet");
    net.pass(secs(61));
    for seed in 1..=20 {
        let keys = net.keypair(conn, seed);
        assert_eq!(read_again(&mut net, conn, &keys), (0, Some(b"hello".to_vec())));
    }
}

#[test]
fn damaged_boxes_and_signatures_do_not_open() {
    for (fault, content, tombstone) in [("corrupt-box=1", 23, 11), ("wrong-signature=1", 23, 25)] {
        let mut net = net();
        let (conn, keys) = written(&mut net, "hello");
        net.set_fault(fault);
        assert_eq!(read_again(&mut net, conn, &keys), (content, None), "{fault}");
        let sealed = net.encrypt_write(conn, &keys, "");
        assert_eq!(net.call_for(conn, secs(60), strict_write(&keys, &sealed)), (0, None));
        assert_eq!(read_again(&mut net, conn, &keys), (tombstone, None), "{fault}");
        assert!(struck(&net) > 0);
        net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
        assert_eq!(read_again(&mut net, conn, &keys), (11, None));
    }
}

#[test]
fn a_courier_may_take_an_envelope_for_one_of_another_epoch() {
    let mut net = net();
    let (conn, keys) = written(&mut net, "hello");
    net.set_fault("stale-epoch=1");
    assert_eq!(read_again(&mut net, conn, &keys), (32, None));
}

/// §9.3: the daemon sends again after its estimate and twenty seconds.
#[test]
fn lost_packets_and_lost_replies_are_sent_again_and_again() {
    for (fault, reached) in [("loss=1", 0), ("reply-loss=1", 1)] {
        let mut net = net();
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.set_fault(fault);
        let writing = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(65));
        net.nothing(conn);
        assert_eq!(struck(&net), 4, "{fault}");
        assert_eq!(net.devnet.stored_boxes(), reached, "{fault}");
        net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
        net.pass(secs(20));
        let reply = net.reply(conn);
        assert_eq!(reply.query_id, Some(writing));
        assert_eq!(outcome(reply), (0, None));
    }
}

#[test]
fn packets_take_longer_by_the_latency_at_most() {
    let mut net = net();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    net.set_fault("latency=1000");
    let mut late = 0;
    for _ in 0..40 {
        let sealed = net.encrypt_write(conn, &keys, "hello");
        let _ = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(1));
        match net.try_next(conn) {
            Some(_) => {}
            None => {
                late += 1;
                net.pass(secs(1));
                let _ = net.reply(conn);
            }
        }
    }
    // The sum of two evenly distributed times lies above its mean half of the time.
    assert!((10..30).contains(&late), "{late}");
}

#[test]
fn operations_and_local_calls_may_go_unanswered_for_ever() {
    let mut net = net();
    let (conn, keys) = written(&mut net, "hello");
    let sealed = net.encrypt_read(conn, &keys);
    net.set_fault("unanswered=1");
    let _ = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(3_600));
    net.nothing(conn);
    assert_eq!(net.devnet.operations(), 1);
    net.set_fault("unanswered-local=1");
    let _ = net.ask(conn, NewKeypair { seed: Seed::from([1; 32]) });
    net.nothing(conn);
    assert_eq!(struck(&net), 2);
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
    let _ = net.keypair(conn, 1);
}

#[test]
fn without_a_document_the_daemon_greets_late_and_encrypts_nothing() {
    let mut net = net();
    let (old, keys) = written(&mut net, "hello");
    net.set_fault("missing-document");
    let request =
        EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index };
    assert_eq!(net.call(old, request).unwrap_err().0, 4);
    let conn = net.connect();
    net.pass(secs(29));
    net.nothing(conn);
    net.pass(secs(2));
    assert_eq!(net.greeting(conn).1.payload, None);
    let waiting = net.connect();
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
    assert!(net.greeting(waiting).1.payload.is_some());
    assert!(matches!(net.next(old), AnyResponse::NewPkiDocument(document) if document.payload.is_some()));
}

fn certificate(net: &mut Net, conn: ConnId) -> Vec<u8> {
    match net.call(conn, GetPkiDocument { epoch: 0 }) {
        Ok(AnyReply::GetPkiDocument(reply)) => reply.payload.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_daemon_lies_about_the_network_and_its_trust_root_finds_out() {
    let mut net = net();
    let (conn, _) = net.session(1);
    let root = net.devnet.trust_root();
    let epoch = net.devnet.epoch();
    let honest = certificate(&mut net, conn);
    assert_eq!(root.verify(&honest, epoch, None).unwrap().report().signed, 3);
    for (lie, signed) in [("forged-document", 0), ("thin-signatures", 1)] {
        net.set_fault(lie);
        let error = root.verify(&certificate(&mut net, conn), epoch, None).unwrap_err();
        assert_eq!(error.report().unwrap().signed, signed, "{lie}");
    }
    net.set_fault("old-document");
    net.act(Devnet::advance_epoch);
    let _ = net.next(conn);
    assert_eq!(certificate(&mut net, conn), honest);
    assert_eq!(struck(&net), 3);
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
    assert!(root.verify(&certificate(&mut net, conn), epoch + 1, None).is_ok());
}
