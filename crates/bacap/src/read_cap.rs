//! The right to find and open the boxes of a stream (Pigeonhole backend §2.2, §2.8).

use core::fmt;

use ed25519_dalek::{Signature, Verifier, VerifyingKey};
use zeroize::Zeroizing;

use crate::blind;
use crate::boxes::{BoxId, Opened, SealedBox};
use crate::content::ContentKey;
use crate::context::Context;
use crate::error::{CapError, OpenError};
use crate::index::MessageBoxIndex;

/// The right to find and open the boxes of a stream, from the capability's own index on.
///
/// Its 136 bytes are root key (32) ‖ index (104).
#[derive(Clone, PartialEq, Eq)]
pub struct ReadCap {
    root: VerifyingKey,
    index: MessageBoxIndex,
}

impl ReadCap {
    /// The encoded length in bytes.
    pub const LEN: usize = 136;

    pub(crate) const fn new(root: VerifyingKey, index: MessageBoxIndex) -> Self {
        Self { root, index }
    }

    /// Decodes a capability.
    ///
    /// # Errors
    ///
    /// - [`CapError::Length`] unless there are 136 bytes.
    /// - [`CapError::NotAKey`] if the root key is not a curve point. The check accepts what the reference accepts: any
    ///   sign bit, unreduced coordinates, keys of small order.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CapError> {
        let wrong_length = CapError::Length(bytes.len());
        let (root, index) = bytes.split_first_chunk().ok_or(wrong_length)?;
        let index = MessageBoxIndex::from_bytes(index).map_err(|_| wrong_length)?;
        let root = VerifyingKey::from_bytes(root).map_err(|_| CapError::NotAKey)?;
        Ok(Self { root, index })
    }

    /// Returns the capability with its index turned by `salt`; see [`MessageBoxIndex::mutate`].
    #[must_use]
    pub fn mutate(&self, salt: &[u8]) -> Self {
        Self { root: self.root, index: self.index.mutate(salt) }
    }

    /// Computes the address of a box.
    #[must_use]
    pub fn box_id(&self, index: &MessageBoxIndex, context: Context<'_>) -> BoxId {
        blind::box_id(&self.root, index, context)
    }

    /// Verifies and decrypts what was found at `index`.
    ///
    /// The address is compared before anything else, so a box that its owner signed for another index is refused.
    ///
    /// # Errors
    ///
    /// In the order of the checks:
    /// - [`OpenError::NoBox`] if the box id is all zero.
    /// - [`OpenError::WrongBox`] if it is not the one asked for.
    /// - [`OpenError::Signature`] if the signature does not verify.
    /// - [`OpenError::Content`] if the signed content does not decrypt.
    pub fn open(
        &self,
        index: &MessageBoxIndex,
        context: Context<'_>,
        sealed: &SealedBox,
    ) -> Result<Opened, OpenError> {
        if sealed.box_id == BoxId::NONE {
            return Err(OpenError::NoBox);
        }
        if sealed.box_id != self.box_id(index, context) {
            return Err(OpenError::WrongBox);
        }
        if !sealed.box_id.verify(&sealed.ciphertext, &sealed.signature) {
            return Err(OpenError::Signature);
        }
        if sealed.ciphertext.is_empty() {
            return Ok(Opened::Tombstone);
        }
        let key = ContentKey::new(index, context, sealed.box_id);
        key.decrypt(&sealed.ciphertext).map(Opened::Content).map_err(|_| OpenError::Content)
    }

    /// Tells whether the owner of the stream signed `message` with the root key; see [`WriteCap::sign`].
    ///
    /// [`WriteCap::sign`]: crate::WriteCap::sign
    #[must_use = "a message with a wrong signature must not be believed"]
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.root.verify(message, &Signature::from_bytes(signature)).is_ok()
    }

    /// Returns the index the capability starts at.
    #[must_use]
    pub const fn index(&self) -> &MessageBoxIndex {
        &self.index
    }

    /// Encodes the capability; the bytes are as secret as the capability and are not wiped.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 136] {
        let mut bytes = [0; Self::LEN];
        let index = Zeroizing::new(self.index.to_bytes());
        let parts = self.root.as_bytes().iter().chain(index.iter());
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        bytes
    }
}

impl fmt::Debug for ReadCap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadCap(..)")
    }
}
