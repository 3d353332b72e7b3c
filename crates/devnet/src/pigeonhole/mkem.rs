//! Encryption to several replicas at once, and of their answers (Pigeonhole backend §5.1).
//!
//! The network agrees on keys by CTIDH1024 and X25519 together. Here it is X25519 alone, inside fields of the real
//! sizes: public keys are 32 bytes of key and 128 zeros, private keys 32 and 130 (§5.4). The filler is ignored on the
//! way in. Sizes, freshness and the encryption to the replicas' keys are kept; the resistance to quantum computers and
//! any use with a real daemon are not.

use core::fmt;

use blake2::{Blake2b256, Digest};
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit, Nonce};
use thiserror::Error;
use x25519_dalek::StaticSecret;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Entropy;

/// Bytes of a public key.
pub(crate) const PUBLIC_KEY_LEN: usize = 160;
/// Bytes of a private key.
pub(crate) const PRIVATE_KEY_LEN: usize = 162;
/// Bytes of a message key encrypted to one recipient: nonce, key, tag.
pub(crate) const WRAPPED_KEY_LEN: usize = 60;

/// None of the keys at hand opens it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the message was not encrypted to this key, or was damaged")]
pub(crate) struct DecryptError;

/// A public key: 32 bytes for X25519, 128 of filler.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; PUBLIC_KEY_LEN]);

