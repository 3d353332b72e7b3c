//! The end of a connection, at once or behind what it still has to be sent.

use super::conn::{End, Phase, Wait, Work};
use super::greeting::Gate;
use super::{ConnId, Connections, EndReason, TaskCell};

impl Connections {
    /// The client's frames are worked off and it sends no more: its session stays for a while.
    pub(super) fn finish(&mut self, id: ConnId, reason: EndReason) {
        self.tell_ended(id);
        self.leave(id, reason);
    }

    /// Closes a connection behind what it still has to be sent, without touching its session.
    pub(in super::super) fn leave(&mut self, id: ConnId, reason: EndReason) {
        self.stop_reading(id, reason.clone());
        if self.table.get(&id).is_some_and(|conn| conn.outbound.is_empty()) {
            self.close(id, reason);
        }
    }

    /// Ends a connection abruptly, as after a violation: its session stays for a while.
    pub(in super::super) fn cut_for(&mut self, id: ConnId, reason: EndReason) {
        self.tell_ended(id);
        self.drop_for(id, reason);
    }

    /// Ends a connection without touching its session; what it still had to be sent is lost.
    pub(in super::super) fn drop_for(&mut self, id: ConnId, reason: EndReason) {
        self.stop_reading(id, reason.clone());
        self.discard_outbound(id);
        self.close(id, reason);
    }

    /// Has the session hear of the end, once.
    fn tell_ended(&mut self, id: ConnId) {
        if let Some(conn) = self.table.get(&id)
            && !conn.is_leaving()
        {
            self.tasks.push_back(TaskCell::Ended { conn: id, app: conn.app });
        }
    }

    fn stop_reading(&mut self, id: ConnId, reason: EndReason) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        let work = std::mem::replace(&mut conn.work, Work::Idle);
        let gate = std::mem::replace(&mut conn.gate, Gate::Open);
        conn.inbound.clear();
        let mut tickets: Vec<_> = [conn.silence_deadline.take(), conn.frame_deadline.take()].into();
        match work {
            Work::Local(ticket, _) | Work::Rest(ticket) => tickets.push(Some(ticket)),
            Work::Blocked(_) | Work::Idle => {}
        }
        if let Gate::Held { opens, .. } = gate {
            tickets.push(Some(opens));
        }
        if let Phase::Greeting(Wait::Until(ticket)) =
            std::mem::replace(&mut conn.phase, Phase::Leaving(reason))
        {
            tickets.push(Some(ticket));
            self.waiting.retain(|waiting| *waiting != id);
        }
        tickets.into_iter().flatten().for_each(|ticket| self.schedule.cancel(ticket));
        self.ready.retain(|ready| *ready != id);
    }

    pub(super) fn close(&mut self, id: ConnId, reason: EndReason) {
        let Some(conn) = self.table.remove(&id) else { return };
        self.transmit.remove(&id);
        if let Some(ticket) = conn.write_deadline {
            self.schedule.cancel(ticket);
        }
        if conn.end != Some(End::Gone) {
            self.closed.push_back((id, reason));
        }
    }
}
