//! The right to fill and delete the boxes of a stream (Pigeonhole backend §2.2, §2.3, §2.7).

use alloc::vec::Vec;
use core::fmt;

use ed25519_dalek::{Signer, SigningKey};
use zeroize::Zeroizing;

use crate::blind::BoxKey;
use crate::boxes::SealedBox;
use crate::content::ContentKey;
use crate::context::Context;
use crate::error::CapError;
use crate::index::MessageBoxIndex;
use crate::read_cap::ReadCap;
use crate::stream::Material;

/// The right to fill and delete the boxes of a stream.
///
/// Its 168 bytes are root seed (32) ‖ root key (32) ‖ index (104). It includes the right to read.
#[derive(Clone, PartialEq, Eq)]
pub struct WriteCap {
    root: SigningKey,
    index: MessageBoxIndex,
}

impl WriteCap {
    /// The encoded length in bytes.
    pub const LEN: usize = 168;

    /// Makes the stream of a seed.
    ///
    /// The seed must be secret and uniformly random. The same seed gives the same stream, everywhere.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::from_material(&Material::from_seed(seed))
    }

    /// Makes the stream of a voucher, in which the two sides of a voucher exchange meet.
    ///
    /// Everyone who knows the voucher can read and write this stream (Pigeonhole backend §11).
    #[must_use]
    pub fn from_voucher(voucher: &[u8; 32]) -> Self {
        Self::from_material(&Material::from_voucher(voucher))
    }

    fn from_material(material: &Material) -> Self {
        Self { root: SigningKey::from_bytes(&material.root_seed), index: MessageBoxIndex::first(material) }
    }

    /// Decodes a capability.
    ///
    /// # Errors
    ///
    /// - [`CapError::Length`] unless there are 168 bytes.
    /// - [`CapError::KeyMismatch`] if the public key is not the one of the seed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CapError> {
        let wrong_length = CapError::Length(bytes.len());
        let (root, index) = bytes.split_first_chunk().ok_or(wrong_length)?;
        let index = MessageBoxIndex::from_bytes(index).map_err(|_| wrong_length)?;
        let root = SigningKey::from_keypair_bytes(root).map_err(|_| CapError::KeyMismatch)?;
        Ok(Self { root, index })
    }

    /// Returns the capability with its index turned by `salt`; see [`MessageBoxIndex::mutate`].
    #[must_use]
    pub fn mutate(&self, salt: &[u8]) -> Self {
        Self { root: self.root.clone(), index: self.index.mutate(salt) }
    }

    /// Encrypts and signs one box.
    ///
    /// The ciphertext is 16 bytes longer than the plaintext, which may be empty. Pad first: the length is visible. The
    /// same plaintext at the same index gives the same box, byte for byte.
    ///
    /// # Panics
    ///
    /// If the plaintext is longer than 64 GiB, the limit of the cipher.
    #[must_use]
    pub fn seal(&self, index: &MessageBoxIndex, context: Context<'_>, plaintext: &[u8]) -> SealedBox {
        let key = BoxKey::new(&self.root, index, context);
        #[expect(clippy::expect_used, reason = "documented; a truncated or missing box would be worse")]
        let ciphertext = ContentKey::new(index, context, key.id())
            .encrypt(plaintext)
            .expect("a plaintext of at most 64 GiB");
        SealedBox { box_id: key.id(), signature: key.sign(&ciphertext), ciphertext }
    }

    /// Signs the deletion of one box.
    ///
    /// Replicas put it in the place of whatever they hold, and also where they hold nothing.
    #[must_use]
    pub fn tombstone(&self, index: &MessageBoxIndex, context: Context<'_>) -> SealedBox {
        let key = BoxKey::new(&self.root, index, context);
        SealedBox { box_id: key.id(), signature: key.sign(b""), ciphertext: Vec::new() }
    }

    /// Signs a message with the root key, unblinded, as vouchers do; [`ReadCap::verify`] checks it.
    ///
    /// Such a signature shows the root key and so links to the stream for those who hold the read capability.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.root.sign(message).to_bytes()
    }

    /// Returns the right to read the same boxes.
    #[must_use]
    pub fn read_cap(&self) -> ReadCap {
        ReadCap::new(self.root.verifying_key(), self.index.clone())
    }

    /// Returns the index the capability starts at.
    #[must_use]
    pub const fn index(&self) -> &MessageBoxIndex {
        &self.index
    }

    /// Encodes the capability; the bytes are as secret as the capability and are not wiped.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 168] {
        let mut bytes = [0; Self::LEN];
        let root = Zeroizing::new(self.root.to_keypair_bytes());
        let index = Zeroizing::new(self.index.to_bytes());
        bytes.iter_mut().zip(root.iter().chain(index.iter())).for_each(|(byte, part)| *byte = *part);
        bytes
    }
}

impl fmt::Debug for WriteCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WriteCap(..)")
    }
}
