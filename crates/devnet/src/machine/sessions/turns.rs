//! Who may send a packet next, and when (§9.1).

use std::ops::Bound;
use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::wire::AppId;

use super::{Queued, Sessions};
use crate::config::{Pacing, Timing};
use crate::entropy::SeededEntropy;
use crate::env::Env;
use crate::network::OpId;
use crate::pigeonhole::Entropy;

/// Slots are no longer on average.
const SLOT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose packet leaves.
#[derive(Debug)]
pub(in super::super) enum Turn {
    /// A request that has waited, which is released now.
    Release(Queued),
    /// An operation that is sent again.
    Resend(OpId),
}

/// The rhythm of packets: one in each slot, or all at once.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    next: Option<Instant>,
    /// Sessions take turns.
    last: Option<AppId>,
    /// Of its own, so that nothing else depends on the pacing.
    entropy: SeededEntropy,
}

impl Slots {
    pub(super) const fn new(seed: [u8; 32]) -> Self {
        Self { next: None, last: None, entropy: SeededEntropy::new(seed) }
    }

    /// The plan for the next packet is void when the daemon is started anew.
    pub(super) fn restart(&mut self) {
        (self.next, self.last) = (None, None);
    }

    pub(super) const fn next_at(&self) -> Option<Instant> {
        self.next
    }

    /// Uses the slot that has come, if one has.
    pub(super) fn take_due(&mut self, now: Instant) -> bool {
        self.next.take_if(|at| *at <= now).is_some()
    }

    /// When the next packet may leave, if none has been planned.
    ///
    /// It makes no difference that nothing is planned while there is nothing to send: decoys use those slots, and how
    /// long a Poisson process still takes does not depend on how long it took already.
    fn after(&mut self, now: Instant, timing: &Timing) -> Instant {
        match timing.pacing {
            Pacing::Even => next_slot(now, timing.send_slot),
            Pacing::Poisson if timing.send_slot.is_zero() => now,
            Pacing::Poisson => now + exponential(timing.send_slot, self.entropy.draw()),
        }
    }
}

impl Sessions {
    /// Plans the next packet if there is one and packets may leave.
    pub(in super::super) fn plan_turn(&mut self, env: &Env<'_>, may_send: bool) {
        if self.slots.next.is_none() && may_send && self.next_sender(env).is_some() {
            self.slots.next = Some(self.slots.after(env.now, env.timing()));
        }
    }

    pub(super) fn next_turn(&mut self, env: &Env<'_>) -> Option<Turn> {
        let app = self.next_sender(env)?;
        self.slots.last = Some(app);
        let session = self.table.get_mut(&app)?;
        if session.rearms.is_none()
            && let Some(op) = session.resends.pop_front()
        {
            return Some(Turn::Resend(op));
        }
        session.queue.pop_front().map(Turn::Release)
    }

    /// The session whose turn it is among those with something to send.
    fn next_sender(&self, env: &Env<'_>) -> Option<AppId> {
        let idle_while_away = env.quirks().idle_while_away;
        let after = self.slots.last.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.table.range((after, Bound::Unbounded));
        later.chain(&self.table).find_map(|(app, session)| {
            let resends = session.rearms.is_none() && !session.resends.is_empty();
            let has_packets = resends || !session.queue.is_empty();
            (has_packets && !(idle_while_away && session.is_away())).then_some(*app)
        })
    }
}

/// Slots lie on a fixed grid, as if decoys used those in which there is nothing to send.
pub(super) fn next_slot(now: Instant, interval: Duration) -> Instant {
    let (nanos, interval) = (now.since_origin().as_nanos(), interval.as_nanos());
    let Some(passed) = nanos.checked_div(interval) else { return now };
    let next = passed.saturating_add(1).saturating_mul(interval);
    Instant::from_origin(Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX)))
}

/// An exponentially distributed time with this mean, a day at most; 23 times the mean is the longest.
fn exponential(mean: Duration, random: [u8; 4]) -> Duration {
    let share = (f64::from(u32::from_le_bytes(random)) + 1.0) / (f64::from(u32::MAX) + 1.0);
    mean.min(SLOT_MAX).mul_f64(-share.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_slots_have_their_mean_and_are_often_short() {
        let mut slots = Slots::new([7; 32]);
        let mut timing = crate::config::DevnetConfig::reference().timing;
        timing.send_slot = Duration::from_secs(3);
        let waits: Vec<_> =
            (0..4_000).map(|_| slots.after(Instant::ORIGIN, &timing).since_origin().as_secs_f64()).collect();
        let mean = waits.iter().sum::<f64>() / 4_000.0;
        assert!((2.85..3.15).contains(&mean), "{mean}");
        // 1 - 1/e of an exponential distribution lies below its mean.
        let short = waits.iter().filter(|wait| **wait < 3.0).count();
        assert!((2_450..2_610).contains(&short), "{short}");
        assert_eq!(exponential(Duration::from_secs(1), [255; 4]), Duration::ZERO);
        assert!(exponential(Duration::from_secs(1), [0; 4]) < Duration::from_secs(23));
        assert!(exponential(Duration::MAX, [0; 4]) < SLOT_MAX * 23);
    }

    #[test]
    fn slots_lie_on_a_grid() {
        let at = |millis| Instant::from_origin(Duration::from_millis(millis));
        let second = Duration::from_secs(1);
        assert_eq!(
            [0, 1, 999, 1_000].map(|now| next_slot(at(now), second)),
            [1_000, 1_000, 1_000, 2_000].map(at)
        );
        assert_eq!(next_slot(at(17), Duration::ZERO), at(17));
    }
}
