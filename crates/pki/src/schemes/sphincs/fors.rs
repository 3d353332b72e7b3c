//! The few-time signature of the message itself (section 5).

use super::Nodes;
use super::address::{Address, Kind};
use super::hash::{Hasher, Node};
use super::{N, tree};

/// Trees of one signature.
pub(super) const TREES: usize = 35;
/// Height of each.
const HEIGHT: usize = 9;

/// The public key that a signature leads to.
pub(super) fn public_key(
    hasher: &Hasher,
    tree: u64,
    leaf: u32,
    indices: &[u32; TREES],
    signature: &mut Nodes<'_>,
) -> Option<Node> {
    let key_pair = Address::key_pair(0, tree, leaf);
    let mut roots = [[0; N]; TREES];
    let first_leaves = (0..).step_by(1 << HEIGHT);
    for ((root, index), offset) in roots.iter_mut().zip(indices).zip(first_leaves) {
        let mut address = key_pair.of_kind(Kind::ForsTree);
        address.set_node(0, index.saturating_add(offset));
        let leaf = hasher.hash(&address, [signature.next()?]);
        *root = tree::root(hasher, address, leaf, *index, offset, HEIGHT, signature)?;
    }
    Some(hasher.hash(&key_pair.of_kind(Kind::ForsRoots), &roots))
}
