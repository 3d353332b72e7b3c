//! The replicas: open an envelope, do what it says, seal the answer (Pigeonhole backend §7.3-7.5).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use blake2::{Blake2b256, Digest};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use kpthin_bacap::{BoxId, SealedBox};

use super::Entropy;
use super::geometry::Geometry;
use super::messages::{CourierEnvelope, InnerMessage, Message, ReplicaCode, ReplyInnerMessage};
use super::mkem::{self, PrivateKey, PublicKey};
use super::padding;
use super::sharding;
use super::store::BoxStore;

/// The envelope keys of one replica, a fresh one for each replica epoch.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct ReplicaKeys {
    seed: [u8; 32],
    replica: u8,
}

impl ReplicaKeys {
    /// Derives the keys of a replica from the devnet's seed.
    pub(crate) const fn new(seed: [u8; 32], replica: u8) -> Self {
        Self { seed, replica }
    }

    /// Derives the key of one epoch.
    pub(crate) fn private_key(&self, epoch: u64) -> PrivateKey {
        let hasher = Blake2b256::new()
            .chain_update(b"kpthin devnet replica envelope key")
            .chain_update(self.seed)
            .chain_update([self.replica])
            .chain_update(epoch.to_be_bytes());
        PrivateKey::from_seed(&Zeroizing::new(hasher.finalize().into()))
    }

    /// Opens an envelope with the key of this epoch, the one before or the one after, and tells which.
    fn open(&self, epoch: u64, envelope: &CourierEnvelope) -> Option<(PrivateKey, Vec<u8>)> {
        let epochs = [Some(epoch), epoch.checked_sub(1), epoch.checked_add(1)];
        epochs.into_iter().flatten().find_map(|epoch| {
            let key = self.private_key(epoch);
            let sender = &envelope.sender_public_key;
            mkem::decapsulate(&key, sender, &envelope.wrapped_keys, &envelope.ciphertext)
                .ok()
                .map(|message| (key, message))
        })
    }
}

impl fmt::Debug for ReplicaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplicaKeys(#{})", self.replica)
    }
}

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
    /// The number of that replica.
    pub(crate) replica: u8,
    /// What to store.
    pub(crate) sealed: SealedBox,
}

#[derive(Debug)]
struct Replica {
    keys: ReplicaKeys,
    store: BoxStore,
}

