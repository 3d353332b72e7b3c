//! The pauses between attempts to connect.

use core::time::Duration;

use super::super::{
    seed::{Purpose, Seed},
    waits::{BACKOFF_MAX, HEALTHY},
};

/// Counts what fails in a row.
#[derive(Clone, Debug)]
pub(super) struct Backoff {
    /// By how much a pause varies, as a share of it.
    jitter: f64,
    /// Failed or short links in a row.
    failures: u32,
    /// How often a jitter was drawn.
    drawn: u64,
}

impl Backoff {
    pub(super) fn new(jitter_percent: u8) -> Self {
        Self { jitter: f64::from(jitter_percent.min(100)) / 100.0, failures: 0, drawn: 0 }
    }

    /// A link that lasted ends a row of failures.
    pub(super) fn lasted(&mut self, up_for: Duration) {
        if up_for >= HEALTHY {
            self.failures = 0;
        }
    }

    /// The pause before the next attempt: doubled with every failure in a row, and varied at random.
    pub(super) fn pause(&mut self, first: Duration, seed: &Seed) -> Duration {
        let doubled = first.saturating_mul(1 << self.failures.min(16)).min(BACKOFF_MAX);
        self.failures = self.failures.saturating_add(1);
        doubled.mul_f64(1.0 + self.jitter * (2.0 * self.random(seed) - 1.0))
    }

    /// A pause of at least `least`, whatever has failed before.
    pub(super) fn stay_away(&mut self, least: Duration, seed: &Seed) -> Duration {
        least.mul_f64(1.0 + self.jitter * self.random(seed))
    }

    /// A number from 0 to 1.
    fn random(&mut self, seed: &Seed) -> f64 {
        let [random] = seed.derive(Purpose::Jitter, self.drawn);
        self.drawn += 1;
        f64::from(random) / 255.0
    }
}

#[cfg(any(test, feature = "testing"))]
impl Backoff {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.number(self.failures);
    }
}
