//! Copy commands, from packing to the boxes that a courier has written.

use kpthin_core::pki::ServiceAddress;
use kpthin_core::wire::{
    AnyReply, CancelResendingCopyCommand, CreateCourierEnvelopesFromMultiPayload,
    CreateCourierEnvelopesFromPayload, CreateCourierEnvelopesFromTombstoneRange, Destination, EncryptWrite,
    FailureDetail, IdentityHash, KeypairReply, MultiCourierEnvelopes, QueueId, StartResendingCopyCommand,
    TombstoneEnvelopes, WriteCapHash,
};

use super::*;
use crate::BoxState;

const NOT_THERE: FailureDetail = FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 };

pub(super) fn payload(keys: &KeypairReply, payload: &[u8]) -> CreateCourierEnvelopesFromPayload {
    CreateCourierEnvelopesFromPayload {
        payload: SecretBytes::from(payload),
        dest_write_cap: keys.write_cap.clone(),
        dest_start_index: keys.first_message_index.clone(),
        is_start: true,
        is_last: true,
    }
}

fn destination(keys: &KeypairReply, payload: &str) -> Destination {
    Destination {
        payload: SecretBytes::from(payload),
        write_cap: keys.write_cap.clone(),
        start_index: keys.first_message_index.clone(),
    }
}

fn tombstones(keys: &KeypairReply, max_count: u32) -> CreateCourierEnvelopesFromTombstoneRange {
    CreateCourierEnvelopesFromTombstoneRange {
        dest_write_cap: keys.write_cap.clone(),
        dest_start_index: keys.first_message_index.clone(),
        max_count,
        is_start: true,
        is_last: true,
        buffer: None,
    }
}

pub(super) fn copy(keys: &KeypairReply) -> StartResendingCopyCommand {
    let write_cap = keys.write_cap.clone();
    StartResendingCopyCommand { write_cap, courier: None }
}

/// With an epoch so long that no document comes between.
fn configs() -> [DevnetConfig; 2] {
    [DevnetConfig::instant(), quick_reference()].map(|mut config| {
        config.epoch_period = secs(7 * 24 * 60 * 60);
        config
    })
}

impl Net {
    /// Writes the elements to a temporary stream.
    fn upload(&mut self, conn: ConnId, temporary: &KeypairReply, elements: &[SecretBytes]) {
        for (step, element) in elements.iter().enumerate() {
            let request = EncryptWrite {
                write_cap: temporary.write_cap.clone(),
                message_box_index: index_at(temporary, step as u64),
                plaintext: element.clone(),
            };
            let Ok(AnyReply::EncryptWrite(sealed)) = self.call(conn, request) else { panic!("sealed") };
            assert_eq!(self.call_for(conn, secs(600), write(temporary, &sealed)), (0, None));
        }
    }

    /// Has a courier carry out a command, for as long as it takes; what it says, and after how long.
    fn copied(&mut self, conn: ConnId, command: impl Into<Sent>) -> (u8, FailureDetail) {
        let id = self.ask(conn, command);
        self.pass(secs(3_600));
        let reply = self.reply(conn);
        assert_eq!(reply.query_id, Some(id));
        match reply.result {
            Ok(AnyReply::StartResendingCopyCommand(_)) => (0, FailureDetail::None),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => (failure.error_code, failure.detail),
        }
    }

    fn holds(&self, keys: &KeypairReply, step: u64) -> BoxState {
        self.devnet.read_box(&keys.read_cap, &index_at(keys, step))
    }
}

fn failed(replica_error_code: u8, failed_envelope_index: u64) -> (u8, FailureDetail) {
    (26, FailureDetail::Copy { replica_error_code, failed_envelope_index })
}

#[test]
fn a_payload_is_cut_into_boxes_and_carried_out() {
    for config in configs() {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let (temporary, to) = (net.keypair(conn, 1), net.keypair(conn, 2));
        let text: Vec<u8> = (0..4_000_u32).map(|n| n.to_be_bytes()[3]).collect();
        let Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) = net.call(conn, payload(&to, &text))
        else {
            panic!("packed")
        };
        // 1545 bytes a box; three boxes cost 3 · 2003 bytes of elements with 1544 each.
        assert_eq!((packed.next_dest_index, packed.envelopes.len()), (index_at(&to, 3), 4));
        net.upload(conn, &temporary, &packed.envelopes);
        assert_eq!(net.copied(conn, copy(&temporary)), (0, FailureDetail::None));
        let parts: Vec<_> = (0..3).map(|step| net.holds(&to, step)).collect();
        let expected: Vec<_> = text.chunks(1_545).map(|part| BoxState::Message(part.to_vec())).collect();
        assert_eq!(parts, expected);
        assert_eq!(net.holds(&to, 3), BoxState::NotWritten);
        // The temporary stream stays readable, and the same command succeeds again.
        assert!(matches!(net.holds(&temporary, 0), BoxState::Message(_)));
        assert_eq!(net.copied(conn, copy(&temporary)), (0, FailureDetail::None));
    }
}

