//! The frames of the vectors, read and written as the reference does.

use std::fs;
use std::path::PathBuf;

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{AnyRequest, AnyResponse, RequestKind, Surb};
use serde_json::Value;

use super::*;
use crate::quirks::Quirks;

fn vectors() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/tests/vectors/frames")
}

/// The files of one direction, with their entry and the body of their first frame if that is whole.
fn files(direction: &str) -> Vec<(Value, Option<Vec<u8>>)> {
    let manifest = fs::read_to_string(vectors().join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let entries = manifest["files"].as_array().unwrap().iter();
    let entries = entries.filter(|entry| entry["direction"] == direction);
    entries
        .map(|entry| {
            let bytes = fs::read(vectors().join(entry["file"].as_str().unwrap())).unwrap();
            let mut frames = FrameBuffer::default();
            frames.push(&bytes);
            (entry.clone(), frames.next_frame().ok().flatten().map(<[u8]>::to_vec))
        })
        .collect()
}

fn read(body: &[u8], quirks: &Quirks) -> Frame {
    decode(body, quirks, &mut Ids::default())
}

#[test]
fn what_the_reference_decodes_is_decoded_and_nothing_else() {
    let quirks = Quirks::reference();
    let mut count = 0;
    for (entry, body) in files("request") {
        let (Some(body), verdict) = (body, &entry["reference_go_decoder"]) else { continue };
        let frame = read(&body, &quirks);
        let members = verdict["members"].as_array().cloned().unwrap_or_default();
        match (verdict["result"].as_str().unwrap(), &frame) {
            ("ok", Frame::Nothing) => assert!(members.is_empty(), "{entry}"),
            ("ok", Frame::Request(incoming)) => {
                // It acts on the first of them that comes first in its order.
                assert!(members.contains(&incoming.request.kind().name().into()), "{entry}");
            }
            ("ok", Frame::Unusable(unusable)) => {
                assert!(members.contains(&unusable.kind.name().into()), "{entry}");
                assert!(entry["expect"]["outcome"] == "invalid_request" || unusable.decodes, "{entry}");
            }
            ("decode error", Frame::Violation(_)) | ("nil request", Frame::Null) => {}
            // Older reference decoders do not look.
            (_, Frame::BadCapability) => {
                let note = entry["expect"]["note"].as_str().unwrap_or_default();
                assert!(note.starts_with("newer reference decoders fail"), "{entry}");
            }
            // What nobody sends: it is answered, where the reference would run out of memory.
            _ => panic!("{entry}: {frame:?}"),
        }
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_daemon_as_it_should_be_refuses_by_code_what_it_can() {
    for (entry, body) in files("request") {
        let Some(body) = body else { continue };
        let frame = read(&body, &Quirks::default());
        match entry["expect"]["outcome"].as_str().unwrap() {
            "accept" => {
                // What is missing from these is no matter of how a frame is read.
                let incomplete = entry["file"].as_str().unwrap().contains("-null");
                let fits = match frame {
                    Frame::Request(_) => !incomplete,
                    Frame::Unusable(Unusable { decodes, .. }) => incomplete && decodes,
                    _ => false,
                };
                assert!(fits, "{entry}");
            }
            "ignore" => assert!(matches!(frame, Frame::Nothing), "{entry}: {frame:?}"),
            "invalid_request" => {
                let later = ["write-cap-mismatch", "read-cap-off-curve"];
                let file = entry["file"].as_str().unwrap();
                let looked_into_later = later.iter().any(|part| file.contains(part));
                assert!(matches!(frame, Frame::Unusable(_)) || looked_into_later, "{entry}: {frame:?}");
            }
            "violation" => assert!(matches!(frame, Frame::Violation(_) | Frame::Null), "{entry}: {frame:?}"),
            _ => {}
        }
    }
}

#[test]
fn responses_are_written_to_the_byte_as_the_reference_writes_them() {
    let mut count = 0;
    for (entry, body) in files("response") {
        let file = entry["file"].as_str().unwrap();
        let Some(body) = body.filter(|_| file.starts_with("go/")) else { continue };
        // A list without elements is nil there also deep inside; ours in there are never empty.
        if file == "go/response-get_directory_authorities_reply.bin" {
            continue;
        }
        let response = AnyResponse::decode(&body).unwrap().unwrap();
        let mut frame = Vec::new();
        response.encode(&mut frame).unwrap();
        let written = with_null_members(frame);
        assert_eq!(written[..4], u32::try_from(written.len() - 4).unwrap().to_be_bytes());
        assert_eq!(written[4..], body, "{file}");
        count += 1;
    }
    assert!(count > 40, "{count}");
}

#[test]
fn what_is_no_frame_of_ours_is_left_as_it_is() {
    for frame in [&b"\0\0\0\x13\xa1\x70devnet_invention\xa0"[..], b"\0\0\0\x02\xa1\x7f", b"\xff", b""] {
        assert_eq!(with_null_members(frame.to_vec()), frame);
    }
    assert_eq!(reordered(b"\x01"), b"\x01");
    assert_eq!(reordered(b"\xa2\x61a\x01\x61b\x81\x02"), b"\xa2\x61b\x81\x02\x61a\x01");
}

/// Without what else a member would say nothing, or its request would not be complete.
fn companion(name: &str) -> Option<(&'static str, Vec<u8>)> {
    match name {
        "surbid" => Some(("with_surb", vec![0xf5])),
        "voucher_payload" => Some(("voucher", bytes(&[1; 32]))),
        _ => None,
    }
}

/// A frame with one request, whose members are given as their encoded values.
fn frame(kind: RequestKind, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let text = |text: &str| [&text_head(text.len())[..], text.as_bytes()].concat();
    let mut body =
        [vec![0xa1], text(kind.name()), vec![0xa0 | u8::try_from(members.len()).unwrap()]].concat();
    for (name, value) in members {
        body.extend(text(name));
        body.extend(value);
    }
    body
}

fn text_head(len: usize) -> Vec<u8> {
    let len = u8::try_from(len).unwrap();
    if len < 24 { vec![0x60 | len] } else { vec![0x78, len] }
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    [&[0x59][..], &len.to_be_bytes(), bytes].concat()
}

/// The same as an array of integers.
fn array(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).unwrap();
    let elements = bytes.iter().flat_map(|byte| if *byte < 24 { vec![*byte] } else { vec![0x18, *byte] });
    [&[0x99][..], &len.to_be_bytes()].concat().into_iter().chain(elements).collect()
}

/// The bytes of a member as the daemon has them then.
fn member(request: &AnyRequest, name: &str) -> Option<Vec<u8>> {
    let (name, request) = (name.to_owned(), request.clone());
    Some(match (name.as_str(), request) {
        ("client_instance_token", AnyRequest::SessionToken(it)) => {
            it.client_instance_token.as_bytes().to_vec()
        }
        ("surbid", AnyRequest::SendMessage(it)) => it.surb.id()?.as_bytes().to_vec(),
        ("id", AnyRequest::SendMessage(it)) => it.id?.as_bytes().to_vec(),
        ("destination_id_hash", AnyRequest::SendMessage(it)) => it.destination_id_hash.as_bytes().to_vec(),
        ("recipient_queue_id", AnyRequest::SendMessage(it)) => it.recipient_queue_id.as_bytes().to_vec(),
        ("payload", AnyRequest::SendMessage(it)) => it.payload.to_vec(),
        ("seed", AnyRequest::NewKeypair(it)) => it.seed.as_bytes().to_vec(),
        ("envelope_hash", AnyRequest::CancelResendingEncryptedMessage(it)) => {
            it.envelope_hash.as_bytes().to_vec()
        }
        ("write_cap_hash", AnyRequest::CancelResendingCopyCommand(it)) => {
            it.write_cap_hash.as_bytes().to_vec()
        }
        ("voucher", AnyRequest::VoucherDeriveStream(it)) => it.voucher.as_bytes().to_vec(),
        ("voucher_payload", AnyRequest::VoucherInduct(it)) => it.voucher_payload.to_vec(),
        (name, request) => panic!("{name} of {:?}", request.kind()),
    })
}

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

#[test]
fn keys_in_another_case_are_known_and_the_exact_one_goes_first() {
    let seed = |fill| bytes(&[fill; 32]);
    let members = [("SEED", seed(1)), ("Query_Id", bytes(&[9; 16]))];
    let body = frame(RequestKind::NewKeypair, &members);
    let Frame::Request(incoming) = read(&body, &Quirks::default()) else { panic!() };
    assert_eq!(member(&incoming.request, "seed"), Some(vec![1; 32]));
    assert!(incoming.query_id.is_some());
    // Of two that are meant for one member the first counts.
    let members = [("seed", seed(1)), ("seed", seed(2)), ("Seed", seed(3))];
    let Frame::Request(incoming) = read(&frame(RequestKind::NewKeypair, &members), &Quirks::default()) else {
        panic!()
    };
    assert_eq!(member(&incoming.request, "seed"), Some(vec![1; 32]));
}

/// A request of the core's samples, without one of its members.
fn without(kind: RequestKind, name: &str) -> Vec<u8> {
    let members: &[(&str, Vec<u8>)] = &match kind {
        RequestKind::SendMessage => vec![
            ("with_surb", vec![0xf5]),
            ("surbid", bytes(&[4; 16])),
            ("destination_id_hash", bytes(&[5; 32])),
            ("recipient_queue_id", bytes(b"+echo")),
        ],
        _ => vec![
            ("query_id", bytes(&[9; 16])),
            ("read_cap", bytes(&kpthin_bacap::WriteCap::from_seed(&[1; 32]).read_cap().to_bytes())),
            ("message_box_index", bytes(&[6; 104])),
            ("envelope_hash", bytes(&[7; 32])),
        ],
    };
    let left: Vec<_> = members.iter().filter(|(member, _)| *member != name).cloned().collect();
    assert_eq!(left.len(), members.len() - usize::from(!name.is_empty()));
    frame(kind, &left)
}

#[test]
fn what_the_reference_does_without_is_a_gap() {
    let (message, start) = (RequestKind::SendMessage, RequestKind::StartResendingEncryptedMessage);
    let none = Gaps::default();
    for (kind, name, gaps) in [
        (message, "", none),
        (message, "destination_id_hash", Gaps { destination: true, ..none }),
        (message, "recipient_queue_id", Gaps { queue: Some(NoQueue::Missing), ..none }),
        (start, "", none),
        (start, "message_box_index", Gaps { index: true, ..none }),
    ] {
        for quirks in [Quirks::default(), Quirks::reference()] {
            let Frame::Request(incoming) = read(&without(kind, name), &quirks) else { panic!("{name}") };
            assert_eq!(incoming.gaps, gaps, "{name}");
        }
    }
    let Frame::Request(incoming) = read(&without(message, "surbid"), &Quirks::default()) else { panic!() };
    let AnyRequest::SendMessage(send) = &incoming.request else { panic!() };
    assert_eq!((send.surb, incoming.gaps), (Surb::Unnamed, none));
}

#[test]
fn what_nobody_does_without_is_refused_with_whom_to_answer() {
    let kind = RequestKind::StartResendingEncryptedMessage;
    for name in ["read_cap", "envelope_hash"] {
        for quirks in [Quirks::default(), Quirks::reference()] {
            let Frame::Unusable(unusable) = read(&without(kind, name), &quirks) else { panic!("{name}") };
            assert_eq!((unusable.kind, unusable.decodes), (kind, true));
            assert_eq!(unusable.query_id.unwrap().as_bytes(), &[9; 16]);
        }
    }
}

/// An incomplete request is not looked into, except for capabilities that are none.
#[test]
fn a_capability_that_is_none_is_found_in_an_incomplete_request_too() {
    let mut off_curve = [0; 136];
    off_curve[0] = 2;
    let body =
        frame(RequestKind::EncryptRead, &[("query_id", bytes(&[9; 16])), ("read_cap", bytes(&off_curve))]);
    assert!(matches!(read(&body, &Quirks::default()), Frame::Unusable(_)));
    assert!(matches!(read(&body, &Quirks::reference()), Frame::BadCapability));
}
