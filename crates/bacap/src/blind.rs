//! Root keys turned into the key of one box: addresses and signatures (Pigeonhole backend §2.5, §2.6).

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use ed25519_dalek::hazmat::ExpandedSecretKey;
use ed25519_dalek::{SigningKey, VerifyingKey};
use sha2::{Digest, Sha512, Sha512_256};
use zeroize::Zeroizing;

use crate::boxes::BoxId;
use crate::context::Context;
use crate::index::MessageBoxIndex;

/// Derives the factor between the root key and the key of one box.
fn factor(index: &MessageBoxIndex, context: Context<'_>) -> Zeroizing<Scalar> {
    let key = context.blinding_key(index);
    let digest = Zeroizing::new(Sha512_256::digest(key.as_flattened()).into());
    // Reduced before it multiplies: on a root key with a small-order component the plain clamped integer gives another
    // point than the reference.
    Zeroizing::new(Scalar::from_bytes_mod_order(clamp_integer(*digest)))
}

/// Computes the address of a box from the public root key.
pub(crate) fn box_id(root: &VerifyingKey, index: &MessageBoxIndex, context: Context<'_>) -> BoxId {
    BoxId((*factor(index, context) * root.to_edwards()).compress().to_bytes())
}

/// The private key of one box.
pub(crate) struct BoxKey {
    scalar: Zeroizing<Scalar>,
    id: BoxId,
}

impl BoxKey {
    /// Blinds the private root key.
    pub(crate) fn new(root: &SigningKey, index: &MessageBoxIndex, context: Context<'_>) -> Self {
        let root = ExpandedSecretKey::from(root.as_bytes());
        let scalar = Zeroizing::new(*factor(index, context) * root.scalar);
        let id = BoxId(EdwardsPoint::mul_base(&scalar).compress().to_bytes());
        Self { scalar, id }
    }

    /// Returns the public key, which is the address.
    pub(crate) const fn id(&self) -> BoxId {
        self.id
    }

    /// Signs, with the nonce of the reference.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut halves = Zeroizing::new([[0; 32]; 2]);
        halves.as_flattened_mut().copy_from_slice(&Sha512::digest(self.scalar.as_bytes()));
        let [_, prefix] = &*halves;
        let [_, prefix_tail @ ..] = prefix;
        // The reference also hashes the prefix behind the message, without its first byte. No verifier can tell, but
        // the bytes of the signature depend on it.
        let nonce = Zeroizing::new(hash_to_scalar([prefix, message, prefix_tail]));
        let commitment = EdwardsPoint::mul_base(&nonce).compress().to_bytes();
        let challenge = hash_to_scalar([&commitment, &self.id.0, message]);
        let response = challenge * *self.scalar + *nonce;

        let mut signature = [0; 64];
        signature.copy_from_slice([commitment, response.to_bytes()].as_flattened());
        signature
    }
}

fn hash_to_scalar(parts: [&[u8]; 3]) -> Scalar {
    let hasher = parts.iter().fold(Sha512::new(), Digest::chain_update);
    let digest = Zeroizing::new(hasher.finalize().into());
    Scalar::from_bytes_mod_order_wide(&digest)
}
