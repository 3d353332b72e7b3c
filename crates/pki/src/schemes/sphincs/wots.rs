//! The one-time signature of a root (section 3).

use super::N;
use super::Nodes;
use super::address::{Address, Kind};
use super::hash::{Hasher, Node};

/// Chains for a hash: two for each of its bytes.
const MESSAGE_CHAINS: usize = 2 * N;
/// Chains in all: three more for the checksum.
const CHAINS: usize = MESSAGE_CHAINS + 3;
/// The last step of a chain.
const END: u32 = 15;

/// The public key that a signature of a hash leads to.
pub(super) fn public_key(
    hasher: &Hasher,
    key_pair: Address,
    signed: &Node,
    signature: &mut Nodes<'_>,
) -> Option<Node> {
    let mut ends = [[0; N]; CHAINS];
    for ((end, steps), chain) in ends.iter_mut().zip(steps(signed)).zip(0..) {
        let mut address = key_pair;
        address.set_chain(chain);
        *end = *signature.next()?;
        for step in steps..END {
            address.set_hash(step);
            *end = hasher.hash(&address, [&*end]);
        }
    }
    Some(hasher.hash(&key_pair.of_kind(Kind::WotsKey), &ends))
}

/// How far the signer went along each chain.
fn steps(signed: &Node) -> [u32; CHAINS] {
    let digits = || signed.iter().flat_map(|byte| [u32::from(byte >> 4), u32::from(byte & 0xf)]);
    let checksum: u32 = digits().map(|digit| END - digit).sum();
    let rest = [checksum >> 8 & 0xf, checksum >> 4 & 0xf, checksum & 0xf];
    let mut steps = [0; CHAINS];
    steps.iter_mut().zip(digits().chain(rest)).for_each(|(step, digit)| *step = digit);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digit_that_grows_makes_the_checksum_shrink() {
        assert_eq!(steps(&[0xff; 32]), core::array::from_fn(|at| if at < 64 { 15 } else { 0 }));
        let lowest = steps(&[0; 32]);
        // 64 · 15 = 960 = 3c0
        assert_eq!(lowest[64..], [3, 0xc, 0]);
        let mut hash = [0; 32];
        hash[0] = 0x1f;
        assert_eq!(steps(&hash)[..3], [1, 15, 0]);
        assert_eq!(steps(&hash)[64..], [3, 0xb, 0]);
    }
}
