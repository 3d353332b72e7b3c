//! Clients on raw frames, in virtual time.

mod cancels;
mod chaos;
mod copies;
mod disturbances;
mod epochs;
mod faults;
#[cfg(feature = "testing")]
mod fingerprint;
mod frames;
mod handshake;
mod incomplete;
mod local;
mod messages;
mod observed;
mod operations;
mod quirks;
mod records;
mod scheduling;
mod sent;
mod sessions;
mod takeover;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, BoxAccess, ConnectionStatus, EncryptRead, EncryptReply, EncryptWrite,
    FailureDetail, KeypairReply, MessageBoxIndex, NewKeypair, NewPkiDocument, NextMessageBoxIndex,
    PresentSessionToken, QueryId, ReplyFrame, RequestFrame, RequestKind, SecretBytes, Seed, SessionToken,
    SessionTokenReply, StartResendingEncryptedMessage, Surb,
};

use self::sent::{Sent, refused, with, without};
use super::{ConnId, Devnet, EndReason, Output};
use crate::config::DevnetConfig;

/// A daemon, its clock and what its clients were sent.
struct Net {
    devnet: Devnet,
    now: Instant,
    links: BTreeMap<ConnId, Link>,
    closed: BTreeMap<ConnId, EndReason>,
    wake_at: Option<Instant>,
    next_query: u8,
}

#[derive(Default)]
struct Link {
    frames: FrameBuffer,
    bytes: Vec<u8>,
    received: VecDeque<AnyResponse>,
    /// What the client does not read stays in the machine.
    deaf: bool,
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The reference's behaviour without its slowness.
fn quick_reference() -> DevnetConfig {
    let mut config = DevnetConfig::reference();
    config.timing.encrypt_time = Duration::ZERO;
    config.timing.group_action = Duration::ZERO;
    config.timing.open_time = Duration::ZERO;
    config.timing.reconnect = Duration::ZERO;
    config.timing.round_trip = millis(100);
    config.timing.send_slot = Duration::ZERO;
    config.timing.replica_time = Duration::ZERO;
    config.timing.first_document = Duration::ZERO;
    config.epoch_period = secs(20 * 60);
    config
}

impl Net {
    fn new(config: DevnetConfig) -> Self {
        Self::seeded(config, 7)
    }

    fn seeded(config: DevnetConfig, seed: u8) -> Self {
        let now = Instant::ORIGIN;
        let devnet = Devnet::new(config, [seed; 32], now);
        let (links, closed) = (BTreeMap::new(), BTreeMap::new());
        Self { devnet, now, links, closed, wake_at: None, next_query: 0 }
    }

    fn instant() -> Self {
        Self::new(DevnetConfig::instant())
    }

    /// Does what the machine says until it is idle.
    fn drain(&mut self) {
        loop {
            match self.devnet.poll_output() {
                Output::Close(conn, reason) => {
                    assert_eq!(self.closed.insert(conn, reason), None, "closed twice");
                }
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    return;
                }
                Output::Transmit(conn) => self.fetch(conn),
            }
        }
    }

    fn fetch(&mut self, conn: ConnId) {
        let link = self.links.entry(conn).or_default();
        while !link.deaf {
            let mut bytes = Vec::new();
            self.devnet.poll_transmit(self.now, conn, &mut bytes);
            if bytes.is_empty() {
                return;
            }
            link.frames.push(&bytes);
            link.bytes.extend(bytes);
            while let Some(body) = link.frames.next_frame().unwrap() {
                link.received.push_back(AnyResponse::decode(body).unwrap().unwrap());
            }
        }
    }

