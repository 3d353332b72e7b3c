//! Frames from clients, one at a time (§1.3, §4.0).

use kpthin_core::frame::BODY_LEN_MAX;
use kpthin_core::wire::RequestKind;

use super::conn::{End, Phase, Work};
use super::{ConnId, Connections, Due, EndReason, Task};
use crate::env::Env;
use crate::frames::{Frame, Unusable, decode};

/// What a connection may have unread at all: one frame and a margin.
const BACKLOG_MAX: usize = BODY_LEN_MAX + (1 << 20);
/// The length of a frame's prefix.
const PREFIX_LEN: usize = 4;

impl Connections {
    /// Takes bytes from a client; frames that can't be worked off yet are kept.
    pub(in super::super) fn receive(&mut self, env: &Env<'_>, id: ConnId, bytes: &[u8]) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        if conn.end.is_some() || conn.is_leaving() || bytes.is_empty() {
            return;
        }
        conn.inbound.push(bytes);
        if let Some(ticket) = conn.silence_deadline.take() {
            self.schedule.cancel(ticket);
        }
        self.wake(id);
        self.limit_memory(env, id);
    }

    /// Takes note that a client sends nothing more, or is gone.
    ///
    /// Where the end comes late, the frames in front of it are worked off all the same.
    pub(in super::super) fn receive_end(&mut self, env: &Env<'_>, id: ConnId, end: End) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        conn.end = Some(end);
        let leaving = conn.is_leaving();
        if end == End::Gone {
            self.discard_outbound(id);
            if leaving || !env.quirks().late_end {
                return self.cut_for(id, EndReason::EndOfFile);
            }
        }
        self.wake(id);
    }

    /// Works off the connection in front of the line: its next task, or none if it has nothing to do any more.
    pub(super) fn next_task(&mut self, env: &mut Env<'_>, id: ConnId) -> Option<Task> {
        if !self.is_idle(id) || self.rest(env, id) {
            self.ready.retain(|ready| *ready != id);
            self.limit_backlog(id);
            return None;
        }
        let conn = self.table.get_mut(&id)?;
        let frame = match conn.inbound.next_frame() {
            Ok(Some(body)) => decode(body, env.quirks(), &mut self.ids),
            Ok(None) => {
                self.ready.retain(|ready| *ready != id);
                self.run_dry(env, id);
                return None;
            }
            Err(overlong) => Frame::Violation(overlong.to_string()),
        };
        conn.has_read = true;
        if let Some(ticket) = conn.frame_deadline.take() {
            self.schedule.cancel(ticket);
        }
        let app = conn.stamp.take().unwrap_or(conn.app);
        match frame {
            Frame::BadCapability => self.cut_for(id, EndReason::BadCapability),
            Frame::Null if env.quirks().crash_on_null => return Some(Task::Crash),
            Frame::Null => self.cut_for(id, EndReason::Violation("a frame holds null".to_owned())),
            Frame::Nothing => return Some(Task::Empty { conn: id, app }),
            Frame::Request(incoming) => {
                self.read_on(env, id, incoming.request.kind());
                return Some(Task::Request { conn: id, app, incoming });
            }
            Frame::Unusable(Unusable { kind, query_id, decodes: true }) => {
                self.read_on(env, id, kind);
                return Some(Task::Incomplete { conn: id, app, kind, query_id });
            }
            Frame::Unusable(Unusable { kind, query_id, decodes: false }) => {
                return Some(Task::Refuse { app, kind, query_id });
            }
            Frame::Violation(problem) => self.cut_for(id, EndReason::Violation(problem)),
        }
        None
    }

    /// News wait for the answer to the token, or for whoever never sends one (C4).
    fn read_on(&mut self, env: &mut Env<'_>, id: ConnId, kind: RequestKind) {
        if kind != RequestKind::SessionToken && !env.quirks().early_broadcasts {
            self.open_gate(env, id);
        }
    }

    /// There is no complete frame.
    fn run_dry(&mut self, env: &Env<'_>, id: ConnId) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        match conn.end {
            Some(End::Eof) => self.finish(id, EndReason::EndOfFile),
            Some(End::Gone) => self.cut_for(id, EndReason::EndOfFile),
            None => {
                if let Some(deadline) = env.quirks().frame_deadline
                    && conn.inbound.pending_len() >= PREFIX_LEN
                    && conn.frame_deadline.is_none()
                {
                    conn.frame_deadline = Some(self.schedule.add(env.now + deadline, Due::FrameDeadline(id)));
                }
                self.limit_backlog(id);
            }
        }
    }

    /// Has a fault keep a connection from its next frame.
    fn rest(&mut self, env: &mut Env<'_>, id: ConnId) -> bool {
        let Some(conn) = self.table.get_mut(&id) else { return false };
        let time = env.injector.faults().slow_reading;
        if !std::mem::take(&mut conn.has_read) || !env.injector.count(!time.is_zero()) {
            return false;
        }
        conn.work = Work::Rest(self.schedule.add(env.now + time, Due::ReadOn(id)));
        true
    }

    fn limit_backlog(&mut self, id: ConnId) {
        let Some(conn) = self.table.get(&id) else { return };
        if !matches!(conn.phase, Phase::Leaving(_)) && conn.inbound.pending_len() > BACKLOG_MAX {
            self.cut_for(id, EndReason::Backlog);
        }
    }
}