/// All replicas of a network.
#[derive(Debug)]
pub(crate) struct Replicas {
    geometry: Geometry,
    identity_keys: BTreeMap<u8, [u8; 32]>,
    replicas: BTreeMap<u8, Replica>,
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
        let replicas = identity_keys
            .keys()
            .map(|number| (*number, replica(number)))
            .collect();
        Self {
            geometry,
            identity_keys,
            replicas,
        }
    }

    /// Lets a replica answer an envelope.
    ///
    /// `online` are the replicas in the document; where the box belongs to others, one of those is asked on the spot. A
    /// push that comes back is to be handed to [`Self::handle_push`] some time later, as replication in the network is
    /// slower than the answer.
    pub(crate) fn handle_envelope(
        &mut self,
        number: u8,
        envelope: &CourierEnvelope,
        epoch: u64,
        online: &BTreeSet<u8>,
        entropy: &mut impl Entropy,
    ) -> (ReplicaReply, Option<Push>) {
        self.try_envelope(number, envelope, epoch, online, entropy)
            .unwrap_or_else(|code| {
                (
                    ReplicaReply {
                        code,
                        body: Vec::new(),
                    },
                    None,
                )
            })
    }

    fn try_envelope(
        &mut self,
        number: u8,
        envelope: &CourierEnvelope,
        epoch: u64,
        online: &BTreeSet<u8>,
        entropy: &mut impl Entropy,
    ) -> Result<(ReplicaReply, Option<Push>), ReplicaCode> {
        let replica = self
            .replicas
            .get(&number)
            .ok_or(ReplicaCode::INTERNAL_ERROR)?;
        let (key, padded) = replica
            .keys
            .open(epoch, envelope)
            .ok_or(ReplicaCode::INVALID_EPOCH)?;
        let message = padding::unpad(&padded)
            .ok()
            .and_then(|bytes| InnerMessage::decode(bytes).ok());
        let message = message.ok_or(ReplicaCode::INVALID_PAYLOAD)?;

        let shards = sharding::shards(&self.identity_keys, message.box_id());
        let (shard, key) = if shards.contains(&number) {
            (number, key)
        } else {
            let online = shards.iter().filter(|shard| online.contains(shard));
            let online: Vec<u8> = online.copied().collect();
            let shard = online.get(entropy.below(online.len()));
            // A proxy seals with its current key, whichever one opened the envelope.
            (
                *shard.ok_or(ReplicaCode::REPLICATION_FAILED)?,
                replica.keys.private_key(epoch),
            )
        };
        let (reply, push) = self.execute(shard, &shards, epoch, message)?;

        let padded = padding::pad(&reply.encode(), self.geometry.reply_padded());
        let padded = padded.map_err(|_| ReplicaCode::INTERNAL_ERROR)?;
        let sender = &envelope.sender_public_key;
        let body = mkem::encrypt_reply(&key, sender, &padded, entropy);
        Ok((
            ReplicaReply {
                code: reply.code(),
                body,
            },
            push,
        ))
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
                let push = other
                    .filter(|_| code == ReplicaCode::SUCCESS)
                    .map(|other| Push {
                        replica: *other,
                        sealed,
                    });
                Ok((ReplyInnerMessage::Write(code), push))
            }
        }
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
        self.replicas
            .get(&number)
            .map(|replica| replica.store.read(epoch, box_id))
    }

    /// Deletes the records that no longer count, at all replicas.
    pub(crate) fn collect_garbage(&mut self, epoch: u64) {
        self.replicas
            .values_mut()
            .for_each(|replica| replica.store.collect_garbage(epoch));
    }

    /// Returns the public key that a replica has for an epoch.
    pub(crate) fn public_key(&self, number: u8, epoch: u64) -> Option<PublicKey> {
        self.replicas
            .get(&number)
            .map(|replica| replica.keys.private_key(epoch).public_key())
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
        self.replicas
            .get_mut(&number)
            .map(|replica| &mut replica.store)
    }
}

#[cfg(test)]
mod tests {
    use kpthin_bacap::WriteCap;

    use super::*;
    use crate::pigeonhole::boxes::{self, BoxContent};
    use crate::pigeonhole::descriptor::{Descriptor, ReplyError};
    use crate::pigeonhole::envelope::{Envelope, Recipient};
    use crate::pigeonhole::messages::CourierQuery;
    use crate::pigeonhole::testing::{entropy, geometry};

    const EPOCH: u64 = 2951;

    struct Net {
        replicas: Replicas,
        online: BTreeSet<u8>,
        cap: WriteCap,
        shards: Vec<u8>,
        proxies: Vec<u8>,
    }

    impl Net {
        fn new() -> Self {
            let identity_keys: BTreeMap<_, _> =
                (0..5).map(|number| (number, [number; 32])).collect();
            let cap = WriteCap::from_seed(&[1; 32]);
            let box_id = boxes::seal(geometry(), &cap, cap.index(), b"")
                .unwrap()
                .box_id;
            let shards = sharding::shards(&identity_keys, box_id);
            let proxies = (0..5).filter(|number| !shards.contains(number)).collect();
            let replicas = Replicas::new(geometry(), [7; 32], identity_keys, 100);
            Self {
                replicas,
                online: (0..5).collect(),
                cap,
                shards,
                proxies,
            }
        }

        /// Makes what a client gets from its daemon: query and descriptor, as bytes.
        fn seal(&self, epoch: u64, to: [u8; 2], message: &InnerMessage) -> (Vec<u8>, Vec<u8>) {
            let keys = to.map(|number| self.replicas.public_key(number, epoch).unwrap());
            let [first, second] = &keys;
            let recipients = [
                Recipient {
                    replica: to[0],
                    public_key: first,
                },
                Recipient {
                    replica: to[1],
                    public_key: second,
                },
            ];
            let envelope =
                Envelope::seal(geometry(), message, epoch, recipients, &mut entropy()).unwrap();
            let descriptor = envelope.descriptor.to_bytes();
            (envelope.into_query(), descriptor)
        }

