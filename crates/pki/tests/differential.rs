//! The same verdicts as other implementations give: the reference C code of Falcon and SPHINCS+, and another Ed25519.
#![cfg(all(feature = "falcon", feature = "sphincs"))]
#![expect(clippy::unwrap_used, clippy::panic, reason = "what can't be prepared fails the test")]

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use kpthin_core::pki::{Certificate, Signature};
use kpthin_core::wire::{Blob, IdentityHash};
use kpthin_pki::{Reason, Scheme, TrustRoot, Verdict};
use pqcrypto_falcon::falconpadded512;
use pqcrypto_sphincsplus::sphincsshake256256frobust as sphincs;
use pqcrypto_traits::sign::{DetachedSignature as _, PublicKey as _};

const EPOCH: u64 = 300_000;

/// A source of small numbers; the same ones every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// Somebody who signs, and somebody else's verification.
enum Pair {
    Ed25519(SigningKey),
    Falcon(Box<(falconpadded512::PublicKey, falconpadded512::SecretKey)>, SigningKey),
    Sphincs(SigningKey, sphincs::PublicKey, sphincs::SecretKey),
}

impl Pair {
    fn new(scheme: Scheme, seed: u8) -> Self {
        let key = SigningKey::from_bytes(&[seed; 32]);
        match scheme {
            Scheme::Ed25519 => Self::Ed25519(key),
            Scheme::Falcon512Ed25519 => Self::Falcon(Box::new(falconpadded512::keypair()), key),
            Scheme::Ed25519Sphincs => {
                let (public, secret) = sphincs::keypair();
                Self::Sphincs(key, public, secret)
            }
            other => panic!("{other}"),
        }
    }

    fn public_key(&self) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.verifying_key().to_bytes().to_vec(),
            Self::Falcon(keys, key) => [keys.0.as_bytes(), key.verifying_key().as_bytes()].concat(),
            Self::Sphincs(key, public, _) => [key.verifying_key().as_bytes(), public.as_bytes()].concat(),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed25519(key) => key.sign(message).to_bytes().to_vec(),
            Self::Falcon(keys, key) => {
                let falcon = falconpadded512::detached_sign(message, &keys.1);
                [falcon.as_bytes(), &key.sign(message).to_bytes()].concat()
            }
            Self::Sphincs(key, _, secret) => {
                let sphincs = sphincs::detached_sign(message, secret);
                [&key.sign(message).to_bytes(), sphincs.as_bytes()].concat()
            }
        }
    }

    /// What the other implementations say of it.
    fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        let ed25519 = |key: &SigningKey, bytes: &[u8]| {
            let public = ed25519_compact::PublicKey::new(key.verifying_key().to_bytes());
            ed25519_compact::Signature::from_slice(bytes).is_ok_and(|it| public.verify(message, &it).is_ok())
        };
        match self {
            Self::Ed25519(key) => ed25519(key, signature),
            Self::Falcon(keys, key) => signature.split_last_chunk::<64>().is_some_and(|(first, second)| {
                falconpadded512::DetachedSignature::from_bytes(first).is_ok_and(|first| {
                    falconpadded512::verify_detached_signature(&first, message, &keys.0).is_ok()
                }) && ed25519(key, second)
            }),
            Self::Sphincs(key, public, _) => {
                signature.split_first_chunk::<64>().is_some_and(|(first, second)| {
                    ed25519(key, first)
                        && sphincs::DetachedSignature::from_bytes(second)
                            .is_ok_and(|it| sphincs::verify_detached_signature(&it, message, public).is_ok())
                })
            }
        }
    }
}

fn certificate(scheme: Scheme, text: &[u8]) -> Certificate {
    Certificate {
        key_type: scheme.name().to_owned(),
        version: 0,
        certified: Blob::from(text.to_vec()),
        expiration: EPOCH + 5,
        signatures: BTreeMap::new(),
    }
}

/// What this crate says of a signature under a certificate.
fn verdict(root: &TrustRoot, public_key: &[u8], mut certificate: Certificate, signature: Vec<u8>) -> Verdict {
    let public_key_sum256 = IdentityHash::of_key(public_key);
    let signature = Signature { payload: Blob::from(signature), public_key_sum256 };
    drop(certificate.signatures.insert(public_key_sum256, signature));
    // What is certified is no document, which is found after the signatures.
    let error = root.verify(&certificate.encode(), EPOCH, None).unwrap_err();
    let verdict = error.report().unwrap().authorities[0].verdict;
    assert_eq!(matches!(error.reason(), Reason::Document(_)), verdict == Verdict::Signed);
    verdict
}

