//! The replicas: open an envelope, do what it says, seal the answer (Pigeonhole backend §7.3-7.5).

mod keys;
mod outages;

use std::collections::BTreeMap;

use kpthin_bacap::{BoxId, SealedBox};

use super::Entropy;
use super::geometry::Geometry;
use super::messages::{CourierEnvelope, InnerMessage, Message, ReplicaCode, ReplyInnerMessage};
use super::mkem::{self, PublicKey};
use super::padding;
use super::sharding;
use super::store::BoxStore;
use keys::ReplicaKeys;
pub(crate) use outages::Outages;

/// The answer of a replica to an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaReply {
    /// How it ended, readable by the courier.
    pub(crate) code: ReplicaCode,
    /// The same with the box, readable by the sender; empty if the replica could not even open, parse or pass on.
    pub(crate) body: Vec<u8>,
}

/// A stored box or tombstone on its way to the other replica that keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the other shard never learns of the box"]
pub(crate) struct Push {
    /// The number of the replica that stored it.
    pub(crate) from: u8,
    /// The number of the other one.
    pub(crate) replica: u8,
    /// What to store.
    pub(crate) sealed: SealedBox,
}

#[derive(Clone, Debug)]
struct Replica {
    keys: ReplicaKeys,
    store: BoxStore,
}

/// All replicas of a network.
#[derive(Clone, Debug)]
pub(crate) struct Replicas {
    geometry: Geometry,
    identity_keys: BTreeMap<u8, [u8; 32]>,
    replicas: BTreeMap<u8, Replica>,
    outages: Outages,
}

impl Replicas {
    /// Makes the replicas with the given numbers and raw identity keys, each keeping up to `capacity` records.
    pub(crate) fn new(
        geometry: Geometry,
        seed: [u8; 32],
        identity_keys: BTreeMap<u8, [u8; 32]>,
        capacity: usize,
    ) -> Self {
        let replica = |number: &u8| Replica {
            keys: ReplicaKeys::new(seed, *number),
            store: BoxStore::new(geometry, capacity),
        };
        let replicas = identity_keys.keys().map(|number| (*number, replica(number))).collect();
        Self { geometry, identity_keys, replicas, outages: Outages::default() }
    }

    /// Lets a replica answer an envelope.
    ///
    /// Where the box belongs to others, one of those is asked on the spot. With `repairs`, one that lacks the box asks the
    /// other one that keeps it, and keeps what that has. A push that comes back is to be handed to [`Self::handle_push`] some time later, as replication in the network is
    /// slower than the answer.
    pub(crate) fn handle_envelope(
        &mut self,
        number: u8,
        envelope: &CourierEnvelope,
        epoch: u64,
        repairs: bool,
        entropy: &mut impl Entropy,
    ) -> (ReplicaReply, Option<Push>) {
        self.try_envelope(number, envelope, epoch, repairs, entropy)
            .unwrap_or_else(|code| (ReplicaReply { code, body: Vec::new() }, None))
    }

    fn try_envelope(
        &mut self,
        number: u8,
        envelope: &CourierEnvelope,
        epoch: u64,
        repairs: bool,
        entropy: &mut impl Entropy,
    ) -> Result<(ReplicaReply, Option<Push>), ReplicaCode> {
        let replica = self.replicas.get(&number).ok_or(ReplicaCode::INTERNAL_ERROR)?;
        let (key, padded) = replica.keys.open(epoch, envelope).ok_or(ReplicaCode::INVALID_EPOCH)?;
        let message = padding::unpad(&padded).ok().and_then(|bytes| InnerMessage::decode(bytes).ok());
        let message = message.ok_or(ReplicaCode::INVALID_PAYLOAD)?;

        let shards = sharding::shards(&self.identity_keys, message.box_id());
        let (shard, key) = if shards.contains(&number) {
            (number, key)
        } else {
            let online = shards.iter().filter(|shard| self.reaches(number, **shard));
            let online: Vec<u8> = online.copied().collect();
            let shard = online.get(entropy.below(online.len()));
            // A proxy seals with its current key, whichever one opened the envelope.
            (*shard.ok_or(ReplicaCode::REPLICATION_FAILED)?, replica.keys.private_key(epoch))
        };
        let (mut reply, push) = self.execute(shard, &shards, epoch, message)?;
        if let ReplyInnerMessage::Read(ReplicaCode::BOX_ID_NOT_FOUND, SealedBox { box_id, .. }) = reply
            && repairs
        {
            reply = self.repair(shard, &shards, epoch, box_id).unwrap_or(reply);
        }

        let padded = padding::pad(&reply.encode(), self.geometry.reply_padded());
        let padded = padded.map_err(|_| ReplicaCode::INTERNAL_ERROR)?;
        let sender = &envelope.sender_public_key;
        let body = mkem::encrypt_reply(&key, sender, &padded, entropy);
        Ok((ReplicaReply { code: reply.code(), body }, push))
    }

