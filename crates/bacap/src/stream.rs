//! The 80 bytes a new capability is made of, from a seed or a voucher (Pigeonhole backend §2.3).

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};
use zeroize::{Zeroize, Zeroizing};

/// The parts of a new capability, before the first step of its index.
#[derive(Zeroize)]
#[zeroize(drop)]
pub(crate) struct Material {
    pub(crate) root_seed: [u8; 32],
    pub(crate) kdf_state: [u8; 32],
    /// At most 2⁶³ − 2, so a new stream has at least 2⁶³ boxes.
    pub(crate) counter: u64,
}

impl Material {
    /// Takes the parts from the ChaCha20 key stream of `seed`.
    ///
    /// The reference uses the original cipher with an 8-byte nonce; with a zero nonce both forms agree.
    pub(crate) fn from_seed(seed: &[u8; 32]) -> Self {
        let mut cipher = ChaCha20::new(seed.into(), &[0; 12].into());
        Self::from_stream(|bytes| cipher.apply_keystream(bytes))
    }

    /// Takes the parts from SHAKE256(`voucher`).
    pub(crate) fn from_voucher(voucher: &[u8; 32]) -> Self {
        let mut hasher = Shake256::default();
        hasher.update(voucher);
        let mut reader = hasher.finalize_xof();
        Self::from_stream(|bytes| reader.read(bytes))
    }

    /// Reads the parts in stream order; `fill` gets zeroed buffers.
    fn from_stream(mut fill: impl FnMut(&mut [u8])) -> Self {
        let mut root_seed = Zeroizing::new([0; 32]);
        let mut kdf_state = Zeroizing::new([0; 32]);
        let mut summands = Zeroizing::new([[0; 8]; 2]);
        fill(root_seed.as_mut_slice());
        fill(kdf_state.as_mut_slice());
        fill(summands.as_flattened_mut());
        let [low, high] = summands.map(|bytes| u64::from_le_bytes(bytes) & (u64::MAX >> 2));
        Self { root_seed: *root_seed, kdf_state: *kdf_state, counter: low + high }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{array, entries, hex};

    fn check(material: &Material, stream: &[u8]) {
        assert_eq!(stream.len(), 80);
        assert_eq!(material.root_seed, stream[..32]);
        assert_eq!(material.kdf_state, stream[32..64]);
        let summand =
            |at: usize| u64::from_le_bytes(stream[at..at + 8].try_into().unwrap()) & 0x3fff_ffff_ffff_ffff;
        assert_eq!(material.counter, summand(64) + summand(72));
    }

    #[test]
    fn seed_stream_is_that_of_the_reference() {
        for entry in entries("key_generation") {
            check(&Material::from_seed(&array(&entry, "seed")), &hex(&entry, "keystream80"));
        }
    }

    #[test]
    fn voucher_stream_is_that_of_the_reference() {
        for entry in entries("voucher_stream") {
            check(&Material::from_voucher(&array(&entry, "voucher")), &hex(&entry, "shake256_80"));
        }
    }

    #[test]
    fn counter_cannot_overflow() {
        let material = Material::from_stream(|bytes| bytes.fill(0xff));
        assert_eq!(material.counter, (1 << 63) - 2);
    }
}
