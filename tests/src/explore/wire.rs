//! The bytes between the two sides, frame by frame.

use std::collections::VecDeque;

use kpthin_core::{
    Instant,
    machine::{DisconnectCause, DisconnectMode, LinkId},
};
use kpthin_devnet::ConnId;

/// The client's connection.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    /// Nothing while it is dialled.
    pub(super) conn: Option<ConnId>,
    pub(super) up: VecDeque<Vec<u8>>,
    pub(super) down: VecDeque<Vec<u8>>,
    /// What has arrived of the frame whose rest is the first on its way.
    pub(super) up_part: Vec<u8>,
    pub(super) down_part: Vec<u8>,
    /// The client ends it, and waits for the daemon's end until then.
    pub(super) ends: Option<(DisconnectMode, Instant)>,
    /// The daemon was told that nothing more comes.
    pub(super) eof_told: bool,
    /// The daemon has closed: its end stands behind what is on its way.
    pub(super) daemon_closed: bool,
    /// The daemon has lost it, and the client does not know.
    pub(super) unseen: bool,
    /// Both have lost it; the client sees it when the daemon has noticed.
    pub(super) cut: Option<DisconnectCause>,
}

impl Link {
    pub(super) const fn dialling(id: LinkId) -> Self {
        Self {
            id,
            conn: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            up_part: Vec::new(),
            down_part: Vec::new(),
            ends: None,
            eof_told: false,
            daemon_closed: false,
            unseen: false,
            cut: None,
        }
    }

    /// Whether anything still passes.
    pub(super) const fn passes(&self) -> bool {
        self.conn.is_some() && !self.unseen && self.cut.is_none()
    }

    /// Whether what arrives is handed over.
    pub(super) const fn hands_over(&self) -> bool {
        !matches!(self.ends, Some((DisconnectMode::Now, _)))
    }
}

/// The half of a connection that the daemon still has.
#[derive(Clone, Debug)]
pub(super) struct Ghost {
    pub(super) conn: ConnId,
    /// What a forwarder still has for the daemon.
    pub(super) up: VecDeque<Vec<u8>>,
}

/// Cuts bytes into whole frames; both sides append nothing else.
pub(super) fn split(mut bytes: &[u8], to: &mut VecDeque<Vec<u8>>) {
    while let Some(prefix) = bytes.first_chunk::<4>() {
        let len = 4 + u32::from_be_bytes(*prefix) as usize;
        let (frame, rest) = bytes.split_at(len.min(bytes.len()));
        to.push_back(frame.to_vec());
        bytes = rest;
    }
}
