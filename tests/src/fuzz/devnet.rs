//! The embedded daemon with several connections, which send requests, parts of requests and anything else.

use std::time::Duration;

use kpthin_core::{
    Instant,
    wire::{QueryId, RequestFrame},
};
use kpthin_devnet::{ConnId, Devnet, Output};

use crate::{Rng, profiles, sample};

const CONNECTIONS_MAX: usize = 4;
/// More outputs at one moment than a daemon ever has.
const OUTPUTS_MAX: usize = 10_000;

struct World {
    rng: Rng,
    devnet: Devnet,
    now: Instant,
    wake_at: Option<Instant>,
    conns: Vec<ConnId>,
}

impl World {
    fn step(&mut self) {
        let conn = if self.conns.is_empty() { None } else { Some(*self.rng.pick(&self.conns)) };
        match (self.rng.below(12), conn) {
            (0, _) | (_, None) => {
                if self.conns.len() < CONNECTIONS_MAX {
                    self.conns.push(self.devnet.connect(self.now));
                }
            }
            (1..5, Some(conn)) => {
                let request = sample::any(self.rng.below(11), self.rng.below(6));
                let query_id = Some(QueryId::from([self.rng.bytes::<1>()[0]; 16]));
                let mut bytes = Vec::new();
                RequestFrame { query_id, request }.encode(&mut bytes).expect("it is small");
                if self.rng.one_in(4) {
                    // One byte of it is something else.
                    let at = self.rng.below_len(bytes.len());
                    bytes[at] = self.rng.bytes::<1>()[0];
                }
                self.input(conn, &bytes);
            }
            (5, Some(conn)) => {
                let body = self.rng.some_bytes(40);
                let len = u32::try_from(body.len()).expect("it is short");
                self.input(conn, &[&len.to_be_bytes()[..], &body].concat());
            }
            (6, Some(conn)) => {
                let bytes = self.rng.some_bytes(40);
                self.input(conn, &bytes);
            }
            (7, Some(conn)) => self.devnet.handle_eof(self.now, conn),
            (8, Some(conn)) => {
                self.conns.retain(|other| *other != conn);
                self.devnet.handle_disconnected(self.now, conn);
            }
            (9, _) => self.devnet.set_mixnet(self.now, self.rng.one_in(2)),
            (10, _) if self.rng.one_in(8) => self.devnet.restart(self.now),
            (_, Some(conn)) => {
                self.now = self.now + Duration::from_millis(self.rng.below(10_000));
                if let Some(at) = self.wake_at.filter(|_| self.rng.one_in(2)) {
                    self.now = self.now.max(at);
                }
                self.devnet.handle_timeout(self.now);
                let mut out = Vec::new();
                self.devnet.poll_transmit(self.now, conn, &mut out);
            }
        }
        self.drain();
    }

    fn input(&mut self, conn: ConnId, bytes: &[u8]) {
        if self.devnet.wants_input(conn) {
            self.devnet.handle_input(self.now, conn, bytes);
        }
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUTS_MAX {
            match self.devnet.poll_output() {
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    return;
                }
                Output::Close(conn, _) => {
                    assert!(self.conns.contains(&conn), "{conn} is closed that is not open");
                    self.conns.retain(|other| *other != conn);
                }
                Output::Transmit(conn) => {
                    assert!(self.conns.contains(&conn), "{conn} is not open");
                    let mut out = Vec::new();
                    self.devnet.poll_transmit(self.now, conn, &mut out);
                }
                output => panic!("{output:?} is not known"),
            }
        }
        panic!("the daemon is never idle");
    }
}

pub(super) fn run(input: &[u8]) {
    let mut rng = Rng::from_bytes(input);
    let mut profiles = profiles();
    let config = profiles.swap_remove(rng.below_len(profiles.len()));
    let now = Instant::ORIGIN + Duration::from_secs(1);
    let devnet = Devnet::new(config, [7; 32], now);
    let mut world = World { rng, devnet, now, wake_at: None, conns: Vec::new() };
    world.drain();
    while !world.rng.is_spent() {
        world.step();
    }
}
