//! Framing, violations and the sample frames (§1, §4.0, Appendix B).

use kpthin_core::wire::{
    Blob, EncryptRead, QueueId, ReadCap, SendMessage, StartResendingCopyCommand, SurbId, ThinClose, WriteCap,
};

use super::*;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

const SESSION_TOKEN: &str =
    "00000037 a16d73657373696f6e5f746f6b656ea175636c69656e745f696e7374616e63655f746f6b656e
    500102030405060708090a0b0c0d0e0f10";
const NEW_KEYPAIR: &str = "0000004f a16b6e65775f6b657970616972a26871756572795f69645001020304050607
    08090a0b0c0d0e0f10647365656458200000000000000000000000000000000000000000000000000000000000000000";
const THIN_CLOSE: &str = "0000000d a16a7468696e5f636c6f7365a0";
const SHUTDOWN: &str = "00000011 a16e73687574646f776e5f6576656e74a0";
const NO_DOCUMENT: &str = "00000022 a1766e65775f706b695f646f63756d656e745f6576656e74a1677061796c6f6164f6";

#[test]
fn the_sample_frames_are_spoken_byte_for_byte() {
    let mut net = Net::instant();
    let conn = net.connect();
    net.links.get_mut(&conn).unwrap().bytes.clear();
    net.input(conn, &hex(SESSION_TOKEN));

    let link = net.links.get_mut(&conn).unwrap();
    let mut expected =
        hex("00000037 a17373657373696f6e5f746f6b656e5f7265706c79a2666170705f69645011121314151617
        18191a1b1c1d1e1f2067726573756d6564f4");
    assert_eq!(link.bytes.len(), expected.len());
    // The app id is random.
    expected[34..50].copy_from_slice(&link.bytes[34..50]);
    assert_eq!(link.bytes, expected);

    net.links.get_mut(&conn).unwrap().received.clear();
    net.input(conn, &hex(NEW_KEYPAIR));
    let reply = net.reply(conn);
    assert_eq!(reply.query_id.unwrap().as_bytes()[..3], [1, 2, 3]);
    assert!(matches!(reply.result, Ok(AnyReply::NewKeypair(_))));
    net.input(conn, &hex(THIN_CLOSE));
    net.nothing(conn);
    assert!(net.is_closed(conn));
}

#[test]
fn the_end_and_a_missing_document_are_told_byte_for_byte() {
    let mut config = DevnetConfig::instant();
    config.timing.first_document = secs(1_000);
    let mut net = Net::new(config);
    let conn = net.connect();
    net.pass(secs(30));
    assert!(net.links[&conn].bytes.ends_with(&hex(NO_DOCUMENT)));
    net.act(Devnet::shutdown);
    assert!(net.links[&conn].bytes.ends_with(&hex(SHUTDOWN)));
    assert!(net.is_closed(conn));
}

#[test]
fn frames_may_be_cut_anywhere() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    let bytes = [hex(SESSION_TOKEN), hex(NEW_KEYPAIR)].concat();
    for byte in bytes {
        net.input(conn, &[byte]);
    }
    assert!(matches!(net.next(conn), AnyResponse::SessionToken(_)));
    assert!(matches!(net.next(conn), AnyResponse::Reply(_)));
}

#[test]
fn violations_end_the_connection_without_a_word() {
    let overlong = (40u32 * 1024 * 1024 + 1).to_be_bytes();
    let null_cap = b"\xa1\x6bnew_keypair\xa2\x68query_id\x50aaaaaaaaaaaaaaaa\x64seed\x01";
    for bytes in [
        &overlong[..],
        &raw(b""),
        &raw(b"\xff"),
        &raw(b"\xa0\x00"),
        &raw(b"\xa1\x6asend_message"),
        &raw(null_cap),
    ] {
        for config in [DevnetConfig::instant(), quick_reference()] {
            let mut net = Net::new(config);
            let (conn, _) = net.session(1);
            net.input(conn, bytes);
            net.nothing(conn);
            assert!(net.is_closed(conn), "{bytes:02x?}");
            // The session stays.
            assert!(net.session(1).1.resumed);
        }
    }
}

#[test]
fn empty_and_unknown_requests_are_passed_over() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        net.input(conn, &raw(b"\xa0"));
        net.input(conn, &raw(b"\xa1\x67unknown\xf6"));
        net.input(conn, &raw(b"\xa1\x67unknown\x01"));
        net.nothing(conn);
        let _ = net.keypair(conn, 1);
    }
}

/// A request whose read capability is one byte short.
fn short_capability() -> Vec<u8> {
    let request =
        EncryptRead { read_cap: ReadCap::from([0; 136]), message_box_index: MessageBoxIndex::from([0; 104]) };
    let bytes = frame(Some(QueryId::from([9; 16])), without(request, "message_box_index"));
    let mut body = bytes[4..].to_vec();
    let at = body.windows(2).position(|head| head == [0x58, 136]).unwrap();
    body[at + 1] = 135;
    let _ = body.remove(at + 2);
    raw(&body)
}

#[test]
fn a_capability_of_a_wrong_length_is_answered_or_fatal() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.input(conn, &short_capability());
    let reply = net.reply(conn);
    assert_eq!((reply.query_id, outcome(reply).0), (Some(QueryId::from([9; 16])), 3));

    let mut net = Net::new(quick_reference());
    let (conn, _) = net.session(1);
    net.input(conn, &short_capability());
    net.nothing(conn);
    assert!(net.is_closed(conn));
}

#[test]
fn a_missing_query_id_is_answered_without_one() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.send(conn, None, refused());
    assert_eq!(net.reply(conn).query_id, None);
}

