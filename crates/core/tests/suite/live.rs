//! Frames captured on a running network of the reference's own programs (§9.10).

use ciborium::Value as Cbor;
use kpthin_core::{
    pki::{Certificate, Document},
    wire::{AnyReply, AnyResponse, DecodeError, IdentityHash, RequestKind, replica_epoch},
};
use serde_json::Value as Json;

use crate::support::{Message, assert_same, bytes, frames, json, list, text};

fn body(file: &str) -> Vec<u8> {
    let (mut bodies, left) = frames(&bytes(&format!("live/{file}"))).unwrap();
    assert_eq!((bodies.len(), left), (1, 0), "{file}");
    bodies.remove(0)
}

fn message(entry: &Json) -> Message {
    let file = text(&entry["file"]);
    let message = Message::decode(text(&entry["direction"]), &body(file));
    message.unwrap_or_else(|error| panic!("{file}: {error}")).unwrap()
}

fn response(file: &str) -> AnyResponse {
    AnyResponse::decode(&body(file)).unwrap().unwrap()
}

fn reply(file: &str) -> AnyReply {
    match response(file) {
        AnyResponse::Reply(reply) => reply.result.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// The one member of a captured frame that is not `null`, read by another decoder.
fn captured_member(file: &str) -> (String, Cbor) {
    let outer: Cbor = ciborium::from_reader(&*body(file)).unwrap();
    let mut set: Vec<_> = outer.into_map().unwrap();
    set.retain(|(_, value)| !value.is_null());
    assert_eq!(set.len(), 1, "{file}");
    let (name, value) = set.remove(0);
    (name.into_text().unwrap(), value)
}

/// Requests made to be refused: their members have a wrong length, and the daemon answered 3.
const REFUSED: [&str; 2] = ["057-voucher-derive-stream.bin", "065-new-keypair.bin"];

#[test]
fn requests_that_the_daemon_refused_are_refused_here() {
    for file in REFUSED {
        let error = Message::decode("request", &body(file)).unwrap_err();
        assert!(!error.is_violation(), "{file}");
        assert!(matches!(error, DecodeError::Member { query_id: Some(_), .. }), "{file}");
    }
}

#[test]
fn every_captured_frame_is_read_and_written_again() {
    let manifest = json("live/manifest.json");
    let entries = list(&manifest["files"]);
    assert_eq!(entries.len(), 87);
    for entry in entries {
        let file = text(&entry["file"]);
        if REFUSED.contains(&file) {
            continue;
        }
        let message = message(entry);
        let (member, value) = message.member();
        let (captured, expected) = captured_member(file);
        assert_eq!(member, captured, "{file}");
        assert_eq!(member, text(&entry["member"]), "{file}");
        assert_same(file, &expected, &value);
        let again = Message::decode(text(&entry["direction"]), &message.encode());
        assert_eq!(again, Ok(Some(message)), "{file}");
    }
}

#[test]
fn replies_name_the_request_they_answer() {
    let manifest = json("live/manifest.json");
    let entries = list(&manifest["files"]);
    let mut answers = 0;
    for entry in entries {
        let Some(request) = entry["answers"].as_str() else { continue };
        if REFUSED.contains(&request) {
            continue;
        }
        let asked = entries.iter().find(|entry| entry["file"] == request).unwrap();
        let (Message::Request(asked), Message::Response(reply)) = (message(asked), message(entry)) else {
            panic!("{request}");
        };
        let AnyResponse::Reply(reply) = reply else { continue };
        assert_eq!(reply.query_id, asked.query_id, "{request}");
        assert_eq!(reply.kind, asked.request.kind(), "{request}");
        let error_code = reply.result.map_or_else(|failure| failure.error_code, |_| 0);
        assert_eq!(text(&entry["meaning"]), format!("answer, error_code {error_code}"));
        answers += 1;
    }
    assert!(answers > 30);
}

#[test]
fn a_queued_reply_comes_before_the_session_is_resumed() {
    let manifest = json("live/manifest.json");
    let sequence = &list(&manifest["sequences"])[0];
    assert_eq!(sequence["name"], "resume-with-queued-reply");
    let messages: Vec<_> = list(&sequence["frames"]).iter().map(message).collect();
    let [
        Message::Response(AnyResponse::ConnectionStatus(status)),
        Message::Response(AnyResponse::NewPkiDocument(document)),
        Message::Request(token),
        Message::Response(AnyResponse::MessageReply(queued)),
        Message::Response(AnyResponse::SessionToken(session)),
    ] = &*messages
    else {
        panic!("{messages:?}");
    };
    let geometry = status.pigeonhole_geometry.as_ref().unwrap();
    assert_eq!(geometry.max_plaintext_payload_length, 1_549);
    let forward = status.sphinx_geometry.as_ref().unwrap().forward_payload_length;
    assert_eq!(queued.payload.len(), usize::try_from(forward).unwrap());
    assert!(Document::decode(document.payload.as_ref().unwrap()).is_ok());
    assert_eq!((token.request.kind(), token.query_id), (RequestKind::SessionToken, None));
    assert!(session.resumed);
}

#[test]
fn the_signed_document_names_its_three_signers() {
    let manifest = json("live/manifest.json");
    let expected = &manifest["certificate"];
    let AnyReply::GetPkiDocument(reply_document) = reply(text(&expected["reply"])) else { panic!() };
    let AnyReply::GetDirectoryAuthorities(authorities) = reply(text(&expected["authorities"])) else {
        panic!()
    };
    assert_eq!(reply_document.epoch, expected["epoch"]);

    let certificate = Certificate::decode(&reply_document.payload).unwrap();
    assert_eq!((certificate.version, certificate.key_type.as_str()), (0, "Ed25519"));
    assert_eq!(certificate.expiration, reply_document.epoch + 5);
    assert_eq!(certificate.encode(), *reply_document.payload);

    let mut signers: Vec<_> =
        certificate.signatures.values().map(|signature| signature.public_key_sum256).collect();
    let mut known: Vec<_> =
        authorities.authorities.iter().map(|authority| authority.identity_key_hash).collect();
    signers.sort_unstable();
    known.sort_unstable();
    assert_eq!(known.len(), 3);
    assert_eq!(signers, known);
    for authority in &authorities.authorities {
        assert_eq!(authority.pki_signature_scheme, certificate.key_type);
        assert!(authority.identity_public_key_pem.starts_with("-----BEGIN ED25519 PUBLIC KEY-----"));
    }
}

#[test]
fn the_certified_document_lists_services_and_replicas() {
    let manifest = json("live/manifest.json");
    let AnyReply::GetPkiDocument(reply) = reply(text(&manifest["certificate"]["reply"])) else { panic!() };
    let certificate = Certificate::decode(&reply.payload).unwrap();
    let document = certificate.document().unwrap();

    assert_eq!(document.epoch(), reply.epoch);
    let certified = |bytes: &[u8]| ciborium::from_reader::<Cbor, _>(bytes).unwrap();
    assert_same(
        "document",
        &certified(&certificate.certified),
        &certified(&document.content().unwrap().encode()),
    );
    assert!(document.topology().flatten().all(|node| node.descriptor().is_some()));
    assert!(document.gateway_nodes().len() > 0);

    for (capability, queue) in [("echo", "+echo"), ("courier", "courier")] {
        let found: Vec<_> = document.services(capability).collect();
        assert!(!found.is_empty(), "{capability}");
        for service in found {
            assert_eq!(service.queue.as_bytes(), queue.as_bytes());
            assert!(document.service_nodes().filter_map(|node| node.descriptor()).any(|node| {
                node.name == service.node && IdentityHash::of_key(&node.identity_key) == service.identity_hash
            }));
        }
    }
    assert_eq!(document.storage_replicas().len(), 3);
    assert_eq!(document.content().unwrap().configured_replica_ids.as_deref(), Some(&[0, 1, 2][..]));
    assert_eq!(document.replica_epoch(), Some(494));
    assert!(document.storage_replicas().all(|replica| replica.envelope_keys.contains_key(&494)));
}

/// What an envelope says about its epoch is what the document says.
#[test]
fn an_envelope_was_made_in_the_replica_epoch_of_the_document() {
    let AnyReply::EncryptWrite(write) = reply("019-encrypt-write-reply-0.bin") else { panic!() };
    assert_eq!(write.message_ciphertext.len(), 2_000);
    assert_eq!(replica_epoch(&write.message_ciphertext), Some(494));
    let AnyReply::EncryptRead(read) = reply("023-encrypt-read-reply-0.bin") else { panic!() };
    assert_eq!(replica_epoch(&read.message_ciphertext), Some(494));
}
