//! Clocks that stand while a condition does not hold, and what is due on them.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::super::CallId;
use crate::Instant;

/// A stopwatch with an agenda: counts time only while it runs.
///
/// Waits that must not count time in which nothing could happen are measured on it. The agenda
/// holds at most one entry per call.
#[derive(Clone, Debug, Default)]
pub(super) struct Clock {
    total: Duration,
    running: Option<Instant>,
    due: BTreeSet<(Duration, CallId)>,
}

impl Clock {
    /// Lets the clock run from `now` on, or stand.
    pub(super) fn run(&mut self, now: Instant, running: bool) {
        self.total = self.read(now);
        self.running = running.then_some(now);
    }

    /// The time counted so far.
    pub(super) fn read(&self, now: Instant) -> Duration {
        self.total + self.running.map_or(Duration::ZERO, |since| now.saturating_since(since))
    }

    /// Puts `call` on the agenda, `wait` of counted time from now; returns its place there.
    pub(super) fn schedule(&mut self, now: Instant, wait: Duration, call: CallId) -> Duration {
        let due = self.read(now).saturating_add(wait);
        self.due.insert((due, call));
        due
    }

    /// Takes `call` off the agenda.
    pub(super) fn unschedule(&mut self, due: Option<Duration>, call: CallId) {
        if let Some(due) = due {
            self.due.remove(&(due, call));
        }
    }

    /// Takes the first call whose time has come off the agenda.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<CallId> {
        let read = self.read(now);
        let first = *self.due.first().filter(|(due, _)| *due <= read)?;
        self.due.remove(&first);
        Some(first.1)
    }

    /// When the first call's time comes, if the clock runs.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let (due, _) = self.due.first()?;
        Some(self.running? + due.saturating_sub(self.total))
    }
}

#[cfg(any(test, feature = "testing"))]
impl Clock {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint, now: Instant) {
        to.number(u8::from(self.running.is_some()));
        to.list(&self.due, |to, (due, call)| {
            to.duration(due.saturating_sub(self.read(now)));
            call.tell(to);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn time_counts_only_while_the_clock_runs() {
        let mut clock = Clock::default();
        let _due = clock.schedule(at(0), Duration::from_secs(10), CallId(1));
        assert_eq!(clock.wake_at(), None);
        clock.run(at(100), true);
        assert_eq!(clock.wake_at(), Some(at(110)));
        clock.run(at(104), false);
        assert_eq!((clock.wake_at(), clock.pop_due(at(1_000))), (None, None));
        clock.run(at(1_000), true);
        assert_eq!(clock.wake_at(), Some(at(1_006)));
        assert_eq!(clock.pop_due(at(1_005)), None);
        assert_eq!(clock.pop_due(at(1_006)), Some(CallId(1)));
        assert_eq!(clock.pop_due(at(1_006)), None);
    }
}
