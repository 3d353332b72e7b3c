//! The signed form of a document, taken apart but not verified.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use super::{Document, DocumentError};
use crate::{
    cbor::message,
    wire::{Blob, IdentityHash},
};

message! {
    /// A document with its signatures (§7.4).
    ///
    /// Decoding says nothing about the signatures; that is another crate's business.
    #[derive(Default)]
    pub struct Certificate {
        /// The name of the signature scheme.
        pub key_type: String as "KeyType",
        /// 0.
        pub version: u32 as "Version",
        /// What is signed: an encoded [`Document`].
        pub certified: Blob as "Certified",
        /// The first epoch at which the certificate is no longer valid.
        pub expiration: u64 as "Expiration",
        /// The signatures by the hash of the signer's key.
        ///
        /// Nothing ties this key to the one in the signature: look at that one (Pigeonhole backend
        /// §12.2).
        pub signatures: BTreeMap<IdentityHash, Signature> as "Signatures",
    }

    /// One signature of a certificate (§7.4).
    pub struct Signature {
        /// The signature's bytes.
        pub payload: Blob as "Payload",
        /// BLAKE2b-256 of the signer's public key.
        pub public_key_sum256: IdentityHash as "PublicKeySum256",
    }
}

impl Certificate {
    /// Reads a certificate; keys come in any order.
    ///
    /// # Errors
    ///
    /// [`DocumentError`], also for bytes behind the certificate and for members that stand there
    /// twice: a reader that keeps the last one would use another text than was verified.
    pub fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        super::decode(bytes)
    }

    /// The canonical encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        super::encode(self)
    }

    /// What every signature covers (§7.4).
    #[must_use]
    pub fn signed_message(&self) -> Vec<u8> {
        let mut message = Vec::new();
        message.extend_from_slice(&self.version.to_le_bytes());
        message.extend_from_slice(&self.expiration.to_le_bytes());
        message.extend_from_slice(self.key_type.as_bytes());
        message.extend_from_slice(&self.certified);
        message
    }

    /// Reads the certified document, whose signatures were verified or not.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the member that cannot be used.
    pub fn document(&self) -> Result<Document, DocumentError> {
        Document::decode(&self.certified)
    }
}
