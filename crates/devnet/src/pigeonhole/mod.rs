//! The pure parts of Pigeonhole: what is behind the daemon, without the network in between.
//!
//! Bytes, sizes, envelopes and the rules of the replicas, for the machine that stands on top. Nothing in here reads a
//! clock, does I/O or draws randomness; epochs and [`Entropy`] are arguments.
//!
//! What travels keeps the sizes of the real network. The key agreement is X25519 alone, see [`mkem`], so envelopes and
//! descriptors are neither post-quantum nor of any use with a real daemon.

#![expect(dead_code, reason = "the machine on top does not use all of it yet")]

pub(crate) mod boxes;
pub(crate) mod copy_stream;
pub(crate) mod descriptor;
pub(crate) mod envelope;
pub(crate) mod geometry;
pub(crate) mod messages;
pub(crate) mod mkem;
pub(crate) mod padding;
pub(crate) mod replica;
pub(crate) mod sharding;
pub(crate) mod store;
#[cfg(test)]
mod testing;
pub(crate) mod voucher;

/// A source of random bytes, handed in by whoever owns the seed.
pub(crate) trait Entropy {
    /// Overwrites `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);

    /// Draws `N` bytes.
    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// Draws a number below `bound`, or 0 if that is 0.
    fn below(&mut self, bound: usize) -> usize {
        // The bias of the remainder is far below what any test could see.
        usize::from_le_bytes(self.draw()).checked_rem(bound).unwrap_or(0)
    }
}

impl<F: FnMut(&mut [u8])> Entropy for F {
    fn fill(&mut self, bytes: &mut [u8]) {
        self(bytes);
    }
}
