//! Epochs, documents and what is too old (§4.3, §9.4).

use super::*;

#[test]
fn a_new_document_is_broadcast_in_every_epoch() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let legacy = net.connect();
    let _ = net.greeting(legacy);
    let _ = net.keypair(legacy, 1);
    let epoch = net.devnet.epoch();
    net.pass(secs(20 * 60));
    assert_eq!(net.devnet.epoch(), epoch + 1);
    for conn in [conn, legacy] {
        assert!(
            matches!(net.next(conn), AnyResponse::NewPkiDocument(document) if document.payload.is_some())
        );
        net.nothing(conn);
    }
    net.act(Devnet::advance_epoch);
    assert_eq!(net.devnet.epoch(), epoch + 2);
    let _ = net.next(conn);
    net.pass(millis(20 * 60 * 1_000 - 1));
    net.nothing(conn);
    net.pass(millis(1));
    let _ = net.next(conn);
}

#[test]
fn a_late_wake_up_brings_one_document() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let epoch = net.devnet.epoch();
    net.now = net.now + secs(100 * 20 * 60);
    net.act(Devnet::handle_timeout);
    assert_eq!(net.devnet.epoch(), epoch + 100);
    let _ = net.next(conn);
    net.nothing(conn);
}

#[test]
fn envelopes_are_good_for_the_next_replica_epoch_but_not_for_the_one_after() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut config = config;
        config.epoch_period = secs(7 * 24 * 60 * 60);
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = [(); 3].map(|()| net.encrypt_read(conn, &keys));
        let polling = net.ask(conn, read(&keys, &sealed[0]));
        net.act(Devnet::advance_epoch);
        let _ = net.next(conn);
        assert_eq!(net.call_for(conn, secs(10), read_once(&keys, &sealed[1])), (1, None));
        net.act(Devnet::advance_epoch);
        let _ = net.next(conn);
        // The courier still answers for the envelope it knows, but the keys have left the document.
        net.pass(secs(1));
        let reply = net.reply(conn);
        assert_eq!((reply.query_id, outcome(reply)), (Some(polling), (22, None)));
        assert_eq!(net.call_for(conn, secs(10), read_once(&keys, &sealed[2])), (32, None));
    }
}

#[test]
fn boxes_are_kept_for_two_replica_epochs() {
    let mut config = DevnetConfig::instant();
    config.epoch_period = secs(7 * 24 * 60 * 60);
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    assert_eq!(net.call_for(conn, secs(1), write(&keys, &sealed)), (0, None));
    net.act(Devnet::advance_epoch);
    assert_eq!(net.devnet.stored_boxes(), 1);
    net.act(Devnet::advance_epoch);
    assert_eq!(net.devnet.stored_boxes(), 0);
}

#[test]
fn the_same_seed_and_calls_give_the_same_bytes() {
    let run = |seed| {
        let mut net = Net::new(DevnetConfig::reference());
        net.devnet = Devnet::new(DevnetConfig::reference(), [seed; 32], net.now);
        let conn = net.connect();
        net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
        net.pass(secs(10));
        let _ = net.ask(conn, NewKeypair { seed: Seed::from([1; 32]) });
        net.links[&conn].bytes.clone()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
