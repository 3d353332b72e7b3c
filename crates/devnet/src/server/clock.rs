//! Where a server takes the time from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kpthin_core::Instant;

pub(super) enum Clock {
    /// Nanoseconds since the origin, moved by whoever drives the server.
    Manual(AtomicU64),
    /// The operating system's clock, since the server was started.
    Wall(std::time::Instant),
}

impl Clock {
    pub(super) const fn manual() -> Self {
        Self::Manual(AtomicU64::new(0))
    }

    pub(super) fn wall() -> Self {
        Self::Wall(std::time::Instant::now())
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_origin(match self {
            Self::Manual(nanos) => Duration::from_nanos(nanos.load(Ordering::Acquire)),
            Self::Wall(origin) => origin.elapsed(),
        })
    }

    /// Moves a manual clock forward, never back; a wall clock moves by itself.
    pub(super) fn advance_to(&self, at: Instant) {
        if let Self::Manual(nanos) = self {
            let at = u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX);
            let _ = nanos.fetch_max(at, Ordering::AcqRel);
        }
    }
}