    /// Carries out a message at a replica that keeps its box.
    fn execute(
        &mut self,
        shard: u8,
        shards: &[u8],
        epoch: u64,
        message: InnerMessage,
    ) -> Result<(ReplyInnerMessage, Option<Push>), ReplicaCode> {
        let store = self.store_mut(shard).ok_or(ReplicaCode::INTERNAL_ERROR)?;
        match message {
            InnerMessage::Read(box_id) => Ok((store.read(epoch, box_id), None)),
            InnerMessage::Write(sealed) => {
                let code = store.write(epoch, sealed.clone());
                let other = shards.iter().find(|other| **other != shard);
                let push = other.filter(|_| code == ReplicaCode::SUCCESS).map(|other| Push {
                    from: shard,
                    replica: *other,
                    sealed,
                });
                Ok((ReplyInnerMessage::Write(code), push))
            }
        }
    }

    /// Has a replica that lacks a box fetch it from the other one that keeps it.
    fn repair(&mut self, shard: u8, shards: &[u8], epoch: u64, box_id: BoxId) -> Option<ReplyInnerMessage> {
        let other = shards.iter().find(|other| **other != shard && self.reaches(shard, **other))?;
        let found = self.read(*other, epoch, box_id)?;
        let ReplyInnerMessage::Read(ReplicaCode::SUCCESS | ReplicaCode::TOMBSTONE, sealed) = &found else {
            return None;
        };
        let _ = self.store_mut(shard)?.write(epoch, sealed.clone());
        Some(found)
    }

    /// Stores a box at one of the replicas that keep it and answer; the push is for the other one.
    pub(crate) fn store_at_shard(&mut self, epoch: u64, sealed: SealedBox) -> Option<Push> {
        let shards = sharding::shards(&self.identity_keys, sealed.box_id);
        let shard = shards.iter().copied().find(|shard| self.answers(*shard))?;
        let (_, push) = self.execute(shard, &shards, epoch, InnerMessage::Write(sealed)).ok()?;
        push
    }

    /// Stores what another replica pushed, under the same rules as any write.
    pub(crate) fn handle_push(&mut self, push: Push, epoch: u64) -> ReplicaCode {
        match self.store_mut(push.replica) {
            Some(store) => store.write(epoch, push.sealed),
            None => ReplicaCode::INTERNAL_ERROR,
        }
    }

    /// Reads a box from a replica without an envelope, as a courier does for a copy command.
    pub(crate) fn read(&self, number: u8, epoch: u64, box_id: BoxId) -> Option<ReplyInnerMessage> {
        self.replicas.get(&number).map(|replica| replica.store.read(epoch, box_id))
    }

    /// Deletes the records that no longer count, at all replicas.
    pub(crate) fn collect_garbage(&mut self, epoch: u64) {
        self.replicas.values_mut().for_each(|replica| replica.store.collect_garbage(epoch));
    }

    pub(crate) fn keep_journal(&mut self) {
        self.replicas.values_mut().for_each(|replica| replica.store.keep_journal());
    }

    /// What all replicas have stored since the last look; a box may be there twice.
    pub(crate) fn take_journal(&mut self) -> Vec<(u64, SealedBox)> {
        self.replicas.values_mut().flat_map(|replica| replica.store.take_journal()).collect()
    }

    /// Puts a record back at all replicas that keep the box; a tombstone stays.
    pub(crate) fn restore(&mut self, epoch: u64, sealed: &SealedBox) {
        for number in sharding::shards(&self.identity_keys, sealed.box_id) {
            let Some(store) = self.store_mut(number) else { continue };
            let deleted = matches!(
                store.read(epoch, sealed.box_id),
                ReplyInnerMessage::Read(ReplicaCode::TOMBSTONE, _)
            );
            if !deleted || sealed.ciphertext.is_empty() {
                store.restore(epoch, sealed.clone());
            }
        }
    }

    /// Returns the public key that a replica has for an epoch.
    pub(crate) fn public_key(&self, number: u8, epoch: u64) -> Option<PublicKey> {
        self.replicas.get(&number).map(|replica| replica.keys.private_key(epoch).public_key())
    }

    /// Returns the numbers and raw identity keys of all replicas.
    pub(crate) const fn identity_keys(&self) -> &BTreeMap<u8, [u8; 32]> {
        &self.identity_keys
    }

    /// Returns what a replica keeps.
    pub(crate) fn store(&self, number: u8) -> Option<&BoxStore> {
        self.replicas.get(&number).map(|replica| &replica.store)
    }

    /// Returns what a replica keeps, to put records of a disk back.
    pub(crate) fn store_mut(&mut self, number: u8) -> Option<&mut BoxStore> {
        self.replicas.get_mut(&number).map(|replica| &mut replica.store)
    }
}

#[cfg(test)]
mod tests;
