//! Local calls (§4.5, §4.6, §4.11-4.13).

use kpthin_core::wire::{
    CancelResendingCopyCommand, CreateCourierEnvelopesFromPayload, CreateCourierEnvelopesFromTombstoneRange,
    GetDirectoryAuthorities, GetMessageBoxIndexCounter, GetPkiDocument, NextMessageBoxIndex, ReadCap,
    Voucher, VoucherDeriveStream, VoucherMint, VoucherOpen, VoucherSecretKey, WriteCap, WriteCapHash,
};

use super::*;

#[test]
fn a_seed_gives_the_capabilities_of_the_real_network() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 5);
    let cap = kpthin_bacap::WriteCap::from_seed(&[5; 32]);
    assert_eq!(keys.write_cap.to_bytes(), cap.to_bytes());
    assert_eq!(keys.read_cap, keys.write_cap.read_cap());
    assert_eq!(keys.first_message_index, keys.write_cap.index());
    assert_eq!(
        net.call(conn, without(NewKeypair { seed: Seed::from([1; 32]) }, "seed")),
        Err((3, FailureDetail::None))
    );
}

#[test]
fn envelopes_have_the_sizes_of_the_real_network() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = [
        net.encrypt_write(conn, &keys, "message"),
        net.encrypt_write(conn, &keys, "message"),
        net.encrypt_write(conn, &keys, ""),
        net.encrypt_read(conn, &keys),
    ];
    for sealed in &sealed {
        assert_eq!(sealed.message_ciphertext.len(), 2_000);
        assert_eq!(sealed.envelope_descriptor.len(), 201);
        assert_eq!(sealed.next_message_box_index, index_at(&keys, 1));
    }
    assert_ne!(sealed[0].envelope_hash, sealed[1].envelope_hash);
}

/// The reference checks before it computes, and so costs nothing where it refuses.
#[test]
fn refusals_take_no_time() {
    for config in [DevnetConfig::reference(), DevnetConfig::reference_2026_10()] {
        let mut net = Net::new(config);
        net.pass(secs(4));
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let (cap, index) = (keys.write_cap.clone(), keys.first_message_index.clone());
        let write =
            |plaintext| EncryptWrite { plaintext, write_cap: cap.clone(), message_box_index: index.clone() };
        let pack = |len| CreateCourierEnvelopesFromPayload {
            payload: SecretBytes::from(vec![1; len]),
            dest_write_cap: cap.clone(),
            dest_start_index: index.clone(),
            is_start: true,
            is_last: true,
        };
        let mint = VoucherMint { message_write_cap: cap.clone(), display_name: "a".to_owned() };
        let open = VoucherOpen {
            voucher_secret_key: VoucherSecretKey::from([1; 162]),
            sealed_reply: "a".into(),
            message_write_cap: cap.clone(),
        };
        let read = EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: index.clone() };
        let requests: [Sent; 9] = [
            without(write(SecretBytes::from("it")), "plaintext"),
            write(SecretBytes::from(vec![1; 1_550])).into(),
            without(write(SecretBytes::from("it")), "write_cap"),
            without(read, "message_box_index"),
            pack((10 << 20) + 1).into(),
            without(pack(1), "dest_write_cap"),
            CreateCourierEnvelopesFromTombstoneRange {
                dest_write_cap: cap.clone(),
                dest_start_index: index.clone(),
                max_count: u32::MAX,
                is_start: true,
                is_last: true,
                buffer: None,
            }
            .into(),
            without(mint, "message_write_cap"),
            without(open, "voucher_secret_key"),
        ];
        for request in requests {
            let kind = request.kind();
            let query_id = net.ask(conn, request);
            let reply = net.reply(conn);
            assert_eq!(reply.query_id, Some(query_id));
            assert_eq!(reply.result.map_err(|failure| failure.error_code), Err(3), "{kind:?}");
        }
        // What is not refused takes its time.
        let _ = net.ask(conn, write(SecretBytes::from("it")));
        net.nothing(conn);
        net.pass(secs(2));
        assert!(net.reply(conn).result.is_ok());
    }
}

#[test]
fn what_cannot_be_encrypted_is_refused() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let write = |len| EncryptWrite {
        plaintext: SecretBytes::from(vec![1; len]),
        write_cap: keys.write_cap.clone(),
        message_box_index: keys.first_message_index.clone(),
    };
    let read =
        EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index.clone() };
    assert!(net.call(conn, write(1_549)).is_ok());
    for request in [
        write(1_550).into(),
        without(write(1), "plaintext"),
        without(write(1), "write_cap"),
        without(write(1), "message_box_index"),
        without(read.clone(), "read_cap"),
    ] {
        assert_eq!(net.call(conn, request), Err((3, FailureDetail::None)));
    }
    let read = EncryptRead { message_box_index: MessageBoxIndex::from([0xff; 104]), ..read };
    assert_eq!(net.call(conn, read), Err((4, FailureDetail::None)));
}

