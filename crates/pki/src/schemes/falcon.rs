//! Falcon-512 as of its third round, in the padded form (Pigeonhole backend §12.3).

use ed25519_dalek::Signature;
use fn_dsa_vrfy::{DOMAIN_NONE, HASH_ID_ORIGINAL_FALCON, VerifyingKey, VerifyingKey512};

use crate::scheme::Scheme;

/// What the first byte of a padded signature of degree 512 is.
const HEADER: u8 = 0x39;
const SIGNATURE_LEN: usize = Scheme::Falcon512Ed25519.signature_len() - Signature::BYTE_SIZE;

#[derive(Clone, Debug)]
pub(crate) struct PublicKey(VerifyingKey512);

impl PublicKey {
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        VerifyingKey512::decode(bytes).map(Self)
    }

    /// Length and header are looked at here as well, so that what is accepted does not depend on what a library makes of
    /// signatures without padding.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_LEN
            && signature.first() == Some(&HEADER)
            && self.0.verify(signature, &DOMAIN_NONE, &HASH_ID_ORIGINAL_FALCON, message)
    }
}