#[test]
fn a_client_that_does_not_read_is_dropped_after_a_minute() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.links.get_mut(&conn).unwrap().deaf = true;
    let _ = net.ask(conn, refused());
    net.pass(secs(59));
    assert!(!net.is_closed(conn));
    net.pass(secs(1));
    assert!(net.is_closed(conn));
}

#[test]
fn an_ended_connection_is_inert() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.send(conn, None, ThinClose {});
    assert!(net.is_closed(conn));
    net.input(conn, &hex(NEW_KEYPAIR));
    net.act(|devnet, now| devnet.handle_eof(now, conn));
    net.gone(conn);
    net.nothing(conn);
    assert!(!net.devnet.wants_input(conn));
}

#[test]
fn too_many_connections_are_refused() {
    let mut net = Net::instant();
    let first = net.connect();
    let last = (0..1_024).map(|_| net.connect()).last().unwrap();
    assert!(net.is_closed(last) && !net.is_closed(first));
}

/// A root key that is no point of the curve.
fn off_curve() -> ReadCap {
    let mut bytes = [0; 136];
    bytes[0] = 2;
    ReadCap::from(bytes)
}

#[test]
fn a_capability_without_a_key_is_answered_or_fatal() {
    let mismatch = WriteCap::from([0; 168]);
    for number in 0..5 {
        for (config, fatal) in [(DevnetConfig::instant(), false), (quick_reference(), true)] {
            let mut net = Net::new(config);
            let (conn, _) = net.session(1);
            let keys = net.keypair(conn, 1);
            let sealed = net.encrypt_read(conn, &keys);
            // The reference does not wait for a slot with it.
            net.act(|devnet, now| devnet.set_mixnet(now, !fatal));
            let _ = net.next(conn);
            let index = keys.first_message_index.clone();
            let request: AnyRequest = match number {
                0 => EncryptRead { read_cap: off_curve(), message_box_index: index }.into(),
                1 => EncryptWrite {
                    write_cap: mismatch.clone(),
                    message_box_index: index,
                    plaintext: SecretBytes::from("x"),
                }
                .into(),
                2 => {
                    start(BoxAccess::Read { read_cap: off_curve(), message_box_index: index }, &sealed).into()
                }
                3 => {
                    start(BoxAccess::Write { write_cap: mismatch.clone(), message_box_index: None }, &sealed)
                        .into()
                }
                _ => StartResendingCopyCommand { write_cap: mismatch.clone(), courier: None }.into(),
            };
            let _ = net.ask(conn, request);
            assert_eq!(net.is_closed(conn), fatal, "{number}");
            if !fatal {
                assert_eq!(outcome(net.reply(conn)).0, 3, "{number}");
            }
            net.nothing(conn);
        }
    }
}

#[test]
fn requests_that_are_too_long_to_be_sent_take_no_room_while_they_wait() {
    const HUGE: usize = 10 << 20;
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_read(conn, &keys);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        let huge = || SecretBytes::from(vec![1; HUGE]);
        let message = SendMessage {
            id: None,
            surb: Surb::Named(SurbId::from([4; 16])),
            destination_id_hash: net.devnet.network.courier_hash(0).unwrap(),
            recipient_queue_id: QueueId::new("+echo").unwrap(),
            payload: huge(),
        };
        net.send(conn, None, message);
        let start = read(&keys, &sealed);
        let codes = [
            (
                4,
                StartResendingEncryptedMessage {
                    message_ciphertext: Blob::from(vec![1; HUGE]),
                    ..start.clone()
                },
            ),
            (3, StartResendingEncryptedMessage { envelope_descriptor: huge(), ..start.clone() }),
        ];
        for (_, request) in codes.clone() {
            let _ = net.ask(conn, request);
        }
        let waiting = net.devnet.census().queued_bytes;
        assert!((1..20_000).contains(&waiting), "{waiting}");

        net.act(|devnet, now| devnet.set_mixnet(now, true));
        net.pass(secs(60));
        let _ = net.next(conn);
        let AnyResponse::MessageSent(sent) = net.next(conn) else { panic!() };
        assert!(sent.err.is_some());
        for (code, _) in codes {
            assert_eq!(outcome(net.reply(conn)).0, code);
        }
    }
}

#[test]
fn the_largest_frames_and_the_longest_lists_are_survived() {
    let body_len = 40 << 20;
    // One member that nobody knows, an array of zeros as long as decoders allow, and of byte strings up to the limit.
    let head = b"\xa1\x61x\x9a";
    let elements = 131_072u32;
    let list = [&head[..], &elements.to_be_bytes(), &vec![0; elements as usize]].concat();
    let too_many = [&head[..], &(elements + 1).to_be_bytes(), &vec![0; elements as usize + 1]].concat();
    let blob_len = u32::try_from(body_len - 8).unwrap();
    let mut blob = [b"\xa1\x61x\x5a", &blob_len.to_be_bytes()[..]].concat();
    blob.resize(body_len, 7);
    for (body, closed) in [(list, false), (too_many, true), (blob, false), (b"\x81".repeat(body_len), true)] {
        let mut net = Net::instant();
        let (conn, _) = net.session(1);
        for part in raw(&body).chunks(1 << 20) {
            net.input(conn, part);
        }
        net.nothing(conn);
        assert_eq!(net.is_closed(conn), closed);
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_secret() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "SECRET");
    assert_eq!(net.call_for(conn, secs(60), write(&keys, &sealed)).0, 0);
    let sealed = net.encrypt_read(conn, &keys);
    net.links.get_mut(&conn).unwrap().deaf = true;
    let _ = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(1));
    let printed = format!("{:?}", net.devnet);
    // Neither tokens nor frames nor boxes: all of them are runs of numbers.
    assert!(printed.len() < 300 && !printed.contains("1, 1"), "{printed}");
}
