//! Boxes that are put back into another life.

use super::*;
use crate::{BoxState, Record};

/// What is kept of a message and of its deletion, and the capabilities of the box.
fn records() -> (KeypairReply, Vec<Record>) {
    let mut net = Net::instant();
    net.devnet.keep_records();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let mut records = Vec::new();
    for text in ["hello", ""] {
        let sealed = net.encrypt_write(conn, &keys, text);
        assert_eq!(net.call_for(conn, secs(1), write(&keys, &sealed)), (0, None));
        let mut written = net.act(|devnet, _| devnet.take_records());
        written.dedup();
        records.extend(written);
    }
    assert_eq!(records.len(), 2, "each once, although two replicas keep it");
    assert!(net.devnet.take_records().is_empty());
    (keys, records)
}

fn restored(records: impl IntoIterator<Item = Record>) -> Net {
    let mut net = Net::instant();
    records.into_iter().for_each(|record| net.devnet.restore_record(record));
    net
}

#[test]
fn a_box_is_put_back_at_all_replicas_that_keep_it() {
    let (keys, records) = records();
    let net = restored(records.into_iter().take(1));
    let held = net.devnet.read_box(&keys.read_cap, &keys.first_message_index);
    assert_eq!(held, BoxState::Message("hello".into()));
    let replicas = &net.devnet.network.replicas;
    let copies: usize = replicas
        .identity_keys()
        .keys()
        .filter_map(|number| replicas.store(*number))
        .map(|store| store.records().count())
        .sum();
    assert_eq!(copies, 2);
}

#[test]
fn a_tombstone_stays_in_whichever_order_they_come() {
    let (keys, records) = records();
    for records in [records.clone(), records.into_iter().rev().collect()] {
        let net = restored(records);
        assert_eq!(net.devnet.read_box(&keys.read_cap, &keys.first_message_index), BoxState::Tombstone);
    }
}
