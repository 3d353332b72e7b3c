//! Where a server takes the time from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kpthin_core::Instant;

/// How long a timer sleeps at most, so that it notices when the machine was suspended: what it sleeps on stands still then.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Tells the time since some point that it keeps.
pub(super) type Source = Box<dyn Fn() -> Duration + Send + Sync>;

pub(super) enum Clock {
    /// Nanoseconds since the origin, moved by whoever drives the server.
    Manual(AtomicU64),
    /// A clock that goes by itself, and what it showed at the origin.
    Running { source: Source, origin: Duration },
}

impl Clock {
    pub(super) const fn manual() -> Self {
        Self::Manual(AtomicU64::new(0))
    }

    /// The operating system's, which goes on while the machine is suspended: so do the epochs of the network.
    pub(super) fn system() -> Self {
        Self::running(system())
    }

    pub(super) fn running(source: Source) -> Self {
        let origin = source();
        Self::Running { source, origin }
    }

    pub(super) const fn is_manual(&self) -> bool {
        matches!(self, Self::Manual(_))
    }

    pub(super) fn now(&self) -> Instant {
        Instant::from_origin(match self {
            Self::Manual(nanos) => Duration::from_nanos(nanos.load(Ordering::Acquire)),
            Self::Running { source, origin } => source().saturating_sub(*origin),
        })
    }

    /// How long to sleep before looking again whether so much time has passed.
    pub(super) fn sleep_for(&self, left: Duration) -> Duration {
        left.min(LOOK_AGAIN)
    }

    /// Moves a manual clock forward, never back; another one moves by itself.
    pub(super) fn advance_to(&self, at: Instant) {
        if let Self::Manual(nanos) = self {
            let at = u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX);
            let _ = nanos.fetch_max(at, Ordering::AcqRel);
        }
    }
}

/// The standard library's clock stands still in suspend, on these systems.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn system() -> Source {
    use rustix::time::{ClockId, clock_gettime};

    #[cfg(target_vendor = "apple")]
    const CLOCK: ClockId = ClockId::Monotonic;
    #[cfg(not(target_vendor = "apple"))]
    const CLOCK: ClockId = ClockId::Boottime;
    Box::new(|| {
        let time = clock_gettime(CLOCK);
        let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), nanos)
    })
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn system() -> Source {
    let origin = std::time::Instant::now();
    Box::new(move || origin.elapsed())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_running_clock_begins_at_the_origin_and_never_before() {
        let shown = Arc::new(AtomicU64::new(500));
        let source = Arc::clone(&shown);
        let clock = Clock::running(Box::new(move || Duration::from_secs(source.load(Ordering::SeqCst))));
        assert_eq!(clock.now(), Instant::ORIGIN);
        shown.store(3_600, Ordering::SeqCst);
        assert_eq!(clock.now(), Instant::from_origin(Duration::from_secs(3_100)));
        shown.store(1, Ordering::SeqCst);
        assert_eq!(clock.now(), Instant::ORIGIN);
    }

    #[test]
    fn sleeping_is_interrupted_to_look_at_the_clock() {
        let clock = Clock::system();
        assert_eq!(clock.sleep_for(Duration::from_millis(3)), Duration::from_millis(3));
        assert_eq!(clock.sleep_for(Duration::MAX), LOOK_AGAIN);
        assert!(clock.now() <= clock.now());
    }
}
