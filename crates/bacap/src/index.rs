//! The position in a stream, and the only way it moves: forward (Pigeonhole backend §2.2, §2.4, §2.9).

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::IndexError;
use crate::kdf;
use crate::stream::Material;

/// The `info` of the derivation that a voucher exchange applies to a capability.
const MUTATION_INFO: &[u8] = b"bacap-mutate-kdf-state-v1";

/// The position of one box in a stream, with the secrets that lead to this box and all later ones.
///
/// Its 104 bytes are counter (8, little-endian) ‖ blinding value (32) ‖ encryption value (32) ‖ KDF state (32). Any 104
/// bytes are an index; nothing ties it to a capability except having been reached from that capability's own index.
///
/// It has no order, because two indexes with the same counter may belong to different streams. Compare
/// [`counter`](Self::counter) where the stream is known to be the same.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct MessageBoxIndex {
    counter: u64,
    blinding_value: [u8; 32],
    encryption_value: [u8; 32],
    kdf_state: [u8; 32],
}

impl MessageBoxIndex {
    /// The encoded length in bytes.
    pub const LEN: usize = 104;

    /// Decodes an index.
    ///
    /// # Errors
    ///
    /// - [`IndexError::Length`] unless there are 104 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IndexError> {
        Self::parse(bytes).ok_or(IndexError::Length(bytes.len()))
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (counter, bytes) = bytes.split_first_chunk()?;
        let (blinding_value, bytes) = bytes.split_first_chunk()?;
        let (encryption_value, bytes) = bytes.split_first_chunk()?;
        Some(Self {
            counter: u64::from_le_bytes(*counter),
            blinding_value: *blinding_value,
            encryption_value: *encryption_value,
            kdf_state: bytes.try_into().ok()?,
        })
    }

    /// Makes the first index of a new stream.
    pub(crate) fn first(material: &Material) -> Self {
        // The counter of new material is below 2⁶³.
        Self::step(&material.kdf_state, material.counter, material.counter.saturating_add(1))
    }

    fn step(kdf_state: &[u8; 32], counter: u64, next: u64) -> Self {
        let keys = kdf::derive(kdf_state, b"", &counter.to_le_bytes());
        let [kdf_state, encryption_value, blinding_value] = *keys;
        Self { counter: next, blinding_value, encryption_value, kdf_state }
    }

    /// Returns the index of the next box.
    ///
    /// # Errors
    ///
    /// - [`IndexError::Exhausted`] if the counter is 2⁶⁴ − 1.
    pub fn next(&self) -> Result<Self, IndexError> {
        let next = self.counter.checked_add(1).ok_or(IndexError::Exhausted)?;
        Ok(Self::step(&self.kdf_state, self.counter, next))
    }

    /// Returns the index of the box with the given counter.
    ///
    /// It takes one key derivation, some microseconds, for each box in between. Bound the distance first if the target
    /// comes from somebody else.
    ///
    /// # Errors
    ///
    /// - [`IndexError::Rewind`] if the target lies before this index.
    pub fn advance_to(&self, counter: u64) -> Result<Self, IndexError> {
        if counter < self.counter {
            return Err(IndexError::Rewind);
        }
        let mut index = self.clone();
        while index.counter < counter {
            index = index.next()?;
        }
        Ok(index)
    }

    /// Returns the index of the same counter in the stream that `salt` turns this one into.
    ///
    /// Applied with the same salt to a write capability and to its read capability it gives the same boxes, which
    /// nobody without the salt can find. Voucher exchanges use 32 random bytes.
    #[must_use]
    pub fn mutate(&self, salt: &[u8]) -> Self {
        let keys = kdf::derive(&self.kdf_state, salt, MUTATION_INFO);
        let [kdf_state, encryption_value, blinding_value] = *keys;
        Self { counter: self.counter, blinding_value, encryption_value, kdf_state }
    }

    /// Returns the number of the box in its stream.
    #[must_use]
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    /// Encodes the index; the bytes are as secret as the index and are not wiped.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 104] {
        let counter = self.counter.to_le_bytes();
        let parts =
            counter.iter().chain(&self.blinding_value).chain(&self.encryption_value).chain(&self.kdf_state);
        let mut bytes = [0; Self::LEN];
        bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = *part);
        bytes
    }

    pub(crate) const fn blinding_value(&self) -> &[u8; 32] {
        &self.blinding_value
    }

    pub(crate) const fn encryption_value(&self) -> &[u8; 32] {
        &self.encryption_value
    }
}

impl fmt::Debug for MessageBoxIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageBoxIndex(#{})", self.counter)
    }
}
