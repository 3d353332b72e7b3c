//! Ids, hashes and byte strings of other lengths and forms than the specification has (§2.1).

use kpthin_core::wire::RequestKind;

use super::*;

const IDS: [(RequestKind, &str); 3] = [
    (RequestKind::SessionToken, "client_instance_token"),
    (RequestKind::SendMessage, "surbid"),
    (RequestKind::SendMessage, "id"),
];
const HASHES: [(RequestKind, &str); 3] = [
    (RequestKind::SendMessage, "destination_id_hash"),
    (RequestKind::CancelResendingEncryptedMessage, "envelope_hash"),
    (RequestKind::CancelResendingCopyCommand, "write_cap_hash"),
];
const LENGTHS: [usize; 9] = [0, 1, 15, 16, 17, 31, 32, 33, 300];

fn counting(len: usize) -> Vec<u8> {
    (0..len).map(|byte| u8::try_from(byte % 251 + 1).unwrap()).collect()
}

/// §2.1: fixed arrays take strings and arrays of any length, which are padded with zeros or cut.
#[test]
fn ids_and_hashes_of_any_length_are_padded_or_cut() {
    let cuts = Quirks { cut_ids: true, ..Quirks::default() };
    let fixed = IDS.map(|it| (it, 16)).into_iter().chain(HASHES.map(|it| (it, 32)));
    for (((kind, name), len), given) in fixed.flat_map(|it| LENGTHS.map(|len| (it, len))) {
        let mut expected = counting(given);
        expected.resize(len, 0);
        for value in [bytes(&counting(given)), array(&counting(given))] {
            let query = ("query_id", bytes(&[9; 16]));
            let has_query = shape::members(kind).iter().any(|(name, _)| *name == "query_id");
            let members: Vec<_> = [(name, value)]
                .into_iter()
                .chain(has_query.then_some(query))
                .chain(companion(name))
                .collect();
            let Frame::Request(incoming) = read(&frame(kind, &members), &cuts) else {
                panic!("{name} of {given}");
            };
            assert_eq!(member(&incoming.request, name), Some(expected.clone()), "{name} of {given}");
        }
    }
    for given in LENGTHS {
        let mut expected = counting(given);
        expected.resize(16, 0);
        let members = [("query_id", array(&counting(given))), ("seed", bytes(&[1; 32]))];
        let Frame::Request(incoming) = read(&frame(RequestKind::NewKeypair, &members), &cuts) else {
            panic!("{given}");
        };
        assert_eq!(incoming.query_id.unwrap().as_bytes()[..], expected);
    }
}

/// To a daemon that does not cut them they are nothing but bytes.
#[test]
fn ids_of_any_length_are_told_apart_and_hashes_have_to_fit() {
    let quirks = Quirks::default();
    for (kind, name) in IDS {
        let mut met = std::collections::BTreeSet::new();
        for len in LENGTHS {
            let members: Vec<_> =
                [(name, bytes(&counting(len)))].into_iter().chain(companion(name)).collect();
            let Frame::Request(incoming) = read(&frame(kind, &members), &quirks) else { panic!("{name}") };
            assert!(met.insert(member(&incoming.request, name).unwrap()), "{name} of {len}");
        }
    }
    for (kind, name) in &HASHES[1..] {
        for len in LENGTHS {
            let members = [(*name, array(&counting(len))), ("query_id", bytes(&[9; 16]))];
            let frame = read(&frame(*kind, &members), &quirks);
            assert_eq!(matches!(frame, Frame::Request(_)), len == 32, "{name} of {len}: {frame:?}");
            assert_eq!(matches!(frame, Frame::Unusable(_)), len != 32, "{name} of {len}: {frame:?}");
        }
    }
}

/// §2.1: byte slices come as strings, whole or in parts, or as arrays.
#[test]
fn byte_strings_come_in_every_form() {
    for (kind, name) in [
        (RequestKind::NewKeypair, "seed"),
        (RequestKind::SendMessage, "payload"),
        (RequestKind::SendMessage, "recipient_queue_id"),
        (RequestKind::VoucherDeriveStream, "voucher"),
        (RequestKind::VoucherInduct, "voucher_payload"),
    ] {
        let content = counting(32);
        let parts = [&[0x5f, 0x41, content[0], 0x58, 31][..], &content[1..], &[0xff]].concat();
        let tagged = [&[0xc1][..], &bytes(&content)].concat();
        for value in [bytes(&content), array(&content), parts, tagged] {
            let query = ("query_id", bytes(&[9; 16]));
            let members: Vec<_> = [(name, value), query].into_iter().chain(companion(name)).collect();
            let Frame::Request(incoming) = read(&frame(kind, &members), &Quirks::reference()) else {
                panic!("{name}");
            };
            assert_eq!(member(&incoming.request, name), Some(content.clone()), "{name}");
        }
        for wrong in
            [vec![0x01], vec![0x61, b'a'], vec![0x81, 0x19, 1, 0], vec![0x81, 0x20], vec![0x81, 0x61, b'a']]
        {
            let frame = read(&frame(kind, &[(name, wrong)]), &Quirks::reference());
            assert!(matches!(frame, Frame::Violation(_)), "{name}: {frame:?}");
        }
    }
}

#[test]
fn a_queue_id_of_any_length_is_no_broken_frame() {
    for len in [0, 1, 32, 33, 5_000] {
        let members = [("recipient_queue_id", bytes(&counting(len)))];
        let Frame::Request(incoming) = read(&frame(RequestKind::SendMessage, &members), &Quirks::default())
        else {
            panic!("{len}");
        };
        let fits = (1..=32).contains(&len);
        assert_eq!(incoming.gaps.queue, (!fits).then_some(NoQueue::Length(len)));
    }
}

#[test]
fn seeds_and_vouchers_of_another_length_are_answered() {
    for (kind, name) in [(RequestKind::NewKeypair, "seed"), (RequestKind::VoucherDeriveStream, "voucher")] {
        for len in [0, 31, 33] {
            for quirks in [Quirks::default(), Quirks::reference()] {
                let members = [(name, array(&counting(len))), ("query_id", bytes(&[9; 16]))];
                let Frame::Unusable(unusable) = read(&frame(kind, &members), &quirks) else {
                    panic!("{name} of {len}");
                };
                assert_eq!(unusable.kind, kind);
                assert_eq!(unusable.query_id.unwrap().as_bytes(), &[9; 16]);
            }
        }
    }
}

#[test]
fn capabilities_of_another_length_end_the_connection_or_are_answered() {
    for len in [0, 103, 105] {
        let members = [("query_id", bytes(&[9; 16])), ("message_box_index", bytes(&counting(len)))];
        let body = frame(RequestKind::NextMessageBoxIndex, &members);
        assert!(matches!(read(&body, &Quirks::default()), Frame::Unusable(_)), "{len}");
        let Frame::Violation(problem) = read(&body, &Quirks::reference()) else { panic!("{len}") };
        assert!(problem.contains("message_box_index") && problem.contains("104"), "{problem}");
    }
}
