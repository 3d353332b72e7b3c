//! How long a try of an operation may take, until the box is encrypted once more beside it.
//!
//! A courier can stay in the documents and answer nothing (§9.11), and a replica can answer without
//! a body, for ever. Neither is healed by sending the same envelope again; a fresh one goes by a
//! courier and to replicas that the daemon draws anew.

use std::time::Duration;

use kpthin_core::{Instant, machine::OperationPace};

/// How long a try may take while nothing is known of others.
const UNKNOWN: Duration = Duration::from_secs(60);
/// How long a try may take at least.
const LEAST: Duration = Duration::from_secs(2);
/// How long a try may take at most: less than until the machine writes the same envelope again.
const MOST: Duration = Duration::from_secs(8 * 60);
/// So many that were written later and are answered say that this one is not as they are.
const OVERTAKEN: usize = 3;
/// Calls that are not answered, and leave no room for more than one try of an operation.
const CROWD: usize = 14;
/// Tries in a row that may go by one bad courier after the other. Further ones say that this
/// box takes longer than others do.
const BAD_LUCK: u32 = 8;

/// Whether some of the tries are lately not answered at all: then to wait for long is in vain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Late {
    /// A bit for each of the last tries, set where it took too long while others were answered.
    lately: u16,
}

impl Late {
    /// A try was answered in time, or took too long.
    pub(crate) const fn note(&mut self, late: bool) {
        self.lately = self.lately << 1 | late as u16;
    }

    /// Whether it happens too often to be chance.
    const fn is_usual(self) -> bool {
        self.lately.count_ones() >= 3
    }
}

/// What is known of other operations of the same kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Others {
    pub(crate) pace: OperationPace,
    pub(crate) late: Late,
    /// Nothing waits to be written, so that another encryption keeps nobody waiting.
    pub(crate) idle: bool,
    /// Calls that are not answered, tries included.
    pub(crate) outstanding: usize,
}

impl Others {
    /// Whether one more envelope would only keep others waiting, for encryptions and for the daemon's packets.
    pub(super) const fn is_crowded(&self) -> bool {
        self.outstanding > CROWD
    }

    /// Whether one of them was answered after this one had been written.
    pub(super) fn answered_since(&self, written_at: Option<Instant>) -> bool {
        written_at.is_some() && self.pace.answered_at > written_at
    }

    /// How long a try has taken that probably is never answered.
    pub(super) fn lateness(&self) -> Duration {
        self.pace.median.map_or(UNKNOWN, |median| (median * 3 / 2).max(LEAST))
    }

    /// Whether a try that was written then, and is not answered now, probably never will be.
    pub(super) fn is_late(&self, written_at: Instant, now: Instant) -> bool {
        self.pace.median.is_some() && now.saturating_since(written_at) >= self.lateness()
    }
}

/// The patience with one operation.
#[derive(Debug, Default)]
pub(super) struct Patience {
    tries: u32,
    /// How often to be twice as patient.
    doublings: u32,
}

impl Patience {
    /// How long a try may take, from its writing on, until it gets another one beside it.
    ///
    /// Three times as long as half of the others did. Where some are not answered at all it may well be
    /// one of those, and half as long as the others is enough. Least of all it takes where another one keeps nobody waiting,
    /// and this one was overtaken by others or some are not answered at all.
    pub(super) fn with(&self, others: Others, written_at: Instant) -> Duration {
        let overtaken = others.pace.answered_behind(written_at) >= OVERTAKEN;
        let usual = match others.pace.median {
            None => UNKNOWN,
            Some(_) if others.idle && (overtaken || others.late.is_usual()) => LEAST,
            Some(median) if others.late.is_usual() => (median / 2).max(LEAST),
            Some(median) => (median * 3).max(LEAST),
        };
        self.grown(usual)
    }

    /// How long the oldest try may take while others are answered, until it is started again: that costs no encryption,
    /// but what it has achieved.
    ///
    /// Twice as long as half of the others did, or less where some are not answered at all. The daemon sends it once more about
    /// then (§9.3), to a courier that may answer nothing.
    pub(super) fn with_oldest(&self, others: Others) -> Duration {
        let usual = match others.pace.median {
            Some(median) if !others.late.is_usual() => (median * 2).max(LEAST),
            _ => others.lateness(),
        };
        self.grown(usual)
    }

    fn grown(&self, usual: Duration) -> Duration {
        usual.saturating_mul(1 << self.doublings.min(10)).min(MOST)
    }

    /// A try has taken longer than that.
    ///
    /// While others are answered that were under way beside it, the network is as fast as it was, and
    /// the next try may take as long. Otherwise twice as long, because all may have become slower.
    pub(super) fn lost(&mut self, others: Others, written_at: Option<Instant>) {
        self.tries += 1;
        if !(others.answered_since(written_at) || others.late.is_usual()) || self.tries > BAD_LUCK {
            self.doublings += 1;
        }
    }
}

/// How long a try has lasted, without the times in which the client was not connected.
#[derive(Debug)]
pub(super) struct Lasted {
    begun: Instant,
    written_at: Option<Instant>,
    /// Since the later of the two.
    disconnected: Duration,
}

impl Lasted {
    pub(super) const fn since(begun: Instant) -> Self {
        Self { begun, written_at: None, disconnected: Duration::ZERO }
    }

    /// It is written since then, and may have been written before, on a link that was lost.
    pub(super) fn written(&mut self, at: Option<Instant>) {
        if self.written_at != at {
            (self.written_at, self.disconnected) = (at, Duration::ZERO);
        }
    }

    pub(super) fn disconnected(&mut self, time: Duration) {
        self.disconnected += time;
    }

    /// The time since it was written, if it is.
    pub(super) fn since_written(&self, now: Instant) -> Option<Duration> {
        self.written_at.map(|_| self.in_all(now))
    }

    /// The time since it was written, or else since it began.
    pub(super) fn in_all(&self, now: Instant) -> Duration {
        let since = self.written_at.unwrap_or(self.begun);
        now.saturating_since(since).saturating_sub(self.disconnected)
    }
}