        /// Sends a query to one replica and opens the answer with nothing but the descriptor and the directory.
        fn ask(
            &mut self,
            number: u8,
            epoch: u64,
            (query, descriptor): &(Vec<u8>, Vec<u8>),
        ) -> (
            ReplicaReply,
            Result<ReplyInnerMessage, ReplyError>,
            Option<Push>,
        ) {
            let CourierQuery::Envelope(envelope) = CourierQuery::decode(query).unwrap() else {
                panic!("an envelope")
            };
            let (reply, push) = self.replicas.handle_envelope(
                number,
                &envelope,
                epoch,
                &self.online,
                &mut entropy(),
            );
            let descriptor = Descriptor::from_bytes(descriptor).unwrap();
            let keys = descriptor.replicas.map(|number| {
                self.replicas
                    .public_key(number, descriptor.replica_epoch)
                    .unwrap()
            });
            let opened = descriptor.open_reply(&keys, &reply.body);
            (reply, opened, push)
        }

        fn content(&self, message: &[u8]) -> SealedBox {
            boxes::seal(geometry(), &self.cap, self.cap.index(), message).unwrap()
        }

        fn write(&mut self, number: u8, message: &[u8]) -> (ReplicaCode, Option<Push>) {
            let message = InnerMessage::Write(self.content(message));
            let query = self.seal(EPOCH, [number, (number + 1) % 5], &message);
            let (reply, opened, push) = self.ask(number, EPOCH, &query);
            assert_eq!(reply.body.len(), geometry().reply_envelope());
            assert_eq!(opened, Ok(ReplyInnerMessage::Write(reply.code)));
            (reply.code, push)
        }

        fn read(&mut self, number: u8) -> ReplyInnerMessage {
            let message = InnerMessage::Read(self.content(b"").box_id);
            let query = self.seal(EPOCH, [number, (number + 1) % 5], &message);
            let (reply, opened, push) = self.ask(number, EPOCH, &query);
            assert_eq!(reply.body.len(), geometry().reply_envelope());
            assert_eq!(push, None);
            opened.unwrap()
        }
    }

    #[test]
    fn a_shard_stores_and_pushes_to_the_other() {
        let mut net = Net::new();
        let (a, b) = (net.shards[0], net.shards[1]);
        let (code, push) = net.write(a, b"message");
        assert_eq!(code, ReplicaCode::SUCCESS);
        assert_eq!(
            net.read(b).code(),
            ReplicaCode::BOX_ID_NOT_FOUND,
            "not replicated yet"
        );

        let push = push.unwrap();
        assert_eq!(
            push,
            Push {
                replica: b,
                sealed: net.content(b"message")
            }
        );
        assert_eq!(net.replicas.handle_push(push, EPOCH), ReplicaCode::SUCCESS);
        let ReplyInnerMessage::Read(code, sealed) = net.read(b) else {
            panic!("a read")
        };
        let opened = boxes::open(&net.cap.read_cap(), net.cap.index(), code, &sealed);
        assert_eq!(opened, Ok(BoxContent::Message(b"message".to_vec().into())));
    }

    #[test]
    fn a_refused_write_is_not_pushed() {
        let mut net = Net::new();
        let shard = net.shards[0];
        let _ = net.write(shard, b"message");
        assert_eq!(
            net.write(shard, b"another"),
            (ReplicaCode::BOX_ALREADY_EXISTS, None)
        );
        assert_eq!(net.write(shard, b"message").0, ReplicaCode::SUCCESS);
    }

    #[test]
    fn a_tombstone_that_overtakes_the_push_stays() {
        let mut net = Net::new();
        let (a, b) = (net.shards[0], net.shards[1]);
        let content = net.write(a, b"message").1.unwrap();
        let _ = net.write(b, b"");
        assert_eq!(
            net.replicas.handle_push(content, EPOCH),
            ReplicaCode::BOX_ALREADY_EXISTS
        );
        assert_eq!(net.read(b).code(), ReplicaCode::TOMBSTONE);
    }

