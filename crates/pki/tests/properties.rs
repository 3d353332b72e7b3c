//! Whatever the bytes are: nothing panics, and nothing that was not signed is accepted.
#![expect(clippy::unwrap_used, reason = "a vector that can't be read fails the test")]

use kpthin_core::pki::Certificate;
use kpthin_pki::{Scheme, TrustRoot};
use proptest::prelude::*;

/// Two of three signed, so no signature is one too many.
const SPARSE: &[u8] = include_bytes!("vectors/ed25519-valid-2of3.cbor");
const EPOCH: u64 = 300_000;

fn root() -> TrustRoot {
    TrustRoot::builder(Scheme::Ed25519)
        .authority_hex("auth1", "acd2bd9d5987f0a6c54a3dfbe6cff49375d02ec1c0c5dd6d2b8e362da1a494b3")
        .authority_hex("auth2", "ea22e551fa4391b61fa5092b1c0cbb34003ddc8fbc92beb762240a3a7bce9602")
        .authority_hex("auth3", "c323fc003a2de21815a717ad967957584eeefc89c3c6d40b3b333def6c8c12cf")
        .build()
        .unwrap()
}

/// Accepted or not; if so, what was signed is what was signed before.
fn check(root: &TrustRoot, bytes: &[u8]) -> bool {
    let original = Certificate::decode(SPARSE).unwrap();
    match root.verify(bytes, EPOCH, None) {
        Ok(verified) => {
            assert_eq!(verified.document_bytes(), &original.certified[..]);
            assert_eq!(verified.expiration(), original.expiration);
            assert!(verified.report().signed >= 2);
            true
        }
        Err(_) => false,
    }
}

#[test]
fn a_byte_that_is_changed_anywhere_is_refused_or_signed_nothing() {
    let root = root();
    let original = Certificate::decode(SPARSE).unwrap();
    assert!(check(&root, SPARSE));
    let mut accepted = 0;
    for at in 0..SPARSE.len() {
        for bit in [0x01, 0x80] {
            let mut bytes = SPARSE.to_vec();
            bytes[at] ^= bit;
            accepted += usize::from(check(&root, &bytes));
        }
    }
    // Only the keys of the map of signatures are looked at by nobody, and a version that is not there is 0, as it is in
    // the reference, so its name may be any other.
    let keys = original.signatures.len() * 32 * 2;
    assert_eq!(accepted, keys + "Version".len(), "of {}", SPARSE.len() * 2);
}

#[test]
fn a_certificate_that_is_cut_anywhere_is_refused() {
    let root = root();
    assert!((0..SPARSE.len()).all(|len| !check(&root, &SPARSE[..len])));
}

proptest! {
    #[test]
    fn anything_at_all(bytes in prop::collection::vec(any::<u8>(), 0..400), epoch: u64) {
        prop_assert!(root().verify(&bytes, epoch, None).is_err());
    }

    #[test]
    fn several_changes(changes in prop::collection::vec((0..SPARSE.len(), any::<u8>()), 1..8)) {
        let mut bytes = SPARSE.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        let _ = check(&root(), &bytes);
    }
}
