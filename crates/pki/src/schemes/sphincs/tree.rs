//! From a leaf to the root of its tree (section 4.1.3).

use super::Nodes;
use super::address::Address;
use super::hash::{Hasher, Node};

/// The root above a leaf, by the siblings on its way.
///
/// `offset` is the number of the tree's first leaf where trees stand side by side.
pub(super) fn root(
    hasher: &Hasher,
    mut address: Address,
    leaf: Node,
    mut index: u32,
    mut offset: u32,
    height: usize,
    path: &mut Nodes<'_>,
) -> Option<Node> {
    let mut node = leaf;
    for level in (1..).take(height) {
        let sibling = path.next()?;
        let is_right = index & 1 == 1;
        (index, offset) = (index >> 1, offset >> 1);
        address.set_node(level, index.saturating_add(offset));
        node = hasher.hash(&address, if is_right { [sibling, &node] } else { [&node, sibling] });
    }
    Some(node)
}
