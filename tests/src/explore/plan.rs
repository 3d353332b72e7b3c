//! Makes a world: its daemon, and the calls with everything they need.

use std::{collections::BTreeSet, time::Duration};

use kpthin_core::{
    Instant,
    wire::{
        AnyReply, CancelResendingEncryptedMessage, CreateCourierEnvelopesFromPayload, EncryptReply,
        KeypairReply, SecretBytes, StartResendingCopyCommand, StartResendingEncryptedMessage, Surb,
    },
};
use kpthin_devnet::{Devnet, Output};

use super::{
    Setting, What,
    calls::{Expect, Prepared},
};
use crate::{
    Net, Pair,
    boxes::{Stream, Unwritten},
};

const SEED: u64 = 77;
/// By then the daemon has forgotten who prepared the calls.
const LATER: Duration = Duration::from_secs(2_000);

/// What all states of a world have in common.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) setting: Setting,
    pub(super) calls: Vec<Prepared>,
}

/// A program that has done everything beforehand.
struct Preparer {
    pair: Pair<Net>,
    write: Option<StartResendingEncryptedMessage>,
}

impl Preparer {
    fn keys(&mut self, seed: u8) -> KeypairReply {
        self.pair.call(Stream::request(seed)).expect("a stream")
    }

    fn stream(&mut self, seed: u8) -> Stream {
        Stream::of(self.keys(seed))
    }

    fn encrypted(&mut self, stream: &Stream, text: &[u8]) -> EncryptReply {
        self.pair.call(stream.encrypt_write(&stream.first(), text)).expect("an envelope")
    }

    fn read(&mut self, stream: &Stream, unwritten: Unwritten) -> StartResendingEncryptedMessage {
        let envelope = self.pair.call(stream.encrypt_read(&stream.first())).expect("an envelope");
        stream.send_read(&stream.first(), envelope, unwritten)
    }

    fn create(&mut self) -> (CreateCourierEnvelopesFromPayload, KeypairReply) {
        let destination = self.keys(3);
        let request = CreateCourierEnvelopesFromPayload {
            payload: SecretBytes::from("copied"),
            dest_write_cap: destination.write_cap.clone(),
            dest_start_index: destination.first_message_index.clone(),
            is_start: true,
            is_last: true,
        };
        (request, destination)
    }

    fn copy(&mut self) -> Prepared {
        let (create, destination) = self.create();
        let packed = self.pair.call(create).expect("a packed stream");
        let temporary = self.keys(4);
        let stream = Stream::of(temporary.clone());
        let mut index = stream.first();
        for element in &packed.envelopes {
            let encrypted = self.pair.call(stream.encrypt_write(&index, element)).expect("an envelope");
            index = encrypted.next_message_box_index.clone();
            let _stored = self.pair.call(stream.send_write(encrypted)).expect("a box");
        }
        let document = self.pair.machine.document().expect("a document");
        let courier = document.couriers().next().expect("a courier").destination();
        let request = StartResendingCopyCommand { write_cap: temporary.write_cap, courier: Some(courier) };
        let index = destination.first_message_index;
        Prepared::new(What::Copy, request, Expect::Stored(destination.read_cap, index, b"copied".to_vec()))
    }

    fn call(&mut self, what: What, number: u8) -> Prepared {
        let keypair = Stream::request(100 + number);
        match what {
            What::CancelWrite => {
                let write = self.write.as_ref().expect("a write before its cancel");
                let request = CancelResendingEncryptedMessage { envelope_hash: write.envelope_hash };
                Prepared::new(what, request, Expect::Kind)
            }
            What::Copy => self.copy(),
            What::Create => Prepared::new(what, self.create().0, Expect::Kind),
            What::Encrypt => {
                let stream = self.stream(5);
                Prepared::new(what, stream.encrypt_write(&stream.first(), &[number]), Expect::Kind)
            }
            What::Keypair => {
                let reply = self.pair.call(keypair.clone()).expect("a stream");
                Prepared::new(what, keypair, Expect::Reply(Box::new(AnyReply::NewKeypair(reply))))
            }
            What::Message | What::MessageWithoutReply => {
                let mut request = self.pair.echo(u64::from(number));
                if what == What::MessageWithoutReply {
                    request.surb = Surb::None;
                }
                Prepared::new(what, request, Expect::Kind)
            }
            What::Poll => {
                let keys = self.keys(1);
                let request = self.read(&Stream::of(keys.clone()), Unwritten::Polls);
                let expect = Expect::Polled(keys.read_cap, keys.first_message_index, b"written".to_vec());
                Prepared::new(what, request, expect)
            }
            What::Read => {
                let stream = self.stream(2);
                let write = self.encrypted(&stream, b"read");
                let _stored = self.pair.call(stream.send_write(write)).expect("a box");
                let request = self.read(&stream, Unwritten::Ends);
                Prepared::new(what, request, Expect::Plaintext(b"read".to_vec()))
            }
            What::ReadUnwritten => {
                let stream = self.stream(6);
                let request = self.read(&stream, Unwritten::Ends);
                Prepared::new(what, request, Expect::Unwritten)
            }
            What::Write => {
                let keys = self.keys(1);
                let stream = Stream::of(keys.clone());
                let encrypted = self.encrypted(&stream, b"written");
                let mut request = stream.send_write(encrypted);
                request.no_idempotent_box_already_exists = true;
                self.write = Some(request.clone());
                let expect = Expect::Stored(keys.read_cap, keys.first_message_index, b"written".to_vec());
                Prepared::new(what, request, expect)
            }
        }
    }
}

/// Makes what a world needs; the daemon then has no connection and no session.
pub(super) fn prepare(setting: Setting) -> (Plan, Devnet, Instant) {
    let pair = Pair::up(SEED, Net::new(SEED, setting.config()));
    let mut preparer = Preparer { pair, write: None };
    let mut calls = Vec::new();
    for (number, what) in (0..).zip(setting.calls) {
        calls.push(preparer.call(*what, number));
    }
    let plains: BTreeSet<_> = calls.iter().map(|call| &call.plain).collect();
    assert_eq!(plains.len(), calls.len(), "two calls of one world are the same");
    let mut pair = preparer.pair;
    pair.close();
    pair.run_for(Duration::from_secs(60));
    let mut devnet = pair.daemon.devnet.clone();
    let until = pair.now() + LATER;
    loop {
        match devnet.poll_output() {
            Output::Idle { wake_at: Some(at) } if at <= until => devnet.handle_timeout(at),
            Output::Idle { .. } => break,
            _ => {}
        }
    }
    devnet.handle_timeout(until);
    (Plan { setting, calls }, devnet, until)
}
