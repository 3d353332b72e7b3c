//! The pauses between attempts to connect.

use core::time::Duration;

use super::super::{
    seed::{Purpose, Seed},
    waits::{BACKOFF_MAX, HEALTHY},
};

/// Counts what fails in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    /// Failed or short links in a row.
    failures: u32,
    /// How often a jitter was drawn.
    drawn: u64,
}

impl Backoff {
    /// A link that lasted ends a row of failures.
    pub(super) fn lasted(&mut self, up_for: Duration) {
        if up_for >= HEALTHY {
            self.failures = 0;
        }
    }

    /// The pause before the next attempt: doubled with every failure in a row, +-20 %.
    pub(super) fn pause(&mut self, first: Duration, seed: &Seed) -> Duration {
        let doubled = first.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        let [random] = seed.derive(Purpose::Jitter, self.drawn);
        self.drawn += 1;
        doubled.mul_f64(0.8 + 0.4 * f64::from(random) / 255.0)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Backoff {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.number(self.failures);
    }
}
