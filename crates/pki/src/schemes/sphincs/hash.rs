//! The hash functions, all of them SHAKE256 (section 7.2.1).

use shake::Shake256;
use shake::digest::{ExtendableOutput, Update, XofReader};

use super::N;
use super::address::Address;
use super::fors::TREES;

/// A hash.
pub(super) type Node = [u8; N];

/// What the message says about where it was signed.
pub(super) struct Digest {
    pub(super) indices: [u32; TREES],
    pub(super) tree: u64,
    pub(super) leaf: u32,
}

/// Height of a FORS tree, and so the bits that choose a leaf of it.
const INDEX_BITS: usize = 9;
/// Bytes that hold all indices.
const INDICES_LEN: usize = (TREES * INDEX_BITS).div_ceil(8);

/// Hashes the message; the indices are taken from it lowest bit first.
pub(super) fn message_digest(randomness: &Node, seed: &Node, root: &Node, message: &[u8]) -> Digest {
    let mut shake = Shake256::default();
    for part in [randomness.as_slice(), seed, root, message] {
        shake.update(part);
    }
    let mut reader = shake.finalize_xof();
    let (mut bits, mut tree, mut leaf) = ([0; INDICES_LEN], [0; 8], [0; 1]);
    reader.read(&mut bits);
    reader.read(&mut tree);
    reader.read(&mut leaf);

    let mut bits = bits.iter().flat_map(|byte| (0..8).map(move |bit| u32::from(byte >> bit & 1)));
    let mut indices = [0; TREES];
    for index in &mut indices {
        *index = bits.by_ref().take(INDEX_BITS).enumerate().fold(0, |index, (at, bit)| index | bit << at);
    }
    Digest { indices, tree: u64::from_be_bytes(tree), leaf: u32::from(leaf[0] & 0xf) }
}

/// The tweakable hash, which starts with the seed.
pub(super) struct Hasher(Shake256);

impl Hasher {
    pub(super) fn new(seed: &Node) -> Self {
        let mut shake = Shake256::default();
        shake.update(seed);
        Self(shake)
    }

    /// Hashes nodes at an address, each under a mask that depends on it.
    pub(super) fn hash<'a>(&self, address: &Address, nodes: impl IntoIterator<Item = &'a Node>) -> Node {
        let mut shake = self.0.clone();
        shake.update(address.as_bytes());
        let mut masks = shake.clone().finalize_xof();
        for node in nodes {
            let mut masked = [0; N];
            masks.read(&mut masked);
            masked.iter_mut().zip(node).for_each(|(masked, byte)| *masked ^= byte);
            shake.update(&masked);
        }
        let mut hash = [0; N];
        shake.finalize_xof().read(&mut hash);
        hash
    }
}