fn agree(scheme: Scheme, signatures: u8, mutations: usize) {
    let mut numbers = Numbers(7);
    for seed in 0..signatures {
        let pair = Pair::new(scheme, seed);
        let public_key = pair.public_key();
        let root = TrustRoot::builder(scheme).authority("one", public_key.clone()).build().unwrap();
        let signed = certificate(scheme, &vec![seed; usize::from(seed) * 97 + 1]);
        let message = signed.signed_message();
        let signature = pair.sign(&message);
        assert_eq!(signature.len(), scheme.signature_len());
        assert!(pair.accepts(&message, &signature));
        assert_eq!(verdict(&root, &public_key, signed.clone(), signature.clone()), Verdict::Signed);

        let mut both_accept = 0;
        for _ in 0..mutations {
            let (mut other, mut bytes) = (signed.clone(), signature.clone());
            match numbers.below(8) {
                0 => other.expiration ^= 1 << numbers.below(2),
                1 => {
                    let mut text = other.certified.to_vec();
                    let at = numbers.below(text.len());
                    text[at] ^= 1 << numbers.below(8);
                    other.certified = text.into();
                }
                // Ends and seams of the halves more often than chance would have it.
                2 => {
                    let seams = [0, 1, 31, 32, 40, 41, 63, 64, 65, 654, 665, 666, bytes.len() - 1];
                    let at = seams[numbers.below(seams.len())] % bytes.len();
                    bytes[at] ^= 1 << numbers.below(8);
                }
                _ => {
                    let at = numbers.below(bytes.len());
                    bytes[at] ^= 1 << numbers.below(8);
                }
            }
            let message = other.signed_message();
            let (theirs, ours) = (pair.accepts(&message, &bytes), verdict(&root, &public_key, other, bytes));
            assert_eq!(theirs, ours == Verdict::Signed, "{scheme} {seed}");
            both_accept += usize::from(theirs);
        }
        assert_eq!(both_accept, 0, "none of these schemes lets anything be changed");
    }
}

/// An authority counts once, however often it signed, and nobody has to look at any number of its signatures.
#[test]
fn of_many_signatures_of_one_authority_a_few_are_looked_at() {
    let pair = Pair::new(Scheme::Ed25519, 1);
    let public_key = pair.public_key();
    let root = TrustRoot::builder(Scheme::Ed25519).authority("one", public_key.clone()).build().unwrap();
    let public_key_sum256 = IdentityHash::of_key(&public_key);
    for (bad, expected) in
        [(0, Verdict::Signed), (3, Verdict::Signed), (4, Verdict::Bad), (1_000, Verdict::Bad)]
    {
        let mut certificate = certificate(Scheme::Ed25519, b"x");
        let good = pair.sign(&certificate.signed_message());
        for number in 0..=bad {
            let payload = Blob::from(if number == bad { good.clone() } else { vec![0; 64] });
            let mut key = [0; 32];
            key.iter_mut().zip(u64::to_be_bytes(number)).for_each(|(to, from)| *to = from);
            let signature = Signature { payload, public_key_sum256 };
            drop(certificate.signatures.insert(IdentityHash::from(key), signature));
        }
        let error = root.verify(&certificate.encode(), EPOCH, None).unwrap_err();
        let report = error.report().unwrap();
        assert_eq!(report.authorities[0].verdict, expected, "{bad}");
        assert!(report.signed <= 1);
    }
}

#[test]
fn ed25519() {
    agree(Scheme::Ed25519, 20, 100);
}

#[test]
fn falcon_padded_512_ed25519() {
    agree(Scheme::Falcon512Ed25519, 10, 100);
}

#[test]
fn ed25519_sphincs() {
    agree(Scheme::Ed25519Sphincs, 2, 20);
}

#[test]
fn every_wrong_length_is_told_and_none_panics() {
    for scheme in Scheme::ALL {
        let pair = Pair::new(scheme, 1);
        let public_key = pair.public_key();
        let root = TrustRoot::builder(scheme).authority("one", public_key.clone()).build().unwrap();
        let signed = certificate(scheme, b"x");
        let good = pair.sign(&signed.signed_message());
        let expected = scheme.signature_len();
        for actual in [0, 1, 31, 63, 64, 65, 665, 666, 667, expected - 1, expected + 1, expected * 2] {
            let bytes: Vec<u8> = good.iter().copied().cycle().take(actual).collect();
            let verdict = verdict(&root, &public_key, signed.clone(), bytes);
            match actual == expected {
                true => assert_eq!(verdict, Verdict::Signed),
                false => assert_eq!(verdict, Verdict::WrongLength { expected, actual }),
            }
        }
    }
}
