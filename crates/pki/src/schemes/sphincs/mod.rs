//! SPHINCS+-SHAKE-256f, robust, as of round 3.1: verification alone.
//!
//! From the public specification (SPHINCS+ submission to NIST, round 3.1, sections 2 to 7). The robust variant masks
//! what it hashes; FIPS 205 has the simple one only, which does not verify these signatures. A signature is
//!
//! ```text
//! R (32) ‖ 35 × (FORS secret (32) ‖ path of 9 (288)) ‖ 17 × (WOTS+ signature (67 × 32) ‖ path of 4 (128))
//! ```

mod address;
mod fors;
mod hash;
mod tree;
mod wots;

use ed25519_dalek::Signature;

use crate::scheme::Scheme;
use address::{Address, Kind};
use hash::{Hasher, Node, message_digest};

/// Bytes of a hash.
const N: usize = 32;
/// Layers of trees.
const LAYERS: u32 = 17;
/// Height of each.
const TREE_HEIGHT: usize = 4;
/// Bytes of a whole signature.
const SIGNATURE_LEN: usize = Scheme::Ed25519Sphincs.signature_len() - Signature::BYTE_SIZE;

/// A public key: a seed for all hashes, and the root of the topmost tree.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    seed: Node,
    root: Node,
}

impl PublicKey {
    pub(crate) fn new(bytes: &[u8; 2 * N]) -> Self {
        let (mut seed, mut root) = ([0; N], [0; N]);
        seed.iter_mut().chain(&mut root).zip(bytes).for_each(|(to, from)| *to = *from);
        Self { seed, root }
    }

    /// Whether a signature is good; one of a wrong length is not.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.len() == SIGNATURE_LEN && self.root_of(message, signature) == Some(self.root)
    }

    /// The root that a signature leads to.
    fn root_of(&self, message: &[u8], signature: &[u8]) -> Option<Node> {
        let mut rest = Nodes(signature);
        let digest = message_digest(rest.next()?, &self.seed, &self.root, message);
        let hasher = Hasher::new(&self.seed);
        let (mut tree, mut leaf) = (digest.tree, digest.leaf);
        let mut node = fors::public_key(&hasher, tree, leaf, &digest.indices, &mut rest)?;
        for layer in 0..LAYERS {
            let wots_key = wots::public_key(&hasher, Address::key_pair(layer, tree, leaf), &node, &mut rest)?;
            let address = Address::new(layer, tree, Kind::Tree);
            node = tree::root(&hasher, address, wots_key, leaf, 0, TREE_HEIGHT, &mut rest)?;
            leaf = u32::try_from(tree & 0xf).ok()?;
            tree >>= TREE_HEIGHT;
        }
        Some(node)
    }
}

/// What is left of a signature, hash by hash.
struct Nodes<'a>(&'a [u8]);

impl<'a> Nodes<'a> {
    fn next(&mut self) -> Option<&'a Node> {
        let (node, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(node)
    }
}