    #[test]
    fn others_pass_on_to_a_shard() {
        let mut net = Net::new();
        let proxy = net.proxies[0];
        let (code, push) = net.write(proxy, b"message");
        assert_eq!(code, ReplicaCode::SUCCESS);
        assert_eq!(net.replicas.store(proxy).unwrap().records().count(), 0);
        assert_eq!(
            net.replicas.handle_push(push.unwrap(), EPOCH),
            ReplicaCode::SUCCESS
        );
        for shard in net.shards.clone() {
            assert_eq!(net.replicas.store(shard).unwrap().records().count(), 1);
        }
        assert_eq!(net.read(proxy).code(), ReplicaCode::SUCCESS);
    }

    #[test]
    fn without_a_shard_online_there_is_no_body() {
        let mut net = Net::new();
        net.online = net.proxies.iter().copied().collect();
        let message = InnerMessage::Read(net.content(b"").box_id);
        let query = net.seal(EPOCH, [net.proxies[0], net.proxies[1]], &message);
        let (reply, opened, _) = net.ask(net.proxies[0], EPOCH, &query);
        assert_eq!(
            reply,
            ReplicaReply {
                code: ReplicaCode::REPLICATION_FAILED,
                body: Vec::new()
            }
        );
        assert_eq!(opened, Err(ReplyError::Decrypt));
    }

    #[test]
    fn keys_of_the_epochs_around_open() {
        for (sealed, now, code) in [
            (EPOCH, EPOCH + 1, ReplicaCode::BOX_ID_NOT_FOUND),
            (EPOCH + 1, EPOCH, ReplicaCode::BOX_ID_NOT_FOUND),
            (EPOCH, EPOCH + 2, ReplicaCode::INVALID_EPOCH),
            (EPOCH + 2, EPOCH, ReplicaCode::INVALID_EPOCH),
        ] {
            let mut net = Net::new();
            let message = InnerMessage::Read(net.content(b"").box_id);
            let shards = [net.shards[0], net.shards[1]];
            let query = net.seal(sealed, shards, &message);
            let (reply, opened, _) = net.ask(net.shards[0], now, &query);
            assert_eq!(reply.code, code);
            assert_eq!(opened.is_ok(), code == ReplicaCode::BOX_ID_NOT_FOUND);
        }
    }

    #[test]
    fn a_proxy_answers_with_the_key_of_today() {
        let mut net = Net::new();
        let message = InnerMessage::Read(net.content(b"").box_id);
        let query = net.seal(EPOCH, [net.proxies[0], net.proxies[1]], &message);
        let (reply, opened, _) = net.ask(net.proxies[0], EPOCH + 1, &query);
        assert_eq!(reply.code, ReplicaCode::BOX_ID_NOT_FOUND);
        assert_eq!(
            opened,
            Err(ReplyError::Decrypt),
            "the descriptor names the epoch before"
        );
    }

    #[test]
    fn strangers_cannot_open_the_envelope() {
        let mut net = Net::new();
        let message = InnerMessage::Read(net.content(b"").box_id);
        let query = net.seal(EPOCH, [0, 1], &message);
        assert_eq!(net.ask(2, EPOCH, &query).0.code, ReplicaCode::INVALID_EPOCH);
        assert_eq!(
            net.ask(9, EPOCH, &query).0.code,
            ReplicaCode::INTERNAL_ERROR
        );
    }

    #[test]
    fn keys_differ_by_seed_replica_and_epoch() {
        let key = |seed, replica, epoch| ReplicaKeys::new([seed; 32], replica).private_key(epoch);
        assert_eq!(key(1, 1, 1), key(1, 1, 1));
        assert_ne!(key(1, 1, 1), key(2, 1, 1));
        assert_ne!(key(1, 1, 1), key(1, 2, 1));
        assert_ne!(key(1, 1, 1), key(1, 1, 2));
    }
}