#[test]
fn capabilities_that_are_none_are_refused_or_fatal() {
    let index = MessageBoxIndex::from([0; 104]);
    let write = EncryptWrite {
        plaintext: SecretBytes::from("x"),
        write_cap: WriteCap::from([1; 168]),
        message_box_index: index.clone(),
    };
    let read = EncryptRead { read_cap: ReadCap::from([2; 136]), message_box_index: index };
    let requests: [AnyRequest; 2] = [write.into(), read.into()];
    for request in requests {
        let mut net = Net::instant();
        let (conn, _) = net.session(1);
        assert_eq!(net.call(conn, request.clone()), Err((3, FailureDetail::None)));

        let mut net = Net::new(quick_reference());
        let (conn, _) = net.session(1);
        let _ = net.ask(conn, request);
        net.nothing(conn);
        assert!(net.is_closed(conn));
    }
}

#[test]
fn index_helpers_step_and_count() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let index = keys.first_message_index.clone();
    let count = GetMessageBoxIndexCounter { message_box_index: index };
    let Ok(AnyReply::GetMessageBoxIndexCounter(reply)) = net.call(conn, count.clone()) else { panic!() };
    assert_eq!(reply.counter, keys.first_message_index.counter());
    let last = MessageBoxIndex::from([0xff; 104]);
    let refused = net.call(conn, NextMessageBoxIndex { message_box_index: last });
    assert_eq!(refused, Err((4, FailureDetail::None)));
    let refused = net.call(conn, without(count, "message_box_index"));
    assert_eq!(refused, Err((3, FailureDetail::None)));
}

#[test]
fn documents_of_two_epochs_are_there() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let epoch = net.devnet.epoch();
    for (asked, given) in [(0, epoch), (epoch, epoch), (epoch - 1, epoch - 1)] {
        let Ok(AnyReply::GetPkiDocument(reply)) = net.call(conn, GetPkiDocument { epoch: asked }) else {
            panic!()
        };
        assert_eq!(reply.epoch, given);
        assert!(!reply.payload.is_empty());
    }
    for asked in [1, epoch + 1] {
        let refused = net.call(conn, GetPkiDocument { epoch: asked });
        assert_eq!(refused, Err((10, FailureDetail::Epoch(asked))));
    }
    let Ok(AnyReply::GetDirectoryAuthorities(reply)) = net.call(conn, GetDirectoryAuthorities {}) else {
        panic!()
    };
    assert_eq!(reply.authorities.len(), 3);
}

#[test]
fn without_a_document_there_is_nothing_to_encrypt_with() {
    let mut config = DevnetConfig::instant();
    config.timing.first_document = secs(100);
    let mut net = Net::new(config);
    let conn = net.connect();
    net.pass(secs(30));
    let _ = net.greeting(conn);
    let keys = net.keypair(conn, 1);
    let index = keys.first_message_index;
    let refused = net.call(conn, EncryptRead { read_cap: keys.read_cap, message_box_index: index });
    assert_eq!(refused, Err((4, FailureDetail::None)));
    let refused = net.call(conn, GetPkiDocument { epoch: 0 });
    assert_eq!(refused, Err((10, FailureDetail::Epoch(net.devnet.epoch()))));
}

#[test]
fn slow_calls_are_answered_in_order_and_one_after_the_other() {
    let mut config = quick_reference();
    config.timing.encrypt_time = secs(2);
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let (other, _) = net.session(2);
    let keys = net.keypair(conn, 1);
    let read = EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index };
    let asked = [
        net.ask(conn, read.clone()),
        net.ask(conn, read),
        net.ask(conn, NewKeypair { seed: Seed::from([1; 32]) }),
    ];
    net.pass(millis(1_999));
    net.nothing(conn);
    let _ = net.keypair(other, 1);
    net.pass(millis(1));
    assert_eq!(net.reply(conn).query_id, Some(asked[0]));
    net.nothing(conn);
    net.pass(secs(2));
    assert_eq!(net.reply(conn).query_id, Some(asked[1]));
    assert_eq!(net.reply(conn).query_id, Some(asked[2]));
}

#[test]
fn what_lacks_its_argument_is_refused() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let derive = VoucherDeriveStream { voucher: Voucher::from([1; 32]) };
    let cancel = CancelResendingCopyCommand { write_cap_hash: WriteCapHash::from([1; 32]) };
    for request in [without(derive, "voucher"), without(cancel, "write_cap_hash")] {
        assert_eq!(net.call(conn, request), Err((3, FailureDetail::None)));
    }
}
