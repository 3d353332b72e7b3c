//! The documents, read as a client would.

use std::time::Duration;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use kpthin_core::pki::{self, Certificate};

use super::*;
use crate::faults::Injector;

fn network() -> Network {
    Network::new(&DevnetConfig::instant(), Geometry::new(2_000).unwrap(), [1; 32], Instant::ORIGIN)
}

fn document(network: &Network) -> pki::Document {
    pki::Document::decode(&network.document(network.epoch()).unwrap().plain).unwrap()
}

#[test]
fn the_certificate_carries_the_document_and_three_good_signatures() {
    let network = network();
    let document = network.document(network.epoch()).unwrap();
    let certificate = Certificate::decode(&document.certificate).unwrap();
    assert_eq!(certificate.certified[..], document.plain);
    assert_eq!(certificate.expiration, network.epoch() + 5);
    assert_eq!((certificate.version, certificate.key_type.as_str()), (0, "Ed25519"));
    assert_eq!(certificate.document().unwrap().epoch(), network.epoch());

    let message = certificate.signed_message();
    assert_eq!(certificate.signatures.len(), 3);
    for authority in network.authorities() {
        let signature = &certificate.signatures[&authority.identity_key_hash];
        assert_eq!(signature.public_key_sum256, authority.identity_key_hash);
        let key = unpem(&authority.identity_public_key_pem);
        assert_eq!(IdentityHash::of_key(&key), authority.identity_key_hash);
        let key = VerifyingKey::from_bytes(key.as_slice().try_into().unwrap()).unwrap();
        assert!(key.verify(&message, &Signature::from_slice(&signature.payload).unwrap()).is_ok());
    }
}

fn unpem(text: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bits = digits.trim_end_matches('=').bytes().flat_map(|digit| {
        let value = DIGITS.bytes().position(|other| other == digit).unwrap();
        (0..6).rev().map(move |bit| value >> bit & 1 == 1)
    });
    let bits: Vec<bool> = bits.collect();
    bits.chunks_exact(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

#[test]
fn services_are_found_and_nobody_mistakes_them() {
    let network = network();
    let document = document(&network);
    let hashes: Vec<_> = document.couriers().map(|courier| Some(courier.identity_hash)).collect();
    assert_eq!(hashes, [network.courier_hash(0), network.courier_hash(1)]);
    assert_eq!(document.services("echo").count(), 2);
    assert_eq!(document.topology().len(), 3);

    let nodes = document.topology().flatten().chain(document.gateway_nodes()).chain(document.service_nodes());
    for node in nodes {
        let node = node.descriptor().unwrap();
        assert!(node.name.starts_with("devnet-"));
        assert_eq!(
            node.mix_keys.keys().copied().collect::<Vec<_>>(),
            [0, 1, 2].map(|n| document.epoch() + n)
        );
    }
    assert!(document.storage_replicas().all(|replica| replica.name.starts_with("devnet-")));
}

#[test]
fn replicas_have_keys_for_three_epochs() {
    let network = network();
    let document = document(&network);
    let current = network.replica_epoch();
    assert_eq!(document.replica_epoch(), Some(current));
    assert_eq!(document.storage_replicas().len(), 3);
    for replica in document.storage_replicas() {
        assert!(replica.envelope_keys.keys().copied().eq(current - 1..=current + 1));
        assert!(replica.envelope_keys.values().all(|key| key.len() == 160));
    }
}

#[test]
fn the_documents_of_two_epochs_are_kept_however_many_pass() {
    let mut network = network();
    let epoch = network.epoch();
    let now = Instant::from_origin(Duration::from_secs(50 * 20 * 60));
    let config = DevnetConfig::instant();
    network.handle_timeout(&mut Env { now, config: &config, injector: &mut Injector::new([1; 32]) });
    assert!(matches!(network.poll(), Some(Arrival::Epoch)));
    assert_eq!(network.epoch(), epoch + 50);
    assert!(network.document(epoch + 50).is_some() && network.document(epoch + 49).is_some());
    assert_eq!(network.documents.len(), 2);
}