#[test]
fn a_stream_over_several_calls_fills_several_destinations() {
    let mut net = Net::new(configs()[0].clone());
    let (conn, _) = net.session(1);
    let temporary = net.keypair(conn, 1);
    let [a, b, c] = [2, 3, 4].map(|seed| net.keypair(conn, seed));
    let multi = |destinations, is_start, is_last, buffer| CreateCourierEnvelopesFromMultiPayload {
        destinations,
        is_start,
        is_last,
        buffer,
    };
    let mut call = |request: CreateCourierEnvelopesFromMultiPayload| -> MultiCourierEnvelopes {
        match net.call(conn, request) {
            Ok(AnyReply::CreateCourierEnvelopesFromMultiPayload(reply)) => reply,
            other => panic!("{other:?}"),
        }
    };
    let first = call(multi(vec![destination(&a, "to a"), destination(&b, "to b")], true, false, None));
    assert_eq!(first.next_dest_indices, [index_at(&a, 1), index_at(&b, 1)]);
    let last = call(multi(vec![destination(&c, "to c")], false, true, first.buffer.clone()));
    assert!(first.buffer.is_some() && last.buffer.is_none());
    let elements = [first.envelopes, last.envelopes].concat();
    net.upload(conn, &temporary, &elements);
    assert_eq!(net.copied(conn, copy(&temporary)), (0, FailureDetail::None));
    for (keys, text) in [(&a, "to a"), (&b, "to b"), (&c, "to c")] {
        assert_eq!(net.holds(keys, 0), BoxState::Message(text.into()));
    }
}

#[test]
fn a_range_is_deleted_by_a_courier() {
    let mut net = Net::new(configs()[0].clone());
    let (conn, _) = net.session(1);
    let (temporary, to) = (net.keypair(conn, 1), net.keypair(conn, 2));
    let sealed = net.encrypt_write(conn, &to, "soon gone");
    assert_eq!(net.call_for(conn, secs(1), write(&to, &sealed)), (0, None));
    let call = |net: &mut Net, request| -> TombstoneEnvelopes {
        match net.call(conn, request) {
            Ok(AnyReply::CreateCourierEnvelopesFromTombstoneRange(reply)) => reply,
            other => panic!("{other:?}"),
        }
    };
    let none = CreateCourierEnvelopesFromTombstoneRange { buffer: Some("lost".into()), ..tombstones(&to, 0) };
    let none = call(&mut net, none);
    assert_eq!((none.envelopes.len(), none.buffer, none.next_dest_index), (0, None, index_at(&to, 0)));
    let packed = call(&mut net, tombstones(&to, 3));
    assert_eq!(packed.next_dest_index, index_at(&to, 3));
    net.upload(conn, &temporary, &packed.envelopes);
    assert_eq!(net.copied(conn, copy(&temporary)), (0, FailureDetail::None));
    assert!((0..3).all(|step| net.holds(&to, step) == BoxState::Tombstone));
}

