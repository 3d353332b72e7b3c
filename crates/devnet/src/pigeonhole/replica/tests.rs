//! All replicas together, asked through real envelopes.

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
    cap: WriteCap,
    shards: Vec<u8>,
    proxies: Vec<u8>,
}

impl Net {
    fn new() -> Self {
        let identity_keys: BTreeMap<_, _> = (0..5).map(|number| (number, [number; 32])).collect();
        let cap = WriteCap::from_seed(&[1; 32]);
        let box_id = boxes::seal(geometry(), &cap, cap.index(), b"").unwrap().box_id;
        let shards = sharding::shards(&identity_keys, box_id);
        let proxies = (0..5).filter(|number| !shards.contains(number)).collect();
        let replicas = Replicas::new(geometry(), [7; 32], identity_keys, 100);
        Self { replicas, cap, shards, proxies }
    }

    /// Makes what a client gets from its daemon: query and descriptor, as bytes.
    fn seal(&self, epoch: u64, to: [u8; 2], message: &InnerMessage) -> (Vec<u8>, Vec<u8>) {
        let keys = to.map(|number| self.replicas.public_key(number, epoch).unwrap());
        let [first, second] = &keys;
        let recipients = [
            Recipient { replica: to[0], public_key: first },
            Recipient { replica: to[1], public_key: second },
        ];
        let envelope = Envelope::seal(geometry(), message, epoch, recipients, &mut entropy()).unwrap();
        let descriptor = envelope.descriptor.to_bytes();
        (envelope.into_query(), descriptor)
    }

    /// Sends a query to one replica and opens the answer with nothing but the descriptor and the directory.
    fn ask(
        &mut self,
        number: u8,
        epoch: u64,
        (query, descriptor): &(Vec<u8>, Vec<u8>),
    ) -> (ReplicaReply, Result<ReplyInnerMessage, ReplyError>, Option<Push>) {
        let CourierQuery::Envelope(envelope) = CourierQuery::decode(query).unwrap() else {
            panic!("an envelope")
        };
        let (reply, push) = self.replicas.handle_envelope(number, &envelope, epoch, false, &mut entropy());
        let descriptor = Descriptor::from_bytes(descriptor).unwrap();
        let keys = descriptor
            .replicas
            .map(|number| self.replicas.public_key(number, descriptor.replica_epoch).unwrap());
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
    assert_eq!(net.read(b).code(), ReplicaCode::BOX_ID_NOT_FOUND, "not replicated yet");

    let push = push.unwrap();
    assert_eq!(push, Push { from: a, replica: b, sealed: net.content(b"message") });
    assert_eq!(net.replicas.handle_push(push, EPOCH), ReplicaCode::SUCCESS);
    let ReplyInnerMessage::Read(code, sealed) = net.read(b) else { panic!("a read") };
    let opened = boxes::open(&net.cap.read_cap(), net.cap.index(), code, &sealed);
    assert_eq!(opened, Ok(BoxContent::Message(b"message".to_vec().into())));
}

#[test]
fn a_refused_write_is_not_pushed() {
    let mut net = Net::new();
    let shard = net.shards[0];
    let _ = net.write(shard, b"message");
    assert_eq!(net.write(shard, b"another"), (ReplicaCode::BOX_ALREADY_EXISTS, None));
    assert_eq!(net.write(shard, b"message").0, ReplicaCode::SUCCESS);
}

#[test]
fn a_tombstone_that_overtakes_the_push_stays() {
    let mut net = Net::new();
    let (a, b) = (net.shards[0], net.shards[1]);
    let content = net.write(a, b"message").1.unwrap();
    let _ = net.write(b, b"");
    assert_eq!(net.replicas.handle_push(content, EPOCH), ReplicaCode::BOX_ALREADY_EXISTS);
    assert_eq!(net.read(b).code(), ReplicaCode::TOMBSTONE);
}

#[test]
fn others_pass_on_to_a_shard() {
    let mut net = Net::new();
    let proxy = net.proxies[0];
    let (code, push) = net.write(proxy, b"message");
    assert_eq!(code, ReplicaCode::SUCCESS);
    assert_eq!(net.replicas.store(proxy).unwrap().records().count(), 0);
    assert_eq!(net.replicas.handle_push(push.unwrap(), EPOCH), ReplicaCode::SUCCESS);
    for shard in net.shards.clone() {
        assert_eq!(net.replicas.store(shard).unwrap().records().count(), 1);
    }
    assert_eq!(net.read(proxy).code(), ReplicaCode::SUCCESS);
}

#[test]
fn without_a_shard_online_there_is_no_body() {
    let mut net = Net::new();
    let down = net.shards.iter().copied().collect();
    net.replicas.set_outages(Outages { down, ..Outages::default() });
    let message = InnerMessage::Read(net.content(b"").box_id);
    let query = net.seal(EPOCH, [net.proxies[0], net.proxies[1]], &message);
    let (reply, opened, _) = net.ask(net.proxies[0], EPOCH, &query);
    assert_eq!(reply, ReplicaReply { code: ReplicaCode::REPLICATION_FAILED, body: Vec::new() });
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
    assert_eq!(opened, Err(ReplyError::Decrypt), "the descriptor names the epoch before");
}

#[test]
fn strangers_cannot_open_the_envelope() {
    let mut net = Net::new();
    let message = InnerMessage::Read(net.content(b"").box_id);
    let query = net.seal(EPOCH, [0, 1], &message);
    assert_eq!(net.ask(2, EPOCH, &query).0.code, ReplicaCode::INVALID_EPOCH);
    assert_eq!(net.ask(9, EPOCH, &query).0.code, ReplicaCode::INTERNAL_ERROR);
}

#[test]
fn keys_differ_by_seed_replica_and_epoch() {
    let key = |seed, replica, epoch| ReplicaKeys::new([seed; 32], replica).private_key(epoch);
    assert_eq!(key(1, 1, 1), key(1, 1, 1));
    assert_ne!(key(1, 1, 1), key(2, 1, 1));
    assert_ne!(key(1, 1, 1), key(1, 2, 1));
    assert_ne!(key(1, 1, 1), key(1, 1, 2));
}
