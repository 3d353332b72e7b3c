//! Boxes as the network sees them: an address, a ciphertext and a signature.

use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use zeroize::Zeroizing;

/// The address of a box, which is also the Ed25519 key its signature verifies with.
///
/// It is public. Ids of one stream have nothing in common for those without its read capability.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "the wire closes it: any 32 bytes, nothing else")]
pub struct BoxId(pub [u8; 32]);

impl BoxId {
    /// The id that stands for "no box" in answers.
    pub const NONE: Self = Self([0; 32]);

    /// Tells whether the id is the encoding of a curve point, as the id of every real box is.
    #[must_use]
    pub fn is_key(&self) -> bool {
        self.key().is_some()
    }

    /// Tells whether the owner of this box signed `ciphertext`; a tombstone has the empty one.
    ///
    /// This is what a replica checks before it stores. The rules are those of the reference (Pigeonhole backend §2.10):
    /// no cofactor, R compared as bytes, S below the group order, keys of small order allowed.
    #[must_use = "a box with a wrong signature must not be stored or believed"]
    pub fn verify(&self, ciphertext: &[u8], signature: &[u8; 64]) -> bool {
        self.key().is_some_and(|key| key.verify(ciphertext, &Signature::from_bytes(signature)).is_ok())
    }

    fn key(&self) -> Option<VerifyingKey> {
        VerifyingKey::from_bytes(&self.0).ok()
    }
}

impl fmt::Debug for BoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// One box, ready to be stored; made by [`WriteCap`](crate::WriteCap), opened by [`ReadCap`](crate::ReadCap).
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the wire closes it")]
pub struct SealedBox {
    /// The address.
    pub box_id: BoxId,
    /// The encrypted content, 16 bytes longer than the plaintext. Empty in a tombstone, and only there.
    pub ciphertext: Vec<u8>,
    /// The signature over the ciphertext.
    pub signature: [u8; 64],
}

impl fmt::Debug for SealedBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedBox({:?}, {} bytes)", self.box_id, self.ciphertext.len())
    }
}

/// What a box turned out to hold.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the wire closes it: a ciphertext is empty or it is not")]
#[must_use = "a tombstone is not an empty message"]
pub enum Opened {
    /// The plaintext, which may be empty; wiped on drop.
    Content(Zeroizing<Vec<u8>>),
    /// The owner deleted the box.
    Tombstone,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Content(plaintext) => write!(f, "Content({} bytes)", plaintext.len()),
            Self::Tombstone => f.write_str("Tombstone"),
        }
    }
}