#[test]
fn a_failure_names_the_envelope_keeps_what_was_before_it_and_is_remembered() {
    let mut net = Net::new(configs()[0].clone());
    let (conn, _) = net.session(1);
    let (temporary, to) = (net.keypair(conn, 1), net.keypair(conn, 2));
    // The third box holds something else already.
    let third = EncryptWrite {
        write_cap: to.write_cap.clone(),
        message_box_index: index_at(&to, 2),
        plaintext: "in the way".into(),
    };
    let Ok(AnyReply::EncryptWrite(sealed)) = net.call(conn, third) else { panic!("sealed") };
    assert_eq!(net.call_for(conn, secs(1), write(&to, &sealed)), (0, None));
    let Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) =
        net.call(conn, payload(&to, &[b'x'; 1_545 * 4]))
    else {
        panic!("packed")
    };
    net.upload(conn, &temporary, &packed.envelopes);
    let pinned = |net: &Net, courier| StartResendingCopyCommand {
        courier: Some(ServiceAddress {
            node: net.devnet.network.courier_hash(courier).unwrap(),
            queue: QueueId::new("courier").unwrap(),
        }),
        ..copy(&temporary)
    };
    let command = pinned(&net, 0);
    assert_eq!(net.copied(conn, command), failed(10, 3));
    assert_eq!(net.holds(&to, 1), BoxState::Message(vec![b'x'; 1_545]));
    assert_eq!(net.holds(&to, 3), BoxState::NotWritten);
    // What is in the way does not go; another courier finds the same, this one just remembers.
    let command = pinned(&net, 1);
    assert_eq!(net.copied(conn, command), failed(10, 3));
    let command = pinned(&net, 0);
    assert_eq!(net.copied(conn, command), failed(10, 3));
}

#[test]
fn a_stream_that_does_not_end_fails_when_the_courier_gives_up() {
    let mut net = Net::new(configs()[0].clone());
    let (conn, _) = net.session(1);
    let (temporary, to) = (net.keypair(conn, 1), net.keypair(conn, 2));
    let request = CreateCourierEnvelopesFromPayload { is_last: false, ..payload(&to, b"one") };
    let Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) = net.call(conn, request) else {
        panic!("packed")
    };
    net.upload(conn, &temporary, &packed.envelopes);
    assert_eq!(net.copied(conn, copy(&temporary)), failed(1, 2), "the box behind the last is not there");
    assert_eq!(net.holds(&to, 0), BoxState::Message("one".into()), "nothing is rolled back");
}

#[test]
fn a_command_is_cancelled_by_the_hash_of_its_capability_and_the_courier_goes_on() {
    for mut config in configs() {
        config.timing.copy_pause = millis(500);
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let (temporary, to) = (net.keypair(conn, 1), net.keypair(conn, 2));
        let Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) = net.call(conn, payload(&to, b"one"))
        else {
            panic!("packed")
        };
        net.upload(conn, &temporary, &packed.envelopes[..1]);
        let started = net.ask(conn, copy(&temporary));
        net.pass(secs(10));
        let hash = WriteCapHash::of(&temporary.write_cap);
        let cancel = net.ask(conn, CancelResendingCopyCommand { write_cap_hash: hash });
        let reply = net.reply(conn);
        assert_eq!(reply.query_id, Some(started));
        let failure = reply.result.unwrap_err();
        assert_eq!((failure.error_code, failure.detail), (24, NOT_THERE));
        assert_eq!(net.reply(conn).query_id, Some(cancel));
        // The rest comes late; the courier has waited for it.
        for (step, element) in packed.envelopes.iter().enumerate().skip(1) {
            let request = EncryptWrite {
                write_cap: temporary.write_cap.clone(),
                message_box_index: index_at(&temporary, step as u64),
                plaintext: element.clone(),
            };
            let Ok(AnyReply::EncryptWrite(sealed)) = net.call(conn, request) else { panic!("sealed") };
            assert_eq!(net.call_for(conn, secs(600), write(&temporary, &sealed)), (0, None));
        }
        net.pass(secs(120));
        assert_eq!(net.holds(&to, 0), BoxState::Message("one".into()));
    }
}

#[test]
fn wrong_requests_are_told_so() {
    let mut net = Net::new(configs()[0].clone());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let none = FailureDetail::None;
    let long = vec![0; (10 << 20) + 1];
    assert_eq!(net.call(conn, payload(&keys, &long)), Err((3, none.clone())));
    let no_cap = without(payload(&keys, b"x"), "dest_write_cap");
    assert_eq!(net.call(conn, no_cap), Err((3, none.clone())));
    let nowhere = CreateCourierEnvelopesFromMultiPayload {
        destinations: Vec::new(),
        is_start: true,
        is_last: true,
        buffer: None,
    };
    assert_eq!(net.call(conn, nowhere), Err((3, none)));
    let unknown = StartResendingCopyCommand {
        courier: Some(ServiceAddress {
            node: IdentityHash::from([9; 32]),
            queue: QueueId::new("courier").unwrap(),
        }),
        ..copy(&keys)
    };
    assert_eq!(net.copied(conn, unknown), (4, NOT_THERE));
    let no_cap = without(copy(&keys), "write_cap");
    assert_eq!(net.copied(conn, no_cap), (3, NOT_THERE));
}