impl PublicKey {
    /// Takes any bytes.
    pub(crate) const fn from_bytes(bytes: [u8; PUBLIC_KEY_LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.0
    }

    fn x25519(&self) -> x25519_dalek::PublicKey {
        x25519_dalek::PublicKey::from(leading(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "PublicKey({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A private key: 32 bytes for X25519, 130 of filler.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PrivateKey([u8; PRIVATE_KEY_LEN]);

impl PrivateKey {
    /// Makes the key of 32 secret random bytes.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let mut bytes = [0; PRIVATE_KEY_LEN];
        bytes.iter_mut().zip(seed).for_each(|(byte, seed)| *byte = *seed);
        Self(bytes)
    }

    /// Takes any bytes of the right length.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; PRIVATE_KEY_LEN] {
        &self.0
    }

    /// Computes the public key.
    pub(crate) fn public_key(&self) -> PublicKey {
        let key = x25519_dalek::PublicKey::from(&self.x25519());
        let mut bytes = [0; PUBLIC_KEY_LEN];
        bytes.iter_mut().zip(key.as_bytes()).for_each(|(byte, key)| *byte = *key);
        PublicKey(bytes)
    }

    /// Agrees on the cipher that both key owners can compute.
    fn agree(&self, peer: &PublicKey) -> ChaCha20Poly1305 {
        let shared = self.x25519().diffie_hellman(&peer.x25519());
        let key = Zeroizing::new(<[u8; 32]>::from(Blake2b256::digest(shared.as_bytes())));
        ChaCha20Poly1305::new((&*key).into())
    }

    fn x25519(&self) -> StaticSecret {
        StaticSecret::from(leading(&self.0))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

/// A message encrypted to `N` recipients.
#[derive(Clone, Debug)]
pub(crate) struct Encapsulated<const N: usize> {
    /// The fresh key of the sender, with which the answers open.
    pub(crate) private_key: PrivateKey,
    /// The message key for each recipient, in their order.
    pub(crate) wrapped_keys: [[u8; WRAPPED_KEY_LEN]; N],
    /// The message, 28 bytes longer than it was.
    pub(crate) envelope: Vec<u8>,
}

/// Encrypts a message to `N` recipients.
///
/// Entropy is drawn in the order of the reference: key pair, message key, nonce, one nonce for each recipient.
pub(crate) fn encapsulate<const N: usize>(
    recipients: [&PublicKey; N],
    plaintext: &[u8],
    entropy: &mut impl Entropy,
) -> Encapsulated<N> {
    let private_key = PrivateKey::from_seed(&Zeroizing::new(entropy.draw()));
    let message_key = Zeroizing::new(entropy.draw::<32>());
    let cipher = ChaCha20Poly1305::new((&*message_key).into());
    let envelope = encrypt(&cipher, plaintext, entropy);
    let wrapped_keys = recipients.map(|recipient| {
        let wrapped = encrypt(&private_key.agree(recipient), &*message_key, entropy);
        let mut bytes = [0; WRAPPED_KEY_LEN];
        bytes.iter_mut().zip(wrapped).for_each(|(byte, wrapped)| *byte = wrapped);
        bytes
    });
    Encapsulated { private_key, wrapped_keys, envelope }
}

/// Decrypts a message, trying the wrapped keys one after the other.
pub(crate) fn decapsulate(
    private_key: &PrivateKey,
    sender: &PublicKey,
    wrapped_keys: &[[u8; WRAPPED_KEY_LEN]],
    envelope: &[u8],
) -> Result<Vec<u8>, DecryptError> {
    let agreed = private_key.agree(sender);
    let message_key = wrapped_keys
        .iter()
        .find_map(|wrapped| decrypt(&agreed, wrapped).ok())
        .map(Zeroizing::new)
        .ok_or(DecryptError)?;
    let cipher = ChaCha20Poly1305::new_from_slice(&message_key).map_err(|_| DecryptError)?;
    decrypt(&cipher, envelope)
}

/// Encrypts an answer with one's own private key to the sender of the question.
pub(crate) fn encrypt_reply(
    private_key: &PrivateKey,
    peer: &PublicKey,
    plaintext: &[u8],
    entropy: &mut impl Entropy,
) -> Vec<u8> {
    encrypt(&private_key.agree(peer), plaintext, entropy)
}

/// Decrypts an answer.
pub(crate) fn decrypt_reply(
    private_key: &PrivateKey,
    peer: &PublicKey,
    envelope: &[u8],
) -> Result<Vec<u8>, DecryptError> {
    decrypt(&private_key.agree(peer), envelope)
}

/// Encrypts to nonce ‖ ciphertext ‖ tag, 28 bytes more.
fn encrypt(cipher: &ChaCha20Poly1305, plaintext: &[u8], entropy: &mut impl Entropy) -> Vec<u8> {
    let nonce: [u8; 12] = entropy.draw();
    let mut bytes = nonce.to_vec();
    #[expect(clippy::expect_used, reason = "the cipher's limit is 256 GiB, a message's 16 MiB")]
    bytes.extend(cipher.encrypt(&nonce.into(), plaintext).expect("a message of a sane length"));
    bytes
}

fn decrypt(cipher: &ChaCha20Poly1305, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
    let (nonce, ciphertext) = bytes.split_first_chunk::<12>().ok_or(DecryptError)?;
    let nonce = Nonce::<ChaCha20Poly1305>::from(*nonce);
    cipher.decrypt(&nonce, ciphertext).map_err(|_| DecryptError)
}

/// Returns the X25519 part of a key, which comes first.
fn leading<const N: usize>(bytes: &[u8; N]) -> [u8; 32] {
    const { assert!(N >= 32) };
    let mut key = [0; 32];
    key.iter_mut().zip(bytes).for_each(|(key, byte)| *key = *byte);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::entropy;

    fn keys<const N: usize>(entropy: &mut impl Entropy) -> [PrivateKey; N] {
        core::array::from_fn(|_| PrivateKey::from_seed(&entropy.draw()))
    }

    #[test]
    fn each_recipient_opens_the_message_and_nobody_else() {
        let entropy = &mut entropy();
        let [first, second, other] = keys(entropy);
        let (a, b) = (first.public_key(), second.public_key());
        let sealed = encapsulate([&a, &b], b"message", entropy);
        let sender = sealed.private_key.public_key();
        let open = |key| decapsulate(key, &sender, &sealed.wrapped_keys, &sealed.envelope);
        assert_eq!(sealed.envelope.len(), 7 + 28);
        assert_eq!(open(&first).as_deref(), Ok(&b"message"[..]));
        assert_eq!(open(&second).as_deref(), Ok(&b"message"[..]));
        assert_eq!(open(&other), Err(DecryptError));
    }

    #[test]
    fn damaged_messages_do_not_open() {
        let entropy = &mut entropy();
        let [key] = keys(entropy);
        let sealed = encapsulate([&key.public_key()], b"message", entropy);
        let sender = sealed.private_key.public_key();
        for at in 0..sealed.envelope.len() {
            let mut envelope = sealed.envelope.clone();
            envelope[at] ^= 1;
            let opened = decapsulate(&key, &sender, &sealed.wrapped_keys, &envelope);
            assert_eq!(opened, Err(DecryptError), "{at}");
        }
        for len in 0..28 {
            let opened = decapsulate(&key, &sender, &sealed.wrapped_keys, &sealed.envelope[..len]);
            assert_eq!(opened, Err(DecryptError), "{len}");
        }
    }

    #[test]
    fn an_answer_opens_with_the_key_of_the_question() {
        let entropy = &mut entropy();
        let [replica, other] = keys(entropy);
        let sealed = encapsulate([&replica.public_key()], b"question", entropy);
        let sender = sealed.private_key.public_key();
        let reply = encrypt_reply(&replica, &sender, b"answer", entropy);
        let open = |key: &PrivateKey| decrypt_reply(&sealed.private_key, &key.public_key(), &reply);
        assert_eq!(open(&replica).as_deref(), Ok(&b"answer"[..]));
        assert_eq!(open(&other), Err(DecryptError));
    }

    #[test]
    fn every_message_is_fresh() {
        let entropy = &mut entropy();
        let [key] = keys(entropy);
        let (a, b) = (
            encapsulate([&key.public_key()], b"same", entropy),
            encapsulate([&key.public_key()], b"same", entropy),
        );
        assert_ne!(a.private_key, b.private_key);
        assert_ne!(a.envelope, b.envelope);
    }
}
