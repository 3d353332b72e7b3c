//! The frames of the vectors, read and written as the reference does.

mod incomplete;
mod lengths;

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
