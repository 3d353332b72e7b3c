//! Reads and writes (§4.7, §9.2, §9.10).

use super::*;

const LONG: Duration = Duration::from_secs(10);

fn configs() -> [DevnetConfig; 2] {
    [DevnetConfig::instant(), quick_reference()]
}

fn text(text: &str) -> (u8, Option<Vec<u8>>) {
    (0, Some(text.as_bytes().to_vec()))
}

#[test]
fn what_is_written_is_read() {
    for config in configs() {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, LONG, write(&keys, &sealed)), (0, None));
        let sealed = net.encrypt_read(conn, &keys);
        assert_eq!(net.call_for(conn, LONG, read(&keys, &sealed)), text("hello"));
        let state = net.devnet.read_box(&keys.read_cap, &keys.first_message_index);
        assert_eq!(state, crate::BoxState::Message(b"hello".to_vec()));
        assert_eq!(net.devnet.stored_boxes(), 1);
        assert_eq!(net.devnet.read_box(&keys.read_cap, &index_at(&keys, 1)), crate::BoxState::NotWritten);
    }
}

#[test]
fn instant_operations_are_answered_at_once() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    let Ok(AnyReply::StartResendingEncryptedMessage(_)) = net.call(conn, strict_write(&keys, &sealed)) else {
        panic!()
    };
    let sealed = net.encrypt_read(conn, &keys);
    let Ok(AnyReply::StartResendingEncryptedMessage(reply)) = net.call(conn, read(&keys, &sealed)) else {
        panic!()
    };
    assert_eq!(reply.plaintext, Some(SecretBytes::from("hello")));
}

#[test]
fn a_second_write_is_judged_by_its_content_and_flag() {
    for config in configs() {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        for (content, strict, code) in
            [("a", true, 0), ("a", true, 0), ("b", true, 10), ("b", false, 0), ("", true, 0), ("a", true, 10)]
        {
            let sealed = net.encrypt_write(conn, &keys, content);
            let request = if strict { strict_write(&keys, &sealed) } else { write(&keys, &sealed) };
            assert_eq!(net.call_for(conn, LONG, request), (code, None), "{content} {strict}");
            if content == "b" {
                let state = net.devnet.read_box(&keys.read_cap, &keys.first_message_index);
                assert_eq!(state, crate::BoxState::Message(b"a".to_vec()));
            }
        }
        let sealed = net.encrypt_read(conn, &keys);
        assert_eq!(net.call_for(conn, LONG, read(&keys, &sealed)), (11, None));
        let state = net.devnet.read_box(&keys.read_cap, &keys.first_message_index);
        assert_eq!(state, crate::BoxState::Tombstone);
    }
}

#[test]
fn a_default_write_succeeds_before_anything_is_stored() {
    let mut config = quick_reference();
    config.timing.replica_time = secs(2);
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    assert_eq!(net.call_for(conn, millis(100), write(&keys, &sealed)), (0, None));
    assert_eq!(net.devnet.stored_boxes(), 0);
    net.pass(secs(2));
    assert_eq!(net.devnet.stored_boxes(), 1);
}

#[test]
fn an_unwritten_box_is_polled_or_reported() {
    for config in configs() {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_read(conn, &keys);
        assert_eq!(net.call_for(conn, LONG, read_once(&keys, &sealed)), (1, None));

        let sealed = net.encrypt_read(conn, &keys);
        let reading = net.ask(conn, read(&keys, &sealed));
        net.pass(millis(150));
        net.nothing(conn);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        let _ = net.ask(conn, strict_write(&keys, &sealed));
        net.pass(LONG);
        let replies = [net.reply(conn), net.reply(conn)];
        let reply = replies.into_iter().find(|reply| reply.query_id == Some(reading)).unwrap();
        assert_eq!(outcome(reply), text("hello"));
    }
}

