//! What a connection is to be sent, until its client takes it (§1.4).

use kpthin_core::wire::AnyResponse;

use super::conn::{End, Phase};
use super::faults::Broken;
use super::{ConnId, Connections, Due, EndReason};
use crate::env::Env;
use crate::frames::with_null_members;

/// Bytes a client may leave unread; the reference has no such bound.
const OUTBOUND_MAX: usize = 64 << 20;
/// Appending ends at this much.
const HIGH_WATER: usize = 256 << 10;

impl Connections {
    /// Appends a frame to what a connection is to be sent.
    pub(in super::super) fn send(&mut self, env: &mut Env<'_>, id: ConnId, response: &AnyResponse) {
        let Some(conn) = self.table.get(&id) else { return };
        let mut frame = Vec::new();
        if conn.end == Some(End::Gone) || conn.is_leaving() || response.encode(&mut frame).is_err() {
            return;
        }
        if env.quirks().null_members {
            frame = with_null_members(frame);
        }
        match Broken::new(env, response, self.ids.restore(frame)) {
            Broken::Cut(bytes) => {
                self.append(env, id, bytes);
                self.finish(id, EndReason::Fault("cut"));
            }
            Broken::Sent(frames) => frames.into_iter().for_each(|frame| self.append(env, id, frame)),
        }
    }

    fn append(&mut self, env: &Env<'_>, id: ConnId, frame: Vec<u8>) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        conn.outbound_len = conn.outbound_len.saturating_add(frame.len());
        conn.outbound.push_back(frame);
        if conn.outbound_len > OUTBOUND_MAX {
            return self.cut_for(id, EndReason::Unread);
        }
        if conn.write_deadline.is_none() {
            let at = env.now + env.config.write_deadline;
            conn.write_deadline = Some(self.schedule.add(at, Due::WriteDeadline(id)));
        }
        self.transmit.insert(id);
        self.limit_memory(env, id);
    }

    /// Appends to `out` what a client takes.
    pub(in super::super) fn transmit(&mut self, env: &mut Env<'_>, id: ConnId, out: &mut Vec<u8>) {
        let dribbles = env.injector.faults().dribble;
        let Some(conn) = self.table.get_mut(&id) else { return };
        let before = out.len();
        while out.len() < HIGH_WATER
            && !(dribbles && out.len() > before)
            && let Some(mut frame) = conn.outbound.pop_front()
        {
            if dribbles && frame.len() > 1 {
                conn.outbound.push_front(frame.split_off(1));
                env.injector.count(true);
            }
            conn.outbound_len = conn.outbound_len.saturating_sub(frame.len());
            out.extend(frame);
        }
        let rest = !conn.outbound.is_empty();
        if (out.len() > before || !rest)
            && let Some(ticket) = conn.write_deadline.take()
        {
            self.schedule.cancel(ticket);
            if rest {
                let at = env.now + env.config.write_deadline;
                conn.write_deadline = Some(self.schedule.add(at, Due::WriteDeadline(id)));
            }
        }
        if !rest && let Phase::Leaving(reason) = &conn.phase {
            let reason = reason.clone();
            self.close(id, reason);
        }
    }

    pub(super) fn discard_outbound(&mut self, id: ConnId) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        conn.outbound.clear();
        conn.outbound_len = 0;
        self.transmit.remove(&id);
        if let Some(ticket) = conn.write_deadline.take() {
            self.schedule.cancel(ticket);
        }
    }
}
