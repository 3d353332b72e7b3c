//! Whether a resumed link still carries anything.
//!
//! The reference daemon silences a link on which a session was resumed before it had noticed the end of the one before, and
//! a forwarder in between can end a link without the daemon's knowledge (§3.8). Nothing tells that from a daemon that has
//! much to do, but a request that it always answers at once: the cancel of a key that nobody has.

use core::time::Duration;

use super::super::{
    between::SessionFate,
    waits::{PROBE_AFTER, PROBE_PATIENCE},
};
use crate::Instant;

/// How far the probe of a link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ProbeStage {
    None,
    /// It is written as soon as there is room.
    Wanted,
    /// It was written under this query id; nothing is concluded while `due` is `None`.
    Written {
        query: u64,
        due: Option<Instant>,
    },
}

/// The probe of one link, and what it goes by.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// `false` on a link with a fresh session, which no older one can silence.
    is_needed: bool,
    stage: ProbeStage,
    /// Since when nothing has come while something was outstanding.
    quiet_since: Instant,
}

/// What stands in front of a probe, and how long such things last here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ahead {
    /// Whether a request that packs a copy stream is among it, which can take for ever.
    pub(super) creates: bool,
    /// How many slow requests are.
    pub(super) slow: u32,
    /// The longest that one of those took yet.
    pub(super) slowest: Option<Duration>,
}

impl Ahead {
    fn patience(self) -> Option<Duration> {
        let slow = self.slowest.unwrap_or(PROBE_PATIENCE).saturating_mul(3).saturating_mul(self.slow);
        (!self.creates).then(|| PROBE_PATIENCE.saturating_add(slow))
    }
}

impl Probe {
    pub(super) const fn new(session: SessionFate, now: Instant) -> Self {
        let is_needed = matches!(session, SessionFate::Resumed);
        Self { is_needed, stage: ProbeStage::None, quiet_since: now }
    }

    /// Something has come, or the first thing to wait for was written.
    pub(super) const fn begin_quiet(&mut self, now: Instant) {
        self.quiet_since = now;
        if matches!(self.stage, ProbeStage::Wanted) {
            self.stage = ProbeStage::None;
        }
    }

    /// Whether it is to be written now.
    pub(super) const fn is_wanted(&self) -> bool {
        matches!(self.stage, ProbeStage::Wanted)
    }

    pub(super) fn written(&mut self, query: u64, ahead: Ahead, now: Instant) {
        self.stage = ProbeStage::Written { query, due: ahead.patience().map(|patience| now + patience) };
    }

    /// It was answered, so the link carries.
    pub(super) fn answered(&mut self, query: u64) {
        if matches!(self.stage, ProbeStage::Written { query: written, .. } if written == query) {
            self.stage = ProbeStage::None;
        }
    }

    /// Something in front of it was answered; the wait may begin only now.
    pub(super) fn moved_up(&mut self, ahead: impl FnOnce() -> Ahead, now: Instant) {
        if let ProbeStage::Written { due: due @ None, .. } = &mut self.stage {
            *due = ahead().patience().map(|patience| now + patience);
        }
    }

    /// Looks at the time; returns whether the link is dead.
    pub(super) fn is_over(&mut self, outstanding: bool, now: Instant) -> bool {
        if self.wake_at(outstanding).is_none_or(|at| now < at) {
            return false;
        }
        match self.stage {
            ProbeStage::Written { .. } => true,
            ProbeStage::None | ProbeStage::Wanted => {
                self.stage = ProbeStage::Wanted;
                false
            }
        }
    }

    pub(super) fn wake_at(&self, outstanding: bool) -> Option<Instant> {
        match self.stage {
            ProbeStage::None if self.is_needed && outstanding => Some(self.quiet_since + PROBE_AFTER),
            ProbeStage::None | ProbeStage::Wanted => None,
            ProbeStage::Written { due, .. } => due,
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn tell(
        &self,
        to: &mut crate::testing::Fingerprint,
        outstanding: bool,
        query: impl Fn(u64) -> alloc::vec::Vec<u8>,
    ) {
        to.number(u8::from(self.is_needed));
        match self.stage {
            ProbeStage::None => to.tag("no probe"),
            ProbeStage::Wanted => to.tag("a probe is wanted"),
            ProbeStage::Written { query: written, due } => {
                to.name(&query(written));
                to.option(due, crate::testing::Fingerprint::time);
            }
        }
        if self.is_needed && outstanding {
            to.age(self.quiet_since, PROBE_AFTER);
        }
    }
}
