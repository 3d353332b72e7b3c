//! What is behind the daemon: its way to the mix network, directory, couriers, replicas, services, the clock of epochs.
//!
//! One of the machine's rooms. It outlives a restart of the daemon: packets that have left go on their way, and what
//! answers them finds nobody any more.

mod authorities;
mod copying;
mod courier;
mod document;
mod epochs;
#[cfg(feature = "testing")]
mod fingerprint;
mod messages;
mod packets;
mod uplink;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use kpthin_core::Instant;
use kpthin_core::wire::{AppId, DirectoryAuthority, IdentityHash, MessageReply};

use crate::config::DevnetConfig;
use crate::entropy::{SeededEntropy, derive};
use crate::env::Env;
use crate::pigeonhole::geometry::Geometry;
use crate::pigeonhole::mkem::PublicKey;
use crate::pigeonhole::replica::Replicas;
use crate::schedule::Schedule;
use authorities::Authorities;
use copying::Copying;
use courier::Courier;
pub(crate) use document::COURIER_QUEUE;
use document::Directory;
use epochs::Epochs;
#[cfg(feature = "testing")]
pub(crate) use fingerprint::courier as courier_name;
use packets::Due;
pub(crate) use packets::{CourierReply, OpId, Packet};
use uplink::Uplink;

/// Documents kept: of the current epoch and the one before.
const DOCUMENTS_KEPT: usize = 2;

/// A document without its signatures, and the certificate that carries it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) plain: Vec<u8>,
    pub(crate) certificate: Vec<u8>,
}

/// What comes to the daemon.
#[derive(Clone, Debug)]
pub(crate) enum Arrival {
    /// Another epoch has begun, with its document.
    Epoch,
    /// A service's reply, which the daemon can't place any more after a time.
    Message { app: AppId, reply: Box<MessageReply>, forgotten_at: Option<Instant> },
    /// A courier's reply.
    Reply(OpId, Box<CourierReply>),
    /// Whether the daemon is connected to the mix network may have changed.
    Status,
}

/// The network behind the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    directory: Arc<Directory>,
    authorities: Arc<Authorities>,
    epochs: Epochs,
    geometry: Geometry,
    documents: BTreeMap<u64, Arc<Document>>,
    /// The first document that there was, for whoever repeats it.
    first: Option<Arc<Document>>,
    couriers: Vec<Courier>,
    copying: Vec<Copying>,
    pub(crate) replicas: Replicas,
    uplink: Uplink,
    /// Messages whose reply is under way, by session.
    messages: BTreeMap<AppId, usize>,
    schedule: Schedule<Due>,
    arrivals: VecDeque<Arrival>,
    entropy: SeededEntropy,
}

impl Network {
    pub(crate) fn new(config: &DevnetConfig, geometry: Geometry, seed: [u8; 32], now: Instant) -> Self {
        let directory = Directory::new(config, seed);
        let keys = directory.replica_keys();
        let replica_seed = derive(seed, "replica envelope keys");
        let services = directory.services().len();
        let mut network = Self {
            authorities: Arc::new(Authorities::new(seed)),
            epochs: Epochs::new(config.unix_time_at_origin, config.epoch_period, now),
            geometry,
            documents: BTreeMap::new(),
            first: None,
            couriers: vec![Courier::default(); services],
            copying: vec![Copying::default(); services],
            replicas: Replicas::new(geometry, replica_seed, keys, config.replica_capacity),
            uplink: Uplink::new(config.mixnet),
            messages: BTreeMap::new(),
            schedule: Schedule::default(),
            arrivals: VecDeque::new(),
            entropy: SeededEntropy::new(derive(seed, "network")),
            directory: Arc::new(directory),
        };
        let epoch = network.epochs.current();
        for epoch in [epoch.saturating_sub(1), epoch] {
            network.publish(epoch);
        }
        network.first = network.documents.get(&epoch).cloned();
        network.await_epoch_end();
        network
    }

    /// Counts the planned events, the end of the epoch among them.
    #[cfg(test)]
    pub(crate) fn planned(&self) -> usize {
        self.schedule.len()
    }

    /// When something happens by itself.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.schedule.next_at()
    }

    /// Does one thing that is due.
    pub(crate) fn handle_timeout(&mut self, env: &mut Env<'_>) {
        if let Some(due) = self.schedule.pop_due(env.now) {
            self.handle_due(env, due);
        }
    }

    /// What has come to the daemon; worth polling again after every call that takes `&mut self`.
    pub(crate) fn poll(&mut self) -> Option<Arrival> {
        self.arrivals.pop_front()
    }

    /// Begins the next epoch before its time.
    pub(crate) fn advance_epoch(&mut self, now: Instant) {
        self.epochs.advance(now);
        self.begin_epoch();
    }

    /// Begins the epochs whose time has come.
    fn handle_epoch_end(&mut self, now: Instant) {
        if self.epochs.handle_timeout(now) {
            self.begin_epoch();
        } else {
            self.await_epoch_end();
        }
    }

    fn begin_epoch(&mut self) {
        let epoch = self.epochs.current();
        if !self.documents.contains_key(&epoch.saturating_sub(1)) {
            self.publish(epoch.saturating_sub(1));
        }
        self.publish(epoch);
        let replica_epoch = self.replica_epoch();
        self.replicas.collect_garbage(replica_epoch);
        self.await_epoch_end();
        self.arrivals.push_back(Arrival::Epoch);
    }

    fn await_epoch_end(&mut self) {
        self.schedule.retain(|due| !matches!(due, Due::EpochEnd));
        self.schedule.add(self.epochs.ends_at(), Due::EpochEnd);
    }

    fn publish(&mut self, epoch: u64) {
        let replica_epoch = self.epochs.replica_epoch(epoch);
        let plain = self.directory.document(epoch, replica_epoch, &self.replicas).encode();
        let certificate = self.authorities.certify(epoch, &plain);
        self.documents.insert(epoch, Arc::new(Document { plain, certificate }));
        while self.documents.len() > DOCUMENTS_KEPT {
            self.documents.pop_first();
        }
    }

    pub(crate) const fn epoch(&self) -> u64 {
        self.epochs.current()
    }

    pub(crate) fn replica_epoch(&self) -> u64 {
        self.epochs.replica_epoch(self.epochs.current())
    }

    /// The document of an epoch, if that is the current one or the one before.
    pub(crate) fn document(&self, epoch: u64) -> Option<&Document> {
        self.documents.get(&epoch).map(Arc::as_ref)
    }

    /// The first document that there was.
    pub(crate) fn first_document(&self) -> Option<&Document> {
        self.first.as_deref()
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

    pub(crate) fn courier_count(&self) -> usize {
        self.couriers.len()
    }

    /// The courier on the node with this name in the protocol.
    pub(crate) fn courier_of(&self, hash: IdentityHash) -> Option<usize> {
        self.directory.services().iter().position(|node| node.identity_hash() == hash)
    }

    /// The node of a courier.
    pub(crate) fn courier_hash(&self, number: usize) -> Option<IdentityHash> {
        self.directory.services().get(number).map(document::Node::identity_hash)
    }
}

#[cfg(test)]
mod tests;
