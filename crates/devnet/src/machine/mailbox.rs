//! What is in the boxes, for tests and for the curious.

use std::collections::BTreeSet;
use std::fmt;

use kpthin_bacap as bacap;
use kpthin_core::wire::{MessageBoxIndex, ReadCap};

use super::Devnet;
use crate::pigeonhole::boxes::{self, BoxContent};
use crate::pigeonhole::messages::ReplyInnerMessage;

/// What is in a box.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a box is empty, filled or closed")]
pub enum BoxState {
    /// This message.
    Message(Vec<u8>),
    /// Nothing.
    NotWritten,
    /// Nothing any more, and for good.
    Tombstone,
}

impl fmt::Debug for BoxState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "Message({} bytes)", message.len()),
            Self::NotWritten => f.write_str("NotWritten"),
            Self::Tombstone => f.write_str("Tombstone"),
        }
    }
}

impl Devnet {
    /// Looks into a box, past daemon, couriers and delays.
    ///
    /// What the owner wrote there without the proper form counts as not written.
    #[must_use]
    pub fn read_box(&self, cap: &ReadCap, index: &MessageBoxIndex) -> BoxState {
        self.look_into(cap, index).map_or(BoxState::NotWritten, |content| match content {
            BoxContent::Message(message) => BoxState::Message(message.to_vec()),
            BoxContent::Tombstone => BoxState::Tombstone,
        })
    }

    fn look_into(&self, cap: &ReadCap, index: &MessageBoxIndex) -> Option<BoxContent> {
        let cap = bacap::ReadCap::from_bytes(cap.as_bytes()).ok()?;
        let index = bacap::MessageBoxIndex::from_bytes(index.as_bytes()).ok()?;
        let box_id = cap.box_id(&index, bacap::Context::PIGEONHOLE);
        let (replicas, epoch) = (&self.network.replicas, self.network.replica_epoch());
        replicas.identity_keys().keys().find_map(|number| match replicas.read(*number, epoch, box_id)? {
            ReplyInnerMessage::Read(code, sealed) => boxes::open(&cap, &index, code, &sealed).ok(),
            ReplyInnerMessage::Write(_) => None,
        })
    }

    /// Counts the boxes that any replica keeps, tombstones included.
    #[must_use]
    pub fn stored_boxes(&self) -> usize {
        let replicas = &self.network.replicas;
        let stores = replicas.identity_keys().keys().filter_map(|number| replicas.store(*number));
        stores
            .flat_map(|store| store.records().map(|(_, sealed)| sealed.box_id))
            .collect::<BTreeSet<_>>()
            .len()
    }
}
