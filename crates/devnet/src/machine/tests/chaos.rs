//! Anything at any time: no panic, and nothing is left behind.

use kpthin_core::wire::{
    CancelResendingEncryptedMessage, GetPkiDocument, QueueId, SendMessage, SurbId, ThinClose,
};

use super::super::looking::Census;
use super::*;
use crate::entropy::SeededEntropy;
use crate::pigeonhole::Entropy;

struct Chaos {
    net: Net,
    entropy: SeededEntropy,
    open: Vec<ConnId>,
    keys: Vec<KeypairReply>,
    sealed: Vec<(KeypairReply, EncryptReply)>,
    most_operations: usize,
}

impl Chaos {
    fn new(config: DevnetConfig, seed: u8) -> Self {
        let mut net = Net::new(config);
        let conn = net.connect();
        net.pass(secs(30));
        let _ = net.greeting(conn);
        let keys: Vec<_> = (0..3).map(|seed| net.keypair(conn, seed)).collect();
        let mut sealed = Vec::new();
        for (number, text) in [(0, "a"), (0, "b"), (0, ""), (1, "a"), (1, "b")] {
            let keys: &KeypairReply = &keys[number];
            let request = EncryptWrite {
                plaintext: SecretBytes::from(text),
                write_cap: keys.write_cap.clone(),
                message_box_index: keys.first_message_index.clone(),
            };
            let _ = net.ask(conn, request);
            net.pass(secs(3));
            if let Ok(AnyReply::EncryptWrite(reply)) = net.reply(conn).result {
                sealed.push((keys.clone(), reply));
            }
        }
        // Nobody ever writes what these ask for.
        for _ in 0..4 {
            let request = EncryptRead {
                read_cap: keys[2].read_cap.clone(),
                message_box_index: keys[2].first_message_index.clone(),
            };
            let _ = net.ask(conn, request);
            net.pass(secs(3));
            if let Ok(AnyReply::EncryptRead(reply)) = net.reply(conn).result {
                sealed.push((keys[2].clone(), reply));
            }
        }
        assert_eq!(sealed.len(), 9);
        Self {
            net,
            entropy: SeededEntropy::new([seed; 32]),
            open: vec![conn],
            keys,
            sealed,
            most_operations: 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.entropy.below(bound)
    }

    fn request(&mut self) -> AnyRequest {
        let (keys, sealed) = self.sealed[self.entropy.below(self.sealed.len())].clone();
        let unwritten = self.sealed[5 + self.entropy.below(self.sealed.len() - 5)].clone();
        match self.below(20) {
            0 => PresentSessionToken {
                client_instance_token: SessionToken::from([u8::try_from(self.below(3)).unwrap(); 16]),
            }
            .into(),
            1 | 9..=11 => write(&keys, &sealed).into(),
            2 => strict_write(&keys, &sealed).into(),
            3 => read(&keys, &sealed).into(),
            12..=14 => read(&unwritten.0, &unwritten.1).into(),
            4 | 15 => CancelResendingEncryptedMessage { envelope_hash: sealed.envelope_hash }.into(),
            5 => GetPkiDocument { epoch: 0 }.into(),
            6 => SendMessage {
                id: None,
                surb: Surb::Named(SurbId::from([1; 16])),
                destination_id_hash: self.net.devnet.network.courier_hash(0).unwrap(),
                recipient_queue_id: QueueId::new("+echo").unwrap(),
                payload: SecretBytes::from("x"),
            }
            .into(),
            7 | 16..=18 => EncryptRead {
                read_cap: self.keys[0].read_cap.clone(),
                message_box_index: self.keys[0].first_message_index.clone(),
            }
            .into(),
            _ => ThinClose {}.into(),
        }
    }

    fn step(&mut self) {
        let closed = &self.net.closed;
        self.open.retain(|conn| !closed.contains_key(conn));
        if self.open.is_empty() {
            self.open.push(self.net.connect());
            return;
        }
        let conn = self.open[self.entropy.below(self.open.len())];
        match self.below(24) {
            0 | 1 => {
                let conn = self.net.connect();
                self.open.push(conn);
            }
            2 => {
                self.net.gone(conn);
                self.open.retain(|other| *other != conn);
            }
            3 => self.net.act(|devnet, now| devnet.handle_eof(now, conn)),
            4 => self.net.act(Devnet::advance_epoch),
            5 => {
                let up = self.below(2) == 0;
                self.net.act(|devnet, now| devnet.set_mixnet(now, up));
            }
            6 => match self.below(20) {
                0 => self.net.act(Devnet::restart),
                1 => {
                    self.net.act(Devnet::shutdown);
                    self.net.act(Devnet::restart);
                }
                _ => {}
            },
            7 | 8 => {
                let time = self.below(1_000);
                self.net.pass(millis(time.try_into().unwrap()));
            }
            9 => {
                let mut bytes = frame(Some(QueryId::from([1; 16])), self.request());
                let at = self.entropy.below(bytes.len());
                bytes[at] ^= 1 << self.entropy.below(8);
                self.net.input(conn, &bytes);
            }
            10 => self.net.input(conn, &raw(b"\xa0")),
            _ => {
                let bytes = frame(Some(QueryId::from([1; 16])), self.request());
                let cut = self.entropy.below(bytes.len());
                self.net.input(conn, &bytes[..cut]);
                self.net.input(conn, &bytes[cut..]);
            }
        }
        let Net { devnet, links, .. } = &mut self.net;
        links.values_mut().for_each(|link| link.received.clear());
        let census = devnet.census();
        self.most_operations = self.most_operations.max(census.operations);
        assert!(census.planned <= 64 + 6 * (census.operations + census.connections + 100), "{census:?}");
    }

    /// All clients leave, and time passes until the daemon has forgotten them.
    fn leave(mut self) {
        for conn in self.open {
            self.net.gone(conn);
        }
        self.net.act(|devnet, now| devnet.set_mixnet(now, true));
        self.net.pass(secs(100));
        // What a stopped connection had to say is worked off by now, and the grace period over.
        self.net.pass(secs(100));
        assert_eq!(self.net.devnet.census(), NOTHING);
    }
}

/// What is there when nobody is: the end of the epoch.
const NOTHING: Census =
    Census { connections: 0, sessions: 0, tokens: 0, operations: 0, queued: 0, queued_bytes: 0, planned: 1 };

/// How many scripts per configuration: `KPTHIN_CHAOS_CASES`, 2 unless set.
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how long they may take")]
fn cases() -> u8 {
    std::env::var("KPTHIN_CHAOS_CASES").map_or(2, |cases| cases.parse().unwrap())
}

#[test]
fn whatever_clients_do_nothing_is_left_behind() {
    for config in [DevnetConfig::instant(), quick_reference(), DevnetConfig::reference()] {
        let mut most_operations = 0;
        for seed in 0..cases() {
            let mut config = config.clone();
            config.grace_period = secs(10);
            config.timing.reconnect = config.timing.reconnect.min(millis(200));
            config.timing.poll_interval = config.timing.poll_interval.max(millis(500));
            let mut chaos = Chaos::new(config, seed);
            for _ in 0..300 {
                chaos.step();
            }
            most_operations = most_operations.max(chaos.most_operations);
            chaos.leave();
        }
        assert!(most_operations > 1, "{most_operations}: the script stays on the surface");
    }
}
