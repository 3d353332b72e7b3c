//! When calls end, or are renewed, if nothing happens before.

use alloc::collections::BTreeSet;

use super::{super::CallId, clock::Clock};
use crate::Instant;

/// The deadlines of callers, and the waits that count only time in which something could happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Agenda {
    /// At most one per call.
    pub(super) deadlines: BTreeSet<(Instant, CallId)>,
    /// Counts while the link is up and the mix network connected.
    pub(super) connected: Clock,
    /// Counts while the link is up.
    pub(super) up: Clock,
}

impl Agenda {
    /// Lets the clocks run or stand.
    pub(super) fn run(&mut self, now: Instant, up: bool, mixnet: bool) {
        self.up.run(now, up);
        self.connected.run(now, up && mixnet);
    }

    /// Puts a call's deadline in the place of the one it had.
    pub(super) fn move_deadline(&mut self, call: CallId, old: Option<Instant>, new: Option<Instant>) {
        if let Some(old) = old {
            self.deadlines.remove(&(old, call));
        }
        if let Some(new) = new {
            self.deadlines.insert((new, call));
        }
    }

    /// Takes the first call whose deadline has passed off the agenda.
    pub(super) fn pop_deadline(&mut self, now: Instant) -> Option<CallId> {
        let first = *self.deadlines.first().filter(|(at, _)| *at <= now)?;
        self.deadlines.remove(&first);
        Some(first.1)
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        [deadline, self.connected.wake_at(), self.up.wake_at()].into_iter().flatten().min()
    }
}
