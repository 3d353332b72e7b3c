//! Every wait ends or is renewed: deadlines, silence, and what else time brings.

use super::{
    CallId, LinkError, Machine, Output,
    links::{Ears, Goodbye, Link},
    locals::{Silence, Target},
    slots::{Owner, Stage},
    waits::ABANDONED,
};
use crate::{Instant, error::CallError, wire::Class};

impl Machine {
    /// Does what the time has come for. Call it at the `wake_at` of [`Output::Idle`], or any time.
    ///
    /// Only this expires deadlines: hand over readable input first, so that a reply that is
    /// already here wins.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        let now = self.now;
        while let Some(timer) = self.timers.pop_due(now) {
            self.outputs.push_back(Output::Timer(timer));
        }
        while let Some((_, call)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now) {
            let _was = self.deadlines.pop_first();
            self.abandon(call, CallError::TimedOut);
        }
        self.link_timeout();
        self.clear_suspect();
        self.cancels.handle_timeout(now);
        self.expire_silent_locals();
        while let Some(call) = self.connected_clock.pop_due(now) {
            self.connected_time_is_up(call);
        }
        while let Some(call) = self.up_clock.pop_due(now) {
            self.finish(call, Err(CallError::Unanswered));
        }
        while self.link.is_up()
            && let Some((_, call)) = self.lanes.poll_turn().filter(|(at, _)| *at <= now)
        {
            self.withdraw(call);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        [
            self.timers.wake_at(),
            self.deadlines.first().map(|(at, _)| *at),
            self.link_wake_at(),
            self.suspects.wake_at(),
            self.cancels.wake_at(),
            self.locals.wake_at().filter(|_| self.link.is_up()),
            self.connected_clock.wake_at(),
            self.up_clock.wake_at(),
            self.lanes.poll_turn().map(|(at, _)| at).filter(|_| self.link.is_up()),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn link_wake_at(&self) -> Option<Instant> {
        if let Some((_, since)) = self.link.handshake() {
            return Some(since + self.config.handshake_timeout);
        }
        match &self.link {
            Link::Down { retry_at } => Some(*retry_at),
            Link::Closing { goodbye: Goodbye::Due { at_latest }, .. } => Some(*at_latest),
            Link::Closed
            | Link::Closing { .. }
            | Link::Connecting { .. }
            | Link::Ending { .. }
            | Link::Greeting { .. }
            | Link::Presenting { .. }
            | Link::Up { .. } => None,
        }
    }

    fn link_timeout(&mut self) {
        if self.link_wake_at().is_none_or(|at| self.now < at) {
            return;
        }
        if let Some((step, _)) = self.link.handshake() {
            let timeout = self.config.handshake_timeout;
            self.end_link(LinkError::HandshakeTimeout { step, timeout }, Ears::Shut);
        } else if let Link::Closing { link, .. } = self.link {
            self.cut(link);
        } else {
            self.connect();
        }
    }

    /// Gives up local requests that the daemon passed over, and the link if it says nothing at all.
    fn expire_silent_locals(&mut self) {
        while self.link.is_up()
            && let Some(silence) = self.locals.pop_silent(self.now)
        {
            let (Silence::Overtaken(target) | Silence::Whole(target)) = silence;
            match target {
                Target::Call(call) => self.finish(call, Err(CallError::Unanswered)),
                Target::Cancel(frame) => {
                    if let Some(call) = frame.caller {
                        self.finish(call, Err(CallError::Unanswered));
                    }
                }
            }
            if matches!(silence, Silence::Whole(_)) {
                self.session.renew(&self.seed);
                self.end_link(LinkError::Silent, Ears::Open);
            }
        }
    }

    /// A call has waited for so much connected time as it may.
    fn connected_time_is_up(&mut self, call: CallId) {
        let Some(slot) = self.slots.get_mut(call) else { return };
        slot.due_connected = None;
        match (slot.owner(), slot.class(), slot.stage()) {
            (Owner::Abandoned, ..) => self.finish(call, Err(CallError::Unanswered)),
            (Owner::Caller, Class::Message, _) => self.finish(call, Err(CallError::Unanswered)),
            (Owner::Caller, _, Stage::Withdrawing { .. }) => self.withdrawn(call),
            (Owner::Caller, _, Stage::Written { .. }) => {
                self.release_place(call);
                self.start_again(call);
            }
            // It is not outstanding, so it was never on the agenda.
            (Owner::Caller, _, Stage::Held | Stage::Queued) => {}
        }
    }

    /// Takes a polling read back, so that another one gets its place.
    ///
    /// The daemon may still have its start in the queue, where a cancel does not find it, so the
    /// read holds its place until the start is answered, as an abandoned one does.
    fn withdraw(&mut self, call: CallId) {
        let Some(slot) = self.slots.get(call) else { return };
        let Stage::Written { link, at } = slot.stage() else { return };
        let key = slot.key;
        self.slots.set_stage(call, Stage::Withdrawing { link, at });
        self.lanes.end_poll_turn(at, call);
        self.schedule_connected(call, ABANDONED);
        if let Some(key) = key {
            self.cancels.begin(key, call);
        }
    }
}