    /// Lets time pass, waking the machine whenever it wants.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..100_000 {
            match self.wake_at.filter(|at| *at <= until) {
                Some(at) => self.now = self.now.max(at),
                None => {
                    self.now = until;
                    return;
                }
            }
            self.devnet.handle_timeout(self.now);
            self.drain();
        }
        panic!("the machine does not come to rest");
    }

    fn act<T>(&mut self, act: impl FnOnce(&mut Devnet, Instant) -> T) -> T {
        let result = act(&mut self.devnet, self.now);
        self.drain();
        result
    }

    /// Has one thing go wrong, and nothing else.
    fn set_fault(&mut self, text: &str) {
        self.act(|devnet, now| devnet.set_faults(now, text.parse().unwrap()));
    }

    fn connect(&mut self) -> ConnId {
        self.act(Devnet::connect)
    }

    /// Connects and presents a token.
    fn session(&mut self, token: u8) -> (ConnId, SessionTokenReply) {
        let conn = self.connect();
        let _ = self.greeting(conn);
        let reply = self.present(conn, token);
        (conn, reply)
    }

    fn greeting(&mut self, conn: ConnId) -> (ConnectionStatus, NewPkiDocument) {
        match (self.next(conn), self.next(conn)) {
            (AnyResponse::ConnectionStatus(status), AnyResponse::NewPkiDocument(document)) => {
                (status, document)
            }
            other => panic!("{other:?}"),
        }
    }

    fn present(&mut self, conn: ConnId, token: u8) -> SessionTokenReply {
        self.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([token; 16]) });
        match self.next(conn) {
            AnyResponse::SessionToken(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn input(&mut self, conn: ConnId, bytes: &[u8]) {
        self.act(|devnet, now| devnet.handle_input(now, conn, bytes));
    }

    fn gone(&mut self, conn: ConnId) {
        self.act(|devnet, now| devnet.handle_disconnected(now, conn));
    }

    fn send(&mut self, conn: ConnId, query_id: Option<QueryId>, request: impl Into<Sent>) {
        let bytes = frame(query_id, request);
        self.input(conn, &bytes);
    }

    /// Asks without waiting for the answer.
    fn ask(&mut self, conn: ConnId, request: impl Into<Sent>) -> QueryId {
        self.next_query += 1;
        let query_id = QueryId::from([self.next_query; 16]);
        self.send(conn, Some(query_id), request);
        query_id
    }

    /// Asks and takes the answer, which must be the next frame.
    fn call(&mut self, conn: ConnId, request: impl Into<Sent>) -> Result<AnyReply, (u8, FailureDetail)> {
        let query_id = self.ask(conn, request);
        let reply = self.reply(conn);
        assert_eq!(reply.query_id, Some(query_id));
        reply.result.map_err(|failure| (failure.error_code, failure.detail))
    }

    /// Asks, lets time pass, and returns the code of the answer that is then the only one.
    fn call_for(&mut self, conn: ConnId, time: Duration, request: impl Into<Sent>) -> (u8, Option<Vec<u8>>) {
        let query_id = self.ask(conn, request);
        self.pass(time);
        let reply = self.reply(conn);
        assert_eq!(reply.query_id, Some(query_id));
        self.nothing(conn);
        outcome(reply)
    }

    fn try_next(&mut self, conn: ConnId) -> Option<AnyResponse> {
        self.links.get_mut(&conn)?.received.pop_front()
    }

    fn next(&mut self, conn: ConnId) -> AnyResponse {
        self.try_next(conn).expect("a frame")
    }

    fn reply(&mut self, conn: ConnId) -> ReplyFrame {
        match self.next(conn) {
            AnyResponse::Reply(reply) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn nothing(&mut self, conn: ConnId) {
        assert_eq!(self.try_next(conn), None);
    }

    fn is_closed(&self, conn: ConnId) -> bool {
        self.closed.contains_key(&conn)
    }

    fn why_closed(&self, conn: ConnId) -> Option<&EndReason> {
        self.closed.get(&conn)
    }

    fn keypair(&mut self, conn: ConnId, seed: u8) -> KeypairReply {
        match self.call(conn, NewKeypair { seed: Seed::from([seed; 32]) }) {
            Ok(AnyReply::NewKeypair(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn encrypt_write(&mut self, conn: ConnId, keys: &KeypairReply, text: &str) -> EncryptReply {
        let request = EncryptWrite {
            plaintext: SecretBytes::from(text),
            write_cap: keys.write_cap.clone(),
            message_box_index: keys.first_message_index.clone(),
        };
        match self.call(conn, request) {
            Ok(AnyReply::EncryptWrite(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }

    fn encrypt_read(&mut self, conn: ConnId, keys: &KeypairReply) -> EncryptReply {
        let request = EncryptRead {
            read_cap: keys.read_cap.clone(),
            message_box_index: keys.first_message_index.clone(),
        };
        match self.call(conn, request) {
            Ok(AnyReply::EncryptRead(reply)) => reply,
            other => panic!("{other:?}"),
        }
    }
}

fn frame(query_id: Option<QueryId>, request: impl Into<Sent>) -> Vec<u8> {
    request.into().frame(query_id)
}

/// A frame with any body.
fn raw(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes(), body].concat()
}

fn start(access: BoxAccess, sealed: &EncryptReply) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        access,
        reply_index: None,
        envelope_descriptor: sealed.envelope_descriptor.clone(),
        message_ciphertext: sealed.message_ciphertext.clone(),
        envelope_hash: sealed.envelope_hash,
        no_retry_on_box_id_not_found: false,
        no_idempotent_box_already_exists: false,
    }
}

fn write(keys: &KeypairReply, sealed: &EncryptReply) -> StartResendingEncryptedMessage {
    start(BoxAccess::Write { write_cap: keys.write_cap.clone(), message_box_index: None }, sealed)
}

fn strict_write(keys: &KeypairReply, sealed: &EncryptReply) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage { no_idempotent_box_already_exists: true, ..write(keys, sealed) }
}

fn read(keys: &KeypairReply, sealed: &EncryptReply) -> StartResendingEncryptedMessage {
    read_at(keys, keys.first_message_index.clone(), sealed)
}

fn read_at(
    keys: &KeypairReply,
    message_box_index: MessageBoxIndex,
    sealed: &EncryptReply,
) -> StartResendingEncryptedMessage {
    start(BoxAccess::Read { read_cap: keys.read_cap.clone(), message_box_index }, sealed)
}

fn read_once(keys: &KeypairReply, sealed: &EncryptReply) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage { no_retry_on_box_id_not_found: true, ..read(keys, sealed) }
}

/// The code of an operation's answer, and what was read.
fn outcome(reply: ReplyFrame) -> (u8, Option<Vec<u8>>) {
    match reply.result {
        Ok(AnyReply::StartResendingEncryptedMessage(reply)) => {
            assert!(reply.courier_identity_hash.is_some());
            (0, reply.plaintext.map(SecretBytes::into_vec))
        }
        Ok(_) => (0, None),
        Err(failure) => (failure.error_code, None),
    }
}

fn index_at(keys: &KeypairReply, steps: u64) -> MessageBoxIndex {
    let index = kpthin_bacap::MessageBoxIndex::from_bytes(keys.first_message_index.as_bytes()).unwrap();
    MessageBoxIndex::from(index.advance_to(index.counter() + steps).unwrap().to_bytes())
}
