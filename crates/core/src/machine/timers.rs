//! Timers, by time and by name.

use alloc::collections::{BTreeMap, BTreeSet};

use super::TimerId;
use crate::Instant;

/// The timers that have not run out; as many as were asked for, each until its time at most.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers {
    by_time: BTreeSet<(Instant, TimerId)>,
    by_id: BTreeMap<TimerId, Instant>,
    minted: u64,
}

impl Timers {
    /// Names a timer, which runs out only if it `runs`.
    pub(super) fn start(&mut self, at: Instant, runs: bool) -> TimerId {
        let timer = TimerId(self.minted);
        self.minted += 1;
        if runs {
            self.by_time.insert((at, timer));
            self.by_id.insert(timer, at);
        }
        timer
    }

    pub(super) fn remove(&mut self, timer: TimerId) {
        if let Some(at) = self.by_id.remove(&timer) {
            self.by_time.remove(&(at, timer));
        }
    }

    /// Takes out the first timer whose time has come.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<TimerId> {
        let (_, timer) = *self.by_time.first().filter(|(at, _)| *at <= now)?;
        self.remove(timer);
        Some(timer)
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.by_time.first().map(|(at, _)| *at)
    }

    pub(super) fn clear(&mut self) {
        self.by_time.clear();
        self.by_id.clear();
    }
}

#[cfg(any(test, feature = "testing"))]
impl Timers {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(&self.by_time, |to, (at, timer)| {
            to.time(*at);
            to.name(&[&b"timer"[..], &timer.0.to_be_bytes()].concat());
        });
    }
}
