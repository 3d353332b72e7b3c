//! Wall time, and the epoch that it falls into (§7.5).

use core::time::Duration;

use kpthin_core::pki::EPOCHS_BEGAN;

/// A time, in seconds since 1970-01-01T00:00:00Z.
///
/// # Examples
///
/// ```
/// use std::time::SystemTime;
///
/// use kpthin_pki::UnixTime;
///
/// let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
/// let now = UnixTime::from_secs(now.as_secs());
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// So many seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs)
    }

    /// In seconds.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// The epoch of a network whose epochs last so long; times before the first one fall into it.
    pub(crate) fn epoch(self, period: Duration) -> u64 {
        let since = Duration::from_secs(self.0).saturating_sub(EPOCHS_BEGAN);
        let epochs = since.as_nanos().checked_div(period.as_nanos()).unwrap_or(0);
        u64::try_from(epochs).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: u64 = EPOCHS_BEGAN.as_secs();

    #[test]
    fn epochs_are_counted_from_june_2017() {
        let period = Duration::from_secs(1_200);
        for (secs, epoch) in
            [(0, 0), (ORIGIN, 0), (ORIGIN + 1_199, 0), (ORIGIN + 1_200, 1), (1_767_225_600, 225_792)]
        {
            assert_eq!(UnixTime::from_secs(secs).epoch(period), epoch, "{secs}");
        }
        assert_eq!(UnixTime::from_secs(u64::MAX).epoch(Duration::from_nanos(1)), u64::MAX);
        assert_eq!(UnixTime::from_secs(ORIGIN + 3).epoch(Duration::from_millis(500)), 6);
    }
}
