//! A stream for tests.

use kpthin_bacap as bacap;
use kpthin_client::wire::{MessageBoxIndex, ReadCap, WriteCap};

use crate::steps;

/// The capabilities of a stream, always the same.
pub(crate) struct Stream {
    pub(crate) write_cap: WriteCap,
    pub(crate) read_cap: ReadCap,
    pub(crate) first: MessageBoxIndex,
}

pub(crate) fn stream() -> Stream {
    let write_cap = WriteCap::from(bacap::WriteCap::from_seed(&[7; 32]).to_bytes());
    Stream { read_cap: write_cap.read_cap(), first: write_cap.index(), write_cap }
}

impl Stream {
    /// The box that many steps on.
    pub(crate) fn index(&self, steps: u64) -> MessageBoxIndex {
        steps::advance(&self.first, self.first.counter() + steps).unwrap()
    }
}

/// The same index with another number, which it does not have.
pub(crate) fn renumbered(index: &MessageBoxIndex, counter: u64) -> MessageBoxIndex {
    let mut bytes = *index.as_bytes();
    bytes[..8].copy_from_slice(&counter.to_le_bytes());
    bytes.into()
}
