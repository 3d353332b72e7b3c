//! Which epoch it is (§7.5).

use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::pki::EPOCHS_BEGAN;

const REPLICA_PERIOD: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Counts epochs on the machine's clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epochs {
    current: u64,
    ends_at: Instant,
    period: Duration,
}

impl Epochs {
    /// Takes the epoch from the Unix time at the origin of the machine's clock.
    pub(crate) fn new(unix_time_at_origin: Duration, period: Duration, now: Instant) -> Self {
        let elapsed = unix_time_at_origin.saturating_add(now.since_origin()).saturating_sub(EPOCHS_BEGAN);
        let (current, passed) = divide(elapsed, period);
        Self { current, ends_at: now + period.saturating_sub(passed), period }
    }

    /// Begins the epochs whose time has come, and tells whether there was one.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> bool {
        if now < self.ends_at {
            return false;
        }
        let (missed, passed) = divide(now.saturating_since(self.ends_at), self.period);
        self.current = self.current.saturating_add(missed).saturating_add(1);
        self.ends_at = now + self.period.saturating_sub(passed);
        true
    }

    /// Begins the next epoch before its time.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.current = self.current.saturating_add(1);
        self.ends_at = now + self.period;
    }

    pub(crate) const fn current(&self) -> u64 {
        self.current
    }

    pub(crate) const fn ends_at(&self) -> Instant {
        self.ends_at
    }

    /// The replica epoch of a document.
    pub(crate) fn replica_epoch(&self, epoch: u64) -> u64 {
        let nanos = u128::from(epoch).saturating_mul(self.period.as_nanos());
        u64::try_from(nanos / REPLICA_PERIOD.as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Returns how often `period` fits, and the rest.
fn divide(time: Duration, period: Duration) -> (u64, Duration) {
    let (nanos, period) = (time.as_nanos(), period.as_nanos().max(1));
    let rest = Duration::from_nanos(u64::try_from(nanos % period).unwrap_or(u64::MAX));
    (u64::try_from(nanos / period).unwrap_or(u64::MAX), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn epochs_follow_the_clock_however_late_it_is_looked_at() {
        let period = Duration::from_secs(120);
        let mut epochs = Epochs::new(EPOCHS_BEGAN + Duration::from_secs(250), period, at(0));
        assert_eq!((epochs.current(), epochs.ends_at()), (2, at(110)));
        assert!(!epochs.handle_timeout(at(109)));
        assert!(epochs.handle_timeout(at(110)));
        assert_eq!((epochs.current(), epochs.ends_at()), (3, at(230)));
        assert!(epochs.handle_timeout(at(1_000)));
        assert_eq!((epochs.current(), epochs.ends_at()), (10, at(1_070)));
        epochs.advance(at(1_001));
        assert_eq!((epochs.current(), epochs.ends_at()), (11, at(1_121)));
    }

    #[test]
    fn replica_epochs_last_seven_days() {
        let epochs = Epochs::new(EPOCHS_BEGAN, Duration::from_secs(1_200), at(0));
        assert_eq!([0, 503, 504, 1_008].map(|epoch| epochs.replica_epoch(epoch)), [0, 0, 1, 2]);
        assert_eq!(epochs.replica_epoch(u64::MAX), u64::MAX / 504);
    }
}
