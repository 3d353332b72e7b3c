//! One connection: the driver's buffer, the bytes on their way, and how it ends.

use std::time::Duration;

use kpthin_core::{
    Instant,
    machine::{DisconnectCause, DisconnectMode, LinkId},
};

use crate::Conn;

/// What a socket holds in one direction; more stays with its writer.
pub(crate) const SOCKET_BUFFER: usize = 64 << 10;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the daemon to the client.
    Down,
    /// From the client to the daemon.
    Up,
}

/// What a cut looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// The daemon loses the connection; once it has noticed, the client reads the end of the stream.
    EndOfFile,
    /// The client reads the end of the stream at once, from a forwarder; the daemon notices
    /// [`Pair::hidden_for`](crate::Pair::hidden_for) later, and gets what was on its way.
    Hidden,
    /// As [`EndOfFile`](Self::EndOfFile), but the client's socket reports a reset.
    Reset,
    /// Nothing passes any more, and nobody is told.
    Silence,
    /// The wire holds; only what the test does at this moment happens.
    Unharmed,
}

/// Where the wire is to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The direction whose bytes count.
    pub direction: Direction,
    /// After how many bytes that were delivered in it, over all connections.
    pub after_bytes: usize,
    /// What it looks like.
    pub how: How,
}

/// How far this connection's life has come, as its driver sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Dialling {
        until: Instant,
    },
    Open,
    /// The machine wants it ended: first what is held goes out.
    Flushing {
        mode: DisconnectMode,
        until: Instant,
    },
    /// The writing half is closed.
    HalfClosed {
        mode: DisconnectMode,
        until: Instant,
    },
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) conn: Conn,
    pub(crate) phase: Phase,
    /// The driver's buffer.
    pub(crate) out: Vec<u8>,
    pub(crate) up: Vec<u8>,
    pub(crate) down: Vec<u8>,
    /// The daemon was told that nothing more comes.
    pub(crate) eof_told: bool,
    /// The daemon has closed; its end of file stands behind what is on its way.
    pub(crate) daemon_closed: bool,
    pub(crate) silent: bool,
    /// The wire was cut in this way; the client sees it when the daemon has noticed.
    pub(crate) ending: Option<DisconnectCause>,
}

impl Link {
    pub(crate) const fn dialling(id: LinkId, until: Instant) -> Self {
        Self {
            id,
            conn: 0,
            phase: Phase::Dialling { until },
            out: Vec::new(),
            up: Vec::new(),
            down: Vec::new(),
            eof_told: false,
            daemon_closed: false,
            silent: false,
            ending: None,
        }
    }

    /// Does what [`DisconnectMode`] says to a link that was open.
    pub(crate) fn disconnect(&mut self, mode: DisconnectMode, now: Instant) {
        self.phase = Phase::Flushing { mode, until: now + DisconnectMode::FLUSH_MAX };
    }

    /// Moves bytes from the driver's buffer into the socket; `true` if anything moved.
    pub(crate) fn write(&mut self) -> bool {
        let room = if self.silent { usize::MAX } else { SOCKET_BUFFER.saturating_sub(self.up.len()) };
        let len = room.min(self.out.len());
        let moved = self.out.drain(..len);
        if self.silent {
            drop(moved);
        } else {
            self.up.extend(moved);
        }
        len > 0
    }

    /// Closes the writing half once nothing is held, or when its time is over.
    pub(crate) fn half_close(&mut self, now: Instant) -> bool {
        let Phase::Flushing { mode, until } = self.phase else { return false };
        if !self.out.is_empty() && now < until {
            return false;
        }
        self.out.clear();
        self.phase = Phase::HalfClosed { mode, until: now + mode.linger() };
        true
    }

    /// When this link's driver has something to do by itself.
    pub(crate) const fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open => None,
            Phase::Dialling { until } | Phase::Flushing { until, .. } | Phase::HalfClosed { until, .. } => {
                Some(until)
            }
        }
    }

    /// Whether what arrives is handed over.
    pub(crate) const fn hands_over(&self) -> bool {
        match self.phase {
            Phase::Dialling { .. } => false,
            Phase::Open => true,
            Phase::Flushing { mode, .. } | Phase::HalfClosed { mode, .. } => {
                matches!(mode, DisconnectMode::Drain)
            }
        }
    }
}

/// How long a forwarder keeps an end from the daemon.
pub const HIDDEN_FOR: Duration = Duration::from_secs(60);

/// How long a dial takes; not nothing, so that a refused one cannot spin.
pub(crate) const DIAL: Duration = Duration::from_micros(200);
