//! When a fault strikes.

use std::time::Duration;

use super::Faults;
use crate::entropy::SeededEntropy;
use crate::pigeonhole::Entropy;

/// A packet takes no longer than this.
const LATENCY_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What goes wrong at present, the chance in it, and how often it did.
#[derive(Clone, Debug)]
pub(crate) struct Injector {
    faults: Faults,
    /// Of its own, so that a network without faults is the same as ever.
    entropy: SeededEntropy,
    struck: u64,
}

impl Injector {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { faults: Faults::default(), entropy: SeededEntropy::new(seed), struck: 0 }
    }

    pub(crate) const fn faults(&self) -> &Faults {
        &self.faults
    }

    pub(crate) fn set(&mut self, faults: Faults) {
        self.faults = faults;
    }

    /// How often a fault has struck.
    pub(crate) const fn struck(&self) -> u64 {
        self.struck
    }

    /// Whether a fault that has a share strikes now.
    ///
    /// Draws only where there is a choice.
    pub(crate) fn strikes(&mut self, share: fn(&Faults) -> f64) -> bool {
        let share = share(&self.faults);
        let strikes =
            share > 0.0 && f64::from(u32::from_le_bytes(self.entropy.draw())) < share * f64::from(u32::MAX);
        self.count(strikes)
    }

    /// Takes note of whether a fault that is on or off has struck.
    pub(crate) const fn count(&mut self, strikes: bool) -> bool {
        self.struck += if strikes { 1 } else { 0 };
        strikes
    }

    /// How much longer this packet, or this reply, takes.
    pub(crate) fn delay(&mut self) -> Duration {
        let most = self.faults.latency.min(LATENCY_MAX);
        if !self.count(!most.is_zero()) {
            return Duration::ZERO;
        }
        most.mul_f64(f64::from(u32::from_le_bytes(self.entropy.draw())) / f64::from(u32::MAX))
    }

    /// Random bytes for what a fault makes up.
    pub(crate) fn draw<const N: usize>(&mut self) -> [u8; N] {
        self.entropy.draw()
    }
}
