//! What is in the boxes and what has happened, for tests and for the curious.

use std::collections::BTreeSet;
use std::fmt;

use kpthin_bacap as bacap;
use kpthin_core::wire::{Geometry, InstanceToken, MessageBoxIndex, ReadCap};
use kpthin_pki::{Scheme, TrustRoot, TrustRootBuilder};

use super::Devnet;
use crate::config::DevnetConfig;
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

/// What a daemon has done since it was made; restarts don't make it forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Packets sent into the mix network, those that were sent again among them. Each took a slot.
    pub packets: u64,
    /// How often something of [`Faults`](crate::Faults) has struck; for [`dribble`](crate::Faults::dribble) the bytes.
    pub faults: u64,
    /// Reads encrypted.
    pub encrypted_reads: u64,
    /// Writes encrypted.
    pub encrypted_writes: u64,
}

/// What a daemon holds, for tests that look for what is left behind.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Census {
    pub(super) connections: usize,
    pub(super) sessions: usize,
    pub(super) tokens: usize,
    pub(super) operations: usize,
    pub(super) queued: usize,
    pub(super) queued_bytes: usize,
    /// Planned events, the end of the epoch among them.
    pub(super) planned: usize,
}

#[cfg(test)]
impl Devnet {
    pub(super) fn census(&self) -> Census {
        let [tokens, queued, queued_bytes, planned] = self.sessions.census();
        Census {
            connections: self.connections.len(),
            sessions: self.sessions.len(),
            tokens,
            operations: self.operations.len(),
            queued,
            queued_bytes,
            planned: planned
                + self.connections.planned()
                + self.operations.planned()
                + self.network.planned()
                + self.process.planned(),
        }
    }
}

#[cfg(feature = "testing")]
impl Devnet {
    /// Tells everything that has happened to it and makes a difference to what will.
    ///
    /// What it draws at random from now on is no part of that, nor how it was configured, what goes wrong on purpose, and
    /// what it has counted.
    pub fn fingerprint(&self, to: &mut kpthin_core::testing::Fingerprint) {
        self.process.tell(to);
        self.connections.tell(to);
        self.sessions.tell(to, &self.config.timing, self.now);
        self.operations.tell(to);
        self.network.tell(to);
    }
}

impl Devnet {
    /// What it was made of, with values brought into their range.
    #[must_use]
    pub const fn config(&self) -> &DevnetConfig {
        &self.config
    }

    /// The daemon's mark, new after every [`restart`](Self::restart).
    #[must_use]
    pub const fn instance_token(&self) -> InstanceToken {
        self.process.instance_token()
    }

    /// The current epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.network.epoch()
    }

    /// Counts the connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Counts the operations that have been started and have not ended.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// The sizes that the daemon announces.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.announced
    }

    /// What it has done so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        let (encrypted_reads, encrypted_writes) = self.local.sealed();
        Traffic { packets: self.packets, faults: self.injector.struck(), encrypted_reads, encrypted_writes }
    }

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

    /// Whom a program trusts on this network: its three authorities, and how long its epochs last.
    ///
    /// It comes from the network itself, as a program's configuration would, not over the daemon's protocol. Their keys
    /// are throw-away ones that follow from the seed.
    ///
    /// # Panics
    ///
    /// Never: its authorities are fit to be trusted.
    #[must_use]
    pub fn trust_root(&self) -> TrustRoot {
        let builder = TrustRoot::builder(Scheme::Ed25519).epoch_period(self.config.epoch_period);
        let add = |builder: TrustRootBuilder, (name, key): (&str, [u8; 32])| builder.authority(name, key);
        #[expect(clippy::expect_used, reason = "three different keys, and a period of a second at least")]
        let root = self.network.authority_keys().fold(builder, add).build().expect("a trust root");
        root
    }

    /// The names and public keys of the network's authorities, for a [trust root](Self::trust_root) in a file.
    #[must_use]
    pub fn authority_keys(&self) -> Vec<(String, [u8; 32])> {
        self.network.authority_keys().map(|(name, key)| (name.to_owned(), key)).collect()
    }
}
