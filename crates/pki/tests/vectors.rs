//! Certificates made by the reference, whole and broken, and one of a running network.
#![cfg(all(feature = "falcon", feature = "sphincs"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a vector that can't be read fails the test")]

use std::fs;
use std::time::Duration;

use blake2::{Blake2b256, Digest};
use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{AnyReply, AnyResponse};
use kpthin_pki::{Freshness, Reason, Scheme, TrustRoot, TrustRootBuilder, UnixTime, Verdict};
use serde_json::Value;

const PERIOD: Duration = Duration::from_secs(20 * 60);

fn read(file: &str) -> Vec<u8> {
    fs::read(format!("{}/tests/vectors/{file}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn manifest() -> Value {
    serde_json::from_slice(&read("manifest.json")).unwrap()
}

fn root(manifest: &Value, set: &str) -> TrustRootBuilder {
    let set = &manifest["authorities"][set];
    let scheme: Scheme = set["scheme"].as_str().unwrap().parse().unwrap();
    assert_eq!(set["public_key_bytes"], scheme.public_key_len());
    assert_eq!(set["signature_bytes"], scheme.signature_len());
    let keys = set["keys"].as_array().unwrap();
    keys.iter().zip(0..).fold(TrustRoot::builder(scheme), |builder, (key, number)| {
        let name = key["name"].as_str().unwrap();
        match number % 2 {
            0 => builder.authority_hex(name, key["public_key"].as_str().unwrap()),
            _ => builder.authority_pem(name, key["pem"].as_str().unwrap()),
        }
    })
}

/// The time at which it is this epoch.
fn time(epoch: u64) -> UnixTime {
    UnixTime::from_secs(1_496_275_200 + epoch * PERIOD.as_secs() + 600)
}

fn class(reason: &Reason) -> &'static str {
    match reason {
        Reason::Document(_) => "document",
        Reason::Epoch { .. } => "epoch",
        Reason::Expired { .. } => "expired",
        Reason::KeyType { .. } => "key type",
        Reason::Malformed(_) => "malformed",
        Reason::NothingCertified => "certified",
        Reason::Threshold { .. } => "threshold",
        Reason::Version { .. } => "version",
        other => panic!("{other:?}"),
    }
}

/// The reference does not look at everything that this does, so a wrong thing may be found before the one that the
/// vector is about; `also` are those.
#[test]
fn every_certificate_is_judged_as_the_vectors_say() {
    let manifest = manifest();
    let certificates = manifest["certificates"].as_array().unwrap();
    for entry in certificates {
        let file = entry["file"].as_str().unwrap();
        let threshold = usize::try_from(entry["threshold"].as_u64().unwrap()).unwrap();
        let root =
            root(&manifest, entry["authorities"].as_str().unwrap()).threshold(threshold).epoch_period(PERIOD);
        let root = root.build().unwrap();
        let now = time(entry["now_epoch"].as_u64().unwrap());
        let result = root.verify(&read(file), entry["requested_epoch"].as_u64().unwrap(), Some(now));

        let expect = &entry["expect"];
        let report = match &result {
            Ok(verified) => {
                assert_eq!(expect["valid"], true, "{file}: accepted");
                let hash = Blake2b256::digest(verified.document_bytes());
                let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(expect["certified_blake2b_256"], hash, "{file}");
                Some(verified.report())
            }
            Err(error) => {
                assert_eq!(expect["valid"], false, "{file}: {error}");
                assert_eq!(expect["reason"], class(error.reason()), "{file}: {error}");
                error.report()
            }
        };
        // What not enough have signed is not read.
        let read = matches!(expect["reason"].as_str(), None | Some("epoch"));
        assert_eq!(report.and_then(|report| report.epoch).is_some(), read, "{file}");
        let good = report.map(|report| {
            let signed = report.authorities.iter().filter(|authority| authority.verdict == Verdict::Signed);
            signed.map(|authority| Value::from(authority.name.as_str())).collect::<Value>()
        });
        assert_eq!(expect["good_signatures"], good.unwrap_or(Value::Null), "{file}");
    }
    assert!(certificates.len() > 50, "{}", certificates.len());
}

#[test]
fn keys_have_the_hashes_and_names_of_the_vectors() {
    let manifest = manifest();
    for set in ["ed25519", "falcon", "sphincs"] {
        let file = format!("{set}-valid-2of3.cbor");
        let verified = root(&manifest, set).build().unwrap().verify(&read(&file), 300_000, None).unwrap();
        let keys = manifest["authorities"][set]["keys"].as_array().unwrap();
        for (authority, key) in verified.report().authorities.iter().zip(keys) {
            let hash: String =
                authority.key_hash.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!((&key["name"], &key["key_hash"]), (&authority.name.as_str().into(), &hash.into()));
        }
    }
}

fn live<T>(file: &str, pick: impl Fn(AnyReply) -> Option<T>) -> T {
    let mut frames = FrameBuffer::default();
    frames.push(&read(file));
    let Some(AnyResponse::Reply(reply)) = AnyResponse::decode(frames.next_frame().unwrap().unwrap()).unwrap()
    else {
        panic!("a reply")
    };
    pick(reply.result.unwrap()).unwrap()
}

/// The keys are the daemon's word here, as nothing else is known of that network; an application has its own.
#[test]
fn the_certificate_of_a_running_network_is_good() {
    let bytes = live("live-document-reply.bin", |reply| match reply {
        AnyReply::GetPkiDocument(reply) => Some(reply.payload.to_vec()),
        _ => None,
    });
    let authorities = live("live-authorities-reply.bin", |reply| match reply {
        AnyReply::GetDirectoryAuthorities(reply) => Some(reply.authorities),
        _ => None,
    });
    let scheme: Scheme = authorities[0].pki_signature_scheme.parse().unwrap();
    let root = authorities.iter().fold(TrustRoot::builder(scheme), |builder, authority| {
        builder.authority_pem(authority.identifier.as_str(), &authority.identity_public_key_pem)
    });
    // Its epochs last two minutes.
    let root = root.epoch_period(Duration::from_secs(120)).build().unwrap();
    let now = UnixTime::from_secs(1_496_275_200 + 2_493_183 * 120 + 60);
    let verified = root.verify(&bytes, 2_493_183, Some(now)).unwrap();
    let report = verified.report();
    assert_eq!((report.signed, report.threshold, report.strangers), (3, 2, 0), "{report}");
    assert_eq!(verified.freshness(), Freshness::Checked { expected_epoch: 2_493_183 });
    let hashes = report.authorities.iter().map(|authority| authority.key_hash);
    assert!(hashes.eq(authorities.iter().map(|authority| authority.identity_key_hash)));
    assert!(verified.document().services("courier").count() > 0);
    // Any epoch before its expiration is early enough.
    for epoch in [verified.epoch(), verified.expiration() - 1] {
        let without_time = TrustRoot::verify(&root, &bytes, 2_493_183, None);
        assert_eq!(without_time.is_ok(), epoch < verified.expiration());
    }
}
