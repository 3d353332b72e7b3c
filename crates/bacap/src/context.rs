//! Contexts, and the keys of one box under one of them (Pigeonhole backend §2.5).

use zeroize::Zeroizing;

use crate::index::MessageBoxIndex;
use crate::kdf;

/// A name that separates the uses of a stream.
///
/// The same capability and index lead to unrelated boxes under different contexts. Any bytes will do; both sides must
/// use the same ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Context<'a>(&'a [u8]);

impl Context<'static> {
    /// The context of all boxes in the Pigeonhole protocol: 18 ASCII bytes (Pigeonhole backend §2.5).
    pub const PIGEONHOLE: Self = Self(b"pigeonhole context");
}

impl<'a> Context<'a> {
    /// Makes a context of any bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes it is made of.
    #[must_use]
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Derives the key that blinds the address of a box.
    pub(crate) fn blinding_key(self, index: &MessageBoxIndex) -> Zeroizing<[[u8; 32]; 1]> {
        kdf::derive(index.blinding_value(), self.0, b"")
    }

    /// Derives the key that encrypts the content of a box.
    pub(crate) fn encryption_key(self, index: &MessageBoxIndex) -> Zeroizing<[[u8; 32]; 1]> {
        kdf::derive(index.encryption_value(), self.0, b"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{array, entries, hex};

    #[test]
    fn keys_are_those_of_the_reference() {
        for entry in entries("box_id") {
            let index = MessageBoxIndex::from_bytes(&hex(&entry, "index")).unwrap();
            let bytes = hex(&entry, "context");
            let context = Context::new(&bytes);
            assert_eq!(context.blinding_key(&index).as_flattened(), array::<32>(&entry, "k_ctx"));
            assert_eq!(context.encryption_key(&index).as_flattened(), array::<32>(&entry, "e_ctx"));
        }
    }
}
