//! One connection.
//!
//! ```text
//! Greeting ──► Serving ──► Leaving ──► closed
//!                 │  end or close, with frames left to write
//!                 └──────────────────► closed
//! ```

use std::collections::VecDeque;

use kpthin_core::frame::FrameBuffer;
use kpthin_core::wire::{AppId, QueryId};

use super::super::local::Job;
use super::super::sessions::Queued;
use super::EndReason;
use super::greeting::Gate;
use crate::schedule::Ticket;

/// What a busy connection may have unread before its driver should pause.
const BACKLOG_WANTED: usize = 256 << 10;

/// Where a connection is on its way.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// It waits for the daemon's first document, or for this event.
    Greeting(Wait),
    /// It is written out and then closed; nothing is read any more.
    Leaving(EndReason),
    /// Frames are worked off.
    Serving,
}

/// How a connection waits to be greeted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// In a line, in which one that leaves keeps its place (Q-05).
    InLine,
    Until(Ticket),
}

/// How the client's side of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum End {
    /// It sends nothing more.
    Eof,
    /// It is not there any more.
    Gone,
}

/// What keeps a connection from its next frame.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A mixnet request that finds no place (Q-16).
    Blocked(Box<Queued>),
    /// Nothing.
    Idle,
    /// A local call that takes its time.
    Local(Ticket, Box<LocalCall>),
    /// A rest that a fault makes it take.
    Rest(Ticket),
}

/// A local call of a session.
#[derive(Clone, Debug)]
pub(in super::super) struct LocalCall {
    pub(in super::super) app: AppId,
    pub(in super::super) query_id: Option<QueryId>,
    pub(in super::super) job: Job,
}

#[derive(Clone, Debug)]
pub(super) struct Conn {
    /// The session it acts for.
    pub(super) app: AppId,
    pub(super) phase: Phase,
    pub(super) gate: Gate,
    pub(super) work: Work,
    /// The session that the next frame is taken for, if that is no longer this connection's (Q-15).
    pub(super) stamp: Option<AppId>,
    pub(super) inbound: FrameBuffer,
    pub(super) end: Option<End>,
    /// Whether a fault may have it rest before the next frame.
    pub(super) has_read: bool,
    /// When it has to have said something, until it has.
    pub(super) silence_deadline: Option<Ticket>,
    /// When the frame that has begun has to be complete (C2).
    pub(super) frame_deadline: Option<Ticket>,
    pub(super) outbound: VecDeque<Vec<u8>>,
    pub(super) outbound_len: usize,
    /// When the client has to have taken some of it.
    pub(super) write_deadline: Option<Ticket>,
}

impl Conn {
    pub(super) fn new(app: AppId) -> Self {
        Self {
            app,
            phase: Phase::Serving,
            gate: Gate::Open,
            work: Work::Idle,
            stamp: None,
            inbound: FrameBuffer::default(),
            end: None,
            has_read: false,
            silence_deadline: None,
            frame_deadline: None,
            outbound: VecDeque::new(),
            outbound_len: 0,
            write_deadline: None,
        }
    }

    pub(super) fn wants_input(&self) -> bool {
        match self.phase {
            Phase::Leaving(_) => false,
            Phase::Serving if matches!(self.work, Work::Idle) => true,
            Phase::Greeting(_) | Phase::Serving => self.inbound.pending_len() < BACKLOG_WANTED,
        }
    }

    pub(super) const fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving(_))
    }

    /// Whether the reader has read on behind the frame that is being worked off.
    pub(super) fn has_read_ahead(&self) -> bool {
        self.inbound.pending_len() > 0
    }

    /// The bytes it holds, in both directions.
    pub(super) fn held(&self) -> usize {
        self.inbound.pending_len().saturating_add(self.outbound_len)
    }
}
