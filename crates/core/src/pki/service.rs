//! A service found in a document, and what messages to it are addressed to.

use alloc::string::String;

use super::Parameters;
use crate::wire::{IdentityHash, QueueId};

/// A service that a node offers (§7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    /// The kind of service, for example `echo`.
    pub capability: String,
    /// The node's name.
    pub node: String,
    /// What the protocol knows the node by.
    pub identity_hash: IdentityHash,
    /// The service's queue on the node.
    pub queue: QueueId,
    /// All that the service says about itself, the queue included.
    pub parameters: Parameters,
}

impl Service {
    /// What a message to the service is addressed to.
    #[must_use]
    pub fn destination(&self) -> ServiceAddress {
        ServiceAddress { node: self.identity_hash, queue: self.queue.clone() }
    }
}

/// A node and a queue on it: where messages go, and how couriers are pinned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServiceAddress {
    /// BLAKE2b-256 of the node's identity key.
    pub node: IdentityHash,
    /// The queue.
    pub queue: QueueId,
}
