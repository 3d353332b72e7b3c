//! One connection: frames in order in, frames out, and the end (§1, §3.5, §3.6).
//!
//! ```text
//! Greeting ──► Serving ──► Leaving ──► closed
//!                 │  end or close, with frames left to write
//!                 └──────────────────► closed
//! ```

use std::collections::VecDeque;

use kpthin_core::frame::{BODY_LEN_MAX, FrameBuffer};
use kpthin_core::wire::{AppId, RequestFrame};

use super::event::Event;
use super::local::LocalCall;
use super::queue::Queued;
use super::schedule::Ticket;
use super::session::Session;
use super::{ConnId, Devnet, Process};
use crate::config::Profile;

/// A wish to be connected beyond this is refused.
const CONNS_MAX: usize = 1_024;
/// What a busy connection may have unread before its driver should pause.
const BACKLOG_WANTED: usize = 256 << 10;
/// What it may have unread at all: one frame and a margin.
const BACKLOG_MAX: usize = BODY_LEN_MAX + (1 << 20);

/// Where a connection is on its way.
#[derive(Debug)]
pub(super) enum Phase {
    /// It waits for the daemon's first document, or for this event.
    Greeting(Ticket),
    /// It is written out and then closed; nothing is read any more.
    Leaving,
    /// Frames are worked off.
    Serving,
}

/// How the client's side of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It sends nothing more.
    Eof,
    /// It is not there any more.
    Gone,
}

/// When a connection hears what nobody asked for.
#[derive(Debug)]
pub(super) enum Gate {
    /// When its token is answered, or at this event: the third frame of strict clients is that answer (§3.2, Q-13).
    Held { opens: Ticket, missed: Missed },
    /// Now.
    Open,
}

/// What a connection has to be told once its gate opens; only the latest of each is worth telling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missed {
    pub(super) status: bool,
    pub(super) document: bool,
}

/// What keeps a connection from its next frame.
#[derive(Debug)]
pub(super) enum Work {
    /// A mixnet request that finds no place (Q-16).
    Blocked(Queued),
    /// Nothing.
    Idle,
    /// A local call that takes its time.
    Local(LocalCall),
    /// A rest that a fault makes it take.
    Rest(Ticket),
}

#[derive(Debug)]
pub(super) struct Conn {
    /// The session it acts for.
    pub(super) app: AppId,
    pub(super) phase: Phase,
    pub(super) gate: Gate,
    pub(super) work: Work,
    /// The session that the next frame is taken for, if that is no longer this connection's (Q-15).
    pub(super) stamp: Option<AppId>,
    inbound: FrameBuffer,
    pub(super) end: Option<End>,
    pub(super) outbound: VecDeque<Vec<u8>>,
    pub(super) outbound_len: usize,
    /// When the client has to have taken some of it.
    pub(super) deadline: Option<Ticket>,
}

impl Conn {
    fn new(app: AppId) -> Self {
        Self {
            app,
            phase: Phase::Serving,
            gate: Gate::Open,
            work: Work::Idle,
            stamp: None,
            inbound: FrameBuffer::default(),
            end: None,
            outbound: VecDeque::new(),
            outbound_len: 0,
            deadline: None,
        }
    }

    pub(super) fn wants_input(&self) -> bool {
        match self.phase {
            Phase::Leaving => false,
            Phase::Serving if matches!(self.work, Work::Idle) => true,
            Phase::Greeting(_) | Phase::Serving => self.inbound.pending_len() < BACKLOG_WANTED,
        }
    }

    /// Whether the reader has read on behind the frame that is being worked off.
    pub(super) fn has_read_ahead(&self) -> bool {
        self.inbound.pending_len() > 0
    }
}

impl Devnet {
    pub(super) fn accept(&mut self) -> ConnId {
        let id = ConnId(self.conns_made);
        self.conns_made = self.conns_made.wrapping_add(1);
        if self.process != Process::Running || self.conns.len() >= CONNS_MAX {
            self.closed.push_back(id);
            return id;
        }
        let app = self.draw_app_id();
        drop(self.sessions.insert(app, Session::new(id)));
        drop(self.conns.insert(id, Conn::new(app)));
        self.begin_greeting(id);
        id
    }

    pub(super) fn receive(&mut self, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if conn.end.is_some() || matches!(conn.phase, Phase::Leaving) {
            return;
        }
        conn.inbound.push(bytes);
        self.pump(id);
        let overrun = self.conns.get(&id).is_some_and(|conn| conn.inbound.pending_len() > BACKLOG_MAX);
        if overrun {
            self.cut(id);
        }
    }