#[test]
fn a_read_that_polled_for_long_misses_the_write_in_the_reference() {
    for (config, found) in [(DevnetConfig::instant(), true), (quick_reference(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_read(conn, &keys);
        let _ = net.ask(conn, read(&keys, &sealed));
        net.pass(secs(8));
        let sealed = net.encrypt_write(conn, &keys, "late");
        let _ = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(8));
        let _ = net.reply(conn);
        assert_eq!(net.try_next(conn).is_some(), found);
        let sealed = net.encrypt_read(conn, &keys);
        let fresh = net.ask(conn, read(&keys, &sealed));
        net.pass(LONG);
        assert_eq!(net.reply(conn).query_id, Some(fresh));
    }
}

#[test]
fn what_makes_no_sense_is_refused_without_a_courier() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_read(conn, &keys);
    let good = read(&keys, &sealed);
    let none = FailureDetail::Courier { courier_identity_hash: None, courier_queue_id: None };
    let no_descriptor =
        StartResendingEncryptedMessage { envelope_descriptor: SecretBytes::default(), ..good.clone() };
    let no_ciphertext =
        StartResendingEncryptedMessage { message_ciphertext: Vec::new().into(), ..good.clone() };
    let long = StartResendingEncryptedMessage { message_ciphertext: vec![0; 2_001].into(), ..good.clone() };
    for (code, request) in [
        (3, without(good.clone(), "read_cap")),
        (3, with(good.clone(), "write_cap", keys.write_cap.as_bytes())),
        (3, without(good.clone(), "envelope_hash")),
        (3, no_descriptor.into()),
        (3, no_ciphertext.into()),
        (3, without(good.clone(), "message_box_index")),
        (4, long.into()),
    ] {
        assert_eq!(net.call(conn, request), Err((code, none.clone())));
    }
    net.send(conn, None, good);
    assert_eq!(outcome(net.reply(conn)), (3, None));
}

#[test]
fn a_mangled_triple_ends_with_the_code_that_fits() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_read(conn, &keys);
    let other = net.encrypt_read(conn, &keys);
    let courier = net.devnet.network.courier_hash(0);
    for (code, request) in [
        (
            31,
            StartResendingEncryptedMessage { message_ciphertext: vec![9; 10].into(), ..read(&keys, &sealed) },
        ),
        (
            4,
            StartResendingEncryptedMessage {
                message_ciphertext: vec![1, 0, 0, 0, 1, 9].into(),
                ..read(&keys, &sealed)
            },
        ),
        (
            4,
            StartResendingEncryptedMessage {
                envelope_descriptor: [1].as_slice().into(),
                ..read(&keys, &sealed)
            },
        ),
        (
            22,
            StartResendingEncryptedMessage {
                envelope_descriptor: other.envelope_descriptor,
                ..read(&keys, &sealed)
            },
        ),
        (4, write(&keys, &sealed)),
    ] {
        let strict = StartResendingEncryptedMessage { no_idempotent_box_already_exists: true, ..request };
        let Err((got, FailureDetail::Courier { courier_identity_hash, .. })) = net.call(conn, strict) else {
            panic!()
        };
        assert!(courier.is_some() && courier_identity_hash.is_some());
        assert_eq!(got, code);
    }
}

#[test]
fn a_box_read_with_the_wrong_index_does_not_open() {
    for (config, no_index) in [(DevnetConfig::instant(), 3), (quick_reference(), 23)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        assert_eq!(net.call_for(conn, LONG, write(&keys, &sealed)), (0, None));
        let sealed = net.encrypt_read(conn, &keys);
        let wrong = read_at(&keys, index_at(&keys, 1), &sealed);
        assert_eq!(net.call_for(conn, LONG, wrong), (23, None));
        let none = without(read(&keys, &sealed), "message_box_index");
        assert_eq!(net.call_for(conn, LONG, none), (no_index, None));
    }
}

#[test]
fn a_triple_works_after_a_restart() {
    for config in configs() {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let written = net.encrypt_write(conn, &keys, "hello");
        let wanted = net.encrypt_read(conn, &keys);
        let token = net.devnet.instance_token();
        net.act(Devnet::restart);
        assert!(net.is_closed(conn));
        assert_ne!(net.devnet.instance_token(), token);
        let (conn, reply) = net.session(1);
        assert!(!reply.resumed);
        assert_eq!(net.call_for(conn, LONG, strict_write(&keys, &written)), (0, None));
        net.act(Devnet::restart);
        let (conn, _) = net.session(1);
        assert_eq!(net.call_for(conn, LONG, read(&keys, &wanted)), text("hello"));
    }
}

#[test]
fn a_restart_forgets_operations() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_read(conn, &keys);
    let _ = net.ask(conn, read(&keys, &sealed));
    net.act(Devnet::restart);
    assert!(net.devnet.operations.len() + net.devnet.sessions.len() == 0);
    net.pass(secs(8));
}

#[test]
fn full_replicas_refuse_a_strict_write() {
    let mut config = DevnetConfig::instant();
    config.replica_capacity = 0;
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    assert_eq!(net.call_for(conn, LONG, strict_write(&keys, &sealed)), (6, None));
    let sealed = net.encrypt_write(conn, &keys, "hello");
    assert_eq!(net.call_for(conn, LONG, write(&keys, &sealed)), (0, None));
}
