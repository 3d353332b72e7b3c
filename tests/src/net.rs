//! The embedded daemon at the far end of the wire.

use std::{collections::BTreeSet, time::Duration};

use kpthin_core::Instant;
use kpthin_devnet::{ConnId, Devnet, DevnetConfig, Output};

use crate::{Conn, Daemon};

/// A [`Devnet`] as [`Pair`](crate::Pair) drives it.
#[derive(Debug)]
pub struct Net {
    /// The daemon and its network.
    pub devnet: Devnet,
    /// By connection number.
    ids: Vec<ConnId>,
    closed: BTreeSet<ConnId>,
    process: Process,
}

/// Whether somebody listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Process {
    Running,
    Stopped { until: Option<Instant> },
}

impl Net {
    /// Starts a daemon and its network.
    #[must_use]
    pub fn new(seed: u64, config: DevnetConfig) -> Self {
        let seed = crate::Rng::new(seed ^ 0x5eed).bytes();
        let devnet = Devnet::new(config, seed, Instant::ORIGIN);
        Self { devnet, ids: Vec::new(), closed: BTreeSet::new(), process: Process::Running }
    }

    /// The ideal daemon.
    #[must_use]
    pub fn instant(seed: u64) -> Self {
        Self::new(seed, DevnetConfig::instant())
    }

    /// The reference daemon, with its kinks and its slowness.
    #[must_use]
    pub fn reference(seed: u64) -> Self {
        Self::new(seed, DevnetConfig::reference())
    }

    /// Stops the daemon and says so to its clients; nobody can connect until the restart.
    pub fn shut_down(&mut self, now: Instant) {
        self.process = Process::Stopped { until: None };
        self.devnet.shutdown(now);
    }

    /// The same, and starts it again when a client comes after a while.
    pub fn bounce(&mut self, now: Instant, pause: Duration) {
        self.shut_down(now);
        self.process = Process::Stopped { until: Some(now + pause) };
    }

    /// Starts the daemon anew.
    pub fn restart(&mut self, now: Instant) {
        self.process = Process::Running;
        self.devnet.restart(now);
    }

    fn id(&self, conn: Conn) -> ConnId {
        self.ids[usize::try_from(conn).expect("an index")]
    }
}

impl Daemon for Net {
    fn connect(&mut self, now: Instant) -> Option<Conn> {
        match self.process {
            Process::Running => {}
            Process::Stopped { until: Some(until) } if until <= now => self.restart(now),
            Process::Stopped { .. } => return None,
        }
        self.ids.push(self.devnet.connect(now));
        Some(self.ids.len() as Conn - 1)
    }

    fn handle_input(&mut self, now: Instant, conn: Conn, bytes: &[u8]) {
        self.devnet.handle_input(now, self.id(conn), bytes);
    }

    fn handle_eof(&mut self, now: Instant, conn: Conn) {
        self.devnet.handle_eof(now, self.id(conn));
    }

    fn handle_disconnected(&mut self, now: Instant, conn: Conn) {
        self.devnet.handle_disconnected(now, self.id(conn));
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.devnet.handle_timeout(now);
    }

    fn drain(&mut self, _: Instant, closed: &mut Vec<Conn>) -> Option<Instant> {
        loop {
            match self.devnet.poll_output() {
                Output::Close(id, _) => {
                    self.closed.insert(id);
                    closed.extend(self.ids.iter().position(|other| *other == id).map(|conn| conn as Conn));
                }
                Output::Idle { wake_at } => return wake_at,
                _ => {}
            }
        }
    }

    fn poll_transmit(&mut self, now: Instant, conn: Conn, out: &mut Vec<u8>) {
        self.devnet.poll_transmit(now, self.id(conn), out);
    }

    fn wants_input(&self, conn: Conn) -> bool {
        self.devnet.wants_input(self.id(conn))
    }

    fn has_noticed(&self, conn: Conn) -> bool {
        !self.devnet.wants_input(self.id(conn))
    }
}
