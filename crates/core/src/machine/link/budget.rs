//! How much traffic without progress a link may bring.

use super::super::limits::{IDLE_FRAME_COST_MAX, IDLE_FRAME_STEP, IDLE_FRAMES_MAX, IDLE_FRAMES_PER_SECOND};
use crate::Instant;

/// Counts down with every frame that achieves nothing; time gives some back.
///
/// Some such frames are normal: a cancel racing its result (§9.5), a status repeated.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    left: u32,
    since: Instant,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self { left: IDLE_FRAMES_MAX, since: now }
    }

    /// Takes out what a frame of this length costs, or returns `false` if so much is not left.
    pub(super) fn spend(&mut self, now: Instant, len: usize) -> bool {
        let frame = core::time::Duration::from_secs(1) / IDLE_FRAMES_PER_SECOND;
        let back = now.saturating_since(self.since).as_nanos() / frame.as_nanos();
        let back = u32::try_from(back).unwrap_or(u32::MAX);
        if back > 0 {
            self.left = self.left.saturating_add(back).min(IDLE_FRAMES_MAX);
            self.since = self.since + frame.saturating_mul(back);
        }
        let Some(left) = self.left.checked_sub(cost(len)) else {
            return false;
        };
        self.left = left;
        true
    }
}

/// What a frame costs: looking at it takes the longer the larger it is.
fn cost(len: usize) -> u32 {
    u32::try_from(len / IDLE_FRAME_STEP).unwrap_or(u32::MAX).saturating_add(1).min(IDLE_FRAME_COST_MAX)
}

#[cfg(any(test, feature = "testing"))]
impl Budget {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.number(self.left);
        if self.left < IDLE_FRAMES_MAX {
            to.time(self.since);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;

    #[test]
    fn it_refills_by_ten_a_second_up_to_its_limit() {
        let mut budget = Budget::new(Instant::ORIGIN);
        let spent = |budget: &mut Budget, now| (0..5_000).take_while(|_| budget.spend(now, 4_095)).count();
        assert_eq!(spent(&mut budget, Instant::ORIGIN), 1_024);
        let later = Instant::ORIGIN + Duration::from_millis(1_950);
        assert_eq!(spent(&mut budget, later), 19);
        assert_eq!(spent(&mut budget, later + Duration::from_millis(50)), 1);
        assert_eq!(spent(&mut budget, later + Duration::from_secs(100_000)), 1_024);
    }

    #[test]
    fn a_large_frame_costs_more_up_to_a_quarter_of_all() {
        for (len, times) in [(0, 1_024), (4_096, 512), (3 * 4_096, 256), (255 * 4_096, 4), (40 << 20, 4)] {
            let mut budget = Budget::new(Instant::ORIGIN);
            assert_eq!((0..5_000).take_while(|_| budget.spend(Instant::ORIGIN, len)).count(), times, "{len}");
        }
    }
}
