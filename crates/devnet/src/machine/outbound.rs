//! What a connection is to be sent, until its client takes it (§1.4).

use kpthin_core::wire::AnyResponse;

use super::conn::{End, Phase};
use super::event::Event;
use super::faults::Broken;
use super::{ConnId, Devnet};

/// Bytes a client may leave unread; the reference has no such bound.
const OUTBOUND_MAX: usize = 64 << 20;
/// Appending ends at this much.
const HIGH_WATER: usize = 256 << 10;

impl Devnet {
    /// Appends a frame to what a connection is to be sent.
    pub(super) fn send(&mut self, id: ConnId, response: &AnyResponse) {
        let Some(conn) = self.conns.get(&id) else { return };
        let mut frame = Vec::new();
        if conn.end == Some(End::Gone)
            || matches!(conn.phase, Phase::Leaving)
            || response.encode(&mut frame).is_err()
        {
            return;
        }
        match self.disturb(response, frame) {
            Broken::Cut(bytes) => {
                self.append(id, bytes);
                self.end(id);
            }
            Broken::Sent(frames) => frames.into_iter().for_each(|frame| self.append(id, frame)),
        }
    }

    fn append(&mut self, id: ConnId, frame: Vec<u8>) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.outbound_len = conn.outbound_len.saturating_add(frame.len());
        conn.outbound.push_back(frame);
        if conn.outbound_len > OUTBOUND_MAX {
            return self.cut(id);
        }
        if conn.deadline.is_none() {
            let at = self.now + self.config.write_deadline;
            conn.deadline = Some(self.schedule.add(at, Event::WriteDeadline(id)));
        }
        let _ = self.transmit.insert(id);
    }

    pub(super) fn transmit_to(&mut self, id: ConnId, out: &mut Vec<u8>) {
        let dribbles = self.faults.dribble;
        let Some(conn) = self.conns.get_mut(&id) else { return };
        let before = out.len();
        while out.len() < HIGH_WATER
            && !(dribbles && out.len() > before)
            && let Some(mut frame) = conn.outbound.pop_front()
        {
            if dribbles && frame.len() > 1 {
                conn.outbound.push_front(frame.split_off(1));
                self.traffic.faults += 1;
            }
            conn.outbound_len = conn.outbound_len.saturating_sub(frame.len());
            out.extend(frame);
        }
        let rest = !conn.outbound.is_empty();
        if (out.len() > before || !rest)
            && let Some(ticket) = conn.deadline.take()
        {
            drop(self.schedule.remove(ticket));
            if rest {
                let at = self.now + self.config.write_deadline;
                conn.deadline = Some(self.schedule.add(at, Event::WriteDeadline(id)));
            }
        }
        if !rest && matches!(conn.phase, Phase::Leaving) {
            self.close(id);
        }
    }

    pub(super) fn drop_stuck(&mut self, id: ConnId) {
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.deadline = None;
            self.cut(id);
        }
    }

    pub(super) fn discard_outbound(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        conn.outbound.clear();
        conn.outbound_len = 0;
        let _ = self.transmit.remove(&id);
        if let Some(ticket) = conn.deadline.take() {
            drop(self.schedule.remove(ticket));
        }
    }
}