    /// The instant daemon notices at once that a client is gone, the reference behind the frames in front of it.
    pub(super) fn receive_end(&mut self, id: ConnId, end: End) {
        let reference = self.is_reference();
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.end = Some(end);
        if end == End::Gone {
            self.discard_outbound(id);
            let leaving = self.conns.get(&id).is_some_and(|conn| matches!(conn.phase, Phase::Leaving));
            if leaving || !reference {
                self.cut(id);
                return;
            }
        }
        self.pump(id);
    }

    /// Works off frames until there are none, or one keeps the connection busy.
    pub(super) fn pump(&mut self, id: ConnId) {
        loop {
            let Some(conn) = self.conns.get_mut(&id) else { return };
            if !matches!((&conn.phase, &conn.work), (Phase::Serving, Work::Idle)) {
                return;
            }
            let decoded = match conn.inbound.next_frame() {
                Ok(Some([0xf6 | 0xf7]))
                    if self.faults.crash_on_null || self.config.profile == Profile::Reference =>
                {
                    return self.crash();
                }
                Ok(Some(body)) => RequestFrame::decode(body),
                Ok(None) => {
                    match conn.end {
                        Some(End::Eof) => self.end(id),
                        Some(End::Gone) => self.cut(id),
                        None => {}
                    }
                    return;
                }
                Err(_) => return self.cut(id),
            };
            let app = conn.stamp.take().unwrap_or(conn.app);
            match decoded {
                Ok(request) => self.handle_request(id, app, request),
                Err(error) => self.handle_undecodable(id, app, error),
            }
            self.rest(id);
        }
    }

    /// Has a fault keep a connection from its next frame.
    fn rest(&mut self, id: ConnId) {
        let time = self.faults.slow_reading;
        let idle = self
            .conns
            .get(&id)
            .is_some_and(|conn| matches!((&conn.phase, &conn.work), (Phase::Serving, Work::Idle)));
        if idle && self.strikes_if(!time.is_zero()) {
            let ticket = self.schedule.add(self.now + time, Event::ReadOn(id));
            if let Some(conn) = self.conns.get_mut(&id) {
                conn.work = Work::Rest(ticket);
            }
        }
    }

    pub(super) fn read_on(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id)
            && matches!(conn.work, Work::Rest(_))
        {
            conn.work = Work::Idle;
            self.pump(id);
        }
    }

    /// The client's frames are worked off and it sends no more: its session stays for a while.
    pub(super) fn end(&mut self, id: ConnId) {
        self.deregister(id);
        self.leave(id);
    }

    /// Closes a connection behind what it still has to be sent.
    pub(super) fn leave(&mut self, id: ConnId) {
        self.stop_reading(id);
        if self.conns.get(&id).is_some_and(|conn| conn.outbound.is_empty()) {
            self.close(id);
        }
    }

    /// Ends a connection abruptly, as after a violation: its session stays for a while.
    pub(super) fn cut(&mut self, id: ConnId) {
        self.deregister(id);
        self.drop_connection(id);
    }

    /// Ends a connection without touching its session; what it still had to be sent is lost.
    pub(super) fn drop_connection(&mut self, id: ConnId) {
        self.stop_reading(id);
        self.discard_outbound(id);
        self.close(id);
    }

    fn stop_reading(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let work = std::mem::replace(&mut conn.work, Work::Idle);
        let phase = std::mem::replace(&mut conn.phase, Phase::Leaving);
        let gate = std::mem::replace(&mut conn.gate, Gate::Open);
        conn.inbound.clear();
        match work {
            Work::Local(LocalCall { ticket, .. }) | Work::Rest(ticket) => drop(self.schedule.remove(ticket)),
            Work::Blocked(_) | Work::Idle => {}
        }
        if let Phase::Greeting(ticket) = phase {
            drop(self.schedule.remove(ticket));
        }
        if let Gate::Held { opens, .. } = gate {
            drop(self.schedule.remove(opens));
        }
    }

    pub(super) fn close(&mut self, id: ConnId) {
        let Some(conn) = self.conns.remove(&id) else { return };
        let _ = self.transmit.remove(&id);
        if let Some(ticket) = conn.deadline {
            drop(self.schedule.remove(ticket));
        }
        if conn.end != Some(End::Gone) {
            self.closed.push_back(id);
        }
    }
}
