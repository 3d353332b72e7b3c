//! Everything random in a devnet, from one seed.

use std::fmt;

use blake2::{Blake2b256, Blake2b512, Digest};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::pigeonhole::Entropy;

/// A stream of bytes that follows from a seed: BLAKE2b of the seed and a counter.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct SeededEntropy {
    seed: [u8; 32],
    counter: u64,
}

impl SeededEntropy {
    pub(crate) const fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0 }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(64) {
            let hasher = Blake2b512::new()
                .chain_update(b"kpthin devnet entropy")
                .chain_update(self.seed)
                .chain_update(self.counter.to_be_bytes());
            self.counter = self.counter.wrapping_add(1);
            chunk.iter_mut().zip(hasher.finalize()).for_each(|(byte, drawn)| *byte = drawn);
        }
    }
}

impl fmt::Debug for SeededEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SeededEntropy(..)")
    }
}

/// Derives a seed of its own for each named part of the network.
pub(crate) fn derive(seed: [u8; 32], label: &str) -> [u8; 32] {
    Blake2b256::new()
        .chain_update(b"kpthin devnet key")
        .chain_update(seed)
        .chain_update(label)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_never_twice_the_same() {
        let draw = || {
            let mut entropy = SeededEntropy::new([1; 32]);
            [entropy.draw::<100>(), entropy.draw()]
        };
        assert_eq!(draw(), draw());
        let [first, second] = draw();
        assert_ne!(first, second);
        assert_ne!(first[..32], first[64..96]);
        assert_ne!(derive([1; 32], "a"), derive([1; 32], "b"));
    }
}
