//! Encryption of what is inside a box: AES-256-GCM-SIV (Pigeonhole backend §2.7).

use alloc::vec::Vec;

use aes_gcm_siv::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Error};
use zeroize::Zeroizing;

use crate::boxes::BoxId;
use crate::context::Context;
use crate::index::MessageBoxIndex;

/// The key of one box's content, with what ties it to its address.
pub(crate) struct ContentKey {
    cipher: Aes256GcmSiv,
    box_id: BoxId,
}

impl ContentKey {
    pub(crate) fn new(index: &MessageBoxIndex, context: Context<'_>, box_id: BoxId) -> Self {
        let keys = context.encryption_key(index);
        let [key] = &*keys;
        Self { cipher: Aes256GcmSiv::new(key.into()), box_id }
    }

    /// Encrypts; fails only above the limit of the cipher, 64 GiB.
    pub(crate) fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        self.cipher.encrypt(&self.nonce(), Payload { msg: plaintext, aad: &self.box_id.0 })
    }

    pub(crate) fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.cipher
            .decrypt(&self.nonce(), Payload { msg: ciphertext, aad: &self.box_id.0 })
            .map(Zeroizing::new)
    }

    /// Returns the first 12 bytes of the address.
    fn nonce(&self) -> Nonce<Aes256GcmSiv> {
        let mut nonce = Nonce::<Aes256GcmSiv>::default();
        nonce.iter_mut().zip(&self.box_id.0).for_each(|(byte, part)| *byte = *part);
        nonce
    }
}
