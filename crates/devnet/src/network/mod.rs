//! What is behind the daemon: directory, couriers, replicas and the clock of epochs.
//!
//! It outlives a restart of the daemon. Nothing in it waits: the machine on top decides when a packet arrives.

mod authorities;
mod copying;
mod courier;
mod document;
mod epochs;

use std::collections::{BTreeMap, BTreeSet};

use kpthin_core::Instant;
use kpthin_core::wire::{DirectoryAuthority, IdentityHash};

use crate::config::{DevnetConfig, Profile};
use crate::entropy::derive;
use crate::pigeonhole::Entropy;
use crate::pigeonhole::geometry::Geometry;
use crate::pigeonhole::mkem::PublicKey;
use crate::pigeonhole::replica::Replicas;
use authorities::Authorities;
use copying::{Answer, Copying};
pub(crate) use copying::{CommandHash, Step};
pub(crate) use courier::{Courier, malformed};
use document::Directory;
pub(crate) use document::{COURIER_QUEUE, ECHO_QUEUE};
use epochs::Epochs;

/// How often the reference's couriers ask again for one envelope.
const REFERENCE_REDISPATCHES: u32 = 5;
/// Documents kept: of the current epoch and the one before.
const DOCUMENTS_KEPT: usize = 2;

/// A document without its signatures, and the certificate that carries it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) plain: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

/// The network behind the daemon.
#[derive(Debug)]
pub(crate) struct Network {
    directory: Directory,
    authorities: Authorities,
    epochs: Epochs,
    lambda_p: f64,
    geometry: Geometry,
    documents: BTreeMap<u64, Document>,
    /// The first document that there was, for whoever repeats it.
    first: Vec<u8>,
    couriers: Vec<Courier>,
    copying: Vec<Copying>,
    pub(crate) replicas: Replicas,
}

impl Network {
    pub(crate) fn new(config: &DevnetConfig, geometry: Geometry, seed: [u8; 32], now: Instant) -> Self {
        let directory = Directory::new(seed, config.replicas);
        let redispatches = match config.profile {
            Profile::Instant => u32::MAX,
            Profile::Reference => REFERENCE_REDISPATCHES,
        };
        let keys = directory.replica_keys();
        let replica_seed = derive(seed, "replica envelope keys");
        let slot_millis = config.timing.send_slot.as_secs_f64() * 1_000.0;
        let mut network = Self {
            authorities: Authorities::new(seed),
            epochs: Epochs::new(config.unix_time_at_origin, config.epoch_period, now),
            lambda_p: if slot_millis > 0.0 { slot_millis.recip() } else { 1.0 },
            geometry,
            documents: BTreeMap::new(),
            first: Vec::new(),
            couriers: directory.services().iter().map(|_| Courier::new(redispatches)).collect(),
            copying: directory.services().iter().map(|_| Copying::new(config.timing.copy_pause)).collect(),
            replicas: Replicas::new(geometry, replica_seed, keys, config.replica_capacity),
            directory,
        };
        let epoch = network.epochs.current();
        for epoch in [epoch.saturating_sub(1), epoch] {
            network.publish(epoch);
        }
        network.first = network.documents.get(&epoch).map(|it| it.certificate.clone()).unwrap_or_default();
        network
    }

    /// Begins the epochs whose time has come, and tells whether there was one.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        let began = self.epochs.handle_timeout(now);
        if began {
            self.begin_epoch();
        }
        began
    }

    /// Begins the next epoch before its time.
    pub(crate) fn advance_epoch(&mut self, now: Instant) {
        self.epochs.advance(now);
        self.begin_epoch();
    }

    fn begin_epoch(&mut self) {
        let epoch = self.epochs.current();
        if !self.documents.contains_key(&epoch.saturating_sub(1)) {
            self.publish(epoch.saturating_sub(1));
        }
        self.publish(epoch);
        let replica_epoch = self.replica_epoch();
        self.replicas.collect_garbage(replica_epoch);
    }

    fn publish(&mut self, epoch: u64) {
        let replica_epoch = self.epochs.replica_epoch(epoch);
        let plain = self.directory.document(epoch, replica_epoch, &self.replicas, self.lambda_p).encode();
        let certificate = self.authorities.certify(epoch, &plain);
        drop(self.documents.insert(epoch, Document { plain, certificate }));
        while self.documents.len() > DOCUMENTS_KEPT {
            drop(self.documents.pop_first());
        }
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epochs.current()
    }

    pub(crate) const fn epoch_ends_at(&self) -> Instant {
        self.epochs.ends_at()
    }

    pub(crate) fn replica_epoch(&self) -> u64 {
        self.epochs.replica_epoch(self.epochs.current())
    }

    /// The document of an epoch, if that is the current one or the one before.
    pub(crate) fn document(&self, epoch: u64) -> Option<&Document> {
        self.documents.get(&epoch)
    }

    /// The certificate of the first document that there was.
    pub(crate) fn first_certificate(&self) -> &[u8] {
        &self.first
    }

    /// The authorities' names and keys.
    pub(crate) fn authority_keys(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.authorities.keys()
    }

    pub(crate) fn authorities(&self) -> Vec<DirectoryAuthority> {
        self.authorities.list()
    }

    /// The replicas in the document.
    pub(crate) fn online(&self) -> BTreeSet<u8> {
        self.replicas.identity_keys().keys().copied().collect()
    }

    /// The public key that the current document names for a replica and a replica epoch.
    pub(crate) fn envelope_key(&self, replica: u8, epoch: u64) -> Option<PublicKey> {
        let listed = epoch.abs_diff(self.replica_epoch()) <= 1;
        if listed { self.replicas.public_key(replica, epoch) } else { None }
    }

    pub(crate) const fn courier_count(&self) -> usize {
        self.couriers.len()
    }

    pub(crate) fn courier(&mut self, number: usize) -> Option<&mut Courier> {
        self.couriers.get_mut(number)
    }

    /// Has a courier begin a copy command, or tell how far it is.
    pub(crate) fn copy(
        &mut self,
        now: Instant,
        courier: usize,
        hash: CommandHash,
        write_cap: &[u8],
    ) -> Option<Answer> {
        let geometry = self.geometry;
        Some(self.copying.get_mut(courier)?.command(now, hash, write_cap, geometry))
    }

    /// Has a courier take the next step of a copy command.
    pub(crate) fn copy_step(
        &mut self,
        now: Instant,
        courier: usize,
        hash: CommandHash,
        entropy: &mut impl Entropy,
    ) -> Step {
        let epoch = self.replica_epoch();
        let Some(copying) = self.copying.get_mut(courier) else { return Step::Ended };
        copying.step(now, hash, epoch, &mut self.replicas, entropy)
    }

    /// The courier on the node with this name in the protocol.
    pub(crate) fn courier_of(&self, hash: IdentityHash) -> Option<usize> {
        self.directory.services().iter().position(|node| node.identity_hash() == hash)
    }

    /// The node of a courier.
    pub(crate) fn courier_hash(&self, number: usize) -> Option<IdentityHash> {
        self.directory.services().get(number).map(document::Node::identity_hash)
    }

    /// Whether a service node has this name in the protocol.
    pub(crate) fn has_service_node(&self, hash: IdentityHash) -> bool {
        self.directory.services().iter().any(|node| node.identity_hash() == hash)
    }
}

#[cfg(test)]
mod tests;
