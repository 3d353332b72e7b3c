//! How long a reader pauses between two looks at a box that is not there.

use std::time::Duration;

use kpthin_client::Instant;

/// Pauses between two looks at an unwritten box, measured from the start of one to the start of the
/// next.
///
/// Each is half as long again as the one before, up to a cap. A box that is there makes the next
/// pause the first again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the two ends are all there is to set")]
pub struct Pauses {
    /// The first pause.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
}

/// One second at first, at most half a minute.
impl Default for Pauses {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(30) }
    }
}

/// When to look again.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    pauses: Pauses,
    /// The last pause, before jitter; `None` while boxes are found.
    pause: Option<Duration>,
    /// When the last look began.
    started: Option<Instant>,
    due: Option<Instant>,
}

impl Pace {
    pub(crate) const fn set(&mut self, pauses: Pauses) {
        self.pauses = pauses;
    }

    pub(crate) const fn started(&mut self, now: Instant) {
        self.started = Some(now);
    }

    /// The box was there.
    pub(crate) const fn found(&mut self) {
        self.pause = None;
        self.due = None;
    }

    /// The box was not there; `seed` spreads readers that began together.
    pub(crate) fn missed(&mut self, now: Instant, seed: &[u8]) {
        let pause = self.pause.map_or(self.pauses.first, |pause| pause + pause / 2);
        let pause = pause.clamp(self.pauses.first.min(self.pauses.longest), self.pauses.longest);
        self.pause = Some(pause);
        let started = self.started.unwrap_or(now);
        self.due = Some(started + jittered(pause, seed, started));
    }

    pub(crate) const fn is_waiting(&self) -> bool {
        self.pause.is_some()
    }

    /// When to look again, if not now.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        self.due.filter(|due| *due > now)
    }
}

/// Three quarters of the pause up to all of it, by a hash of what is at hand (FNV-1a).
fn jittered(pause: Duration, seed: &[u8], started: Instant) -> Duration {
    let nanos = started.since_origin().subsec_nanos().to_le_bytes();
    let hash = seed.iter().chain(&nanos).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let part = u32::from(hash.to_le_bytes().into_iter().fold(0, |mixed: u8, byte| mixed ^ byte));
    pause * 3 / 4 + pause / 4 * part / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_origin(Duration::from_secs(seconds))
    }

    #[test]
    fn pauses_grow_to_the_cap_and_begin_anew_when_something_is_there() {
        let mut pace = Pace::default();
        let mut longest = Vec::new();
        for _ in 0..12 {
            pace.started(at(100));
            pace.missed(at(100), b"seed");
            let due = pace.due(at(100)).unwrap().saturating_since(at(100));
            let pause = pace.pause.unwrap();
            assert!(due <= pause && due >= pause * 3 / 4, "{due:?} of {pause:?}");
            longest.push(pause.as_millis());
        }
        assert_eq!(longest[..4], [1_000, 1_500, 2_250, 3_375]);
        assert_eq!(longest[10..], [30_000, 30_000]);
        pace.found();
        assert_eq!(pace.due(at(100)), None);
        pace.missed(at(100), b"seed");
        assert_eq!(pace.pause, Some(Duration::from_secs(1)));
    }

    #[test]
    fn the_time_of_the_look_itself_counts() {
        let mut pace = Pace::default();
        pace.started(at(10));
        pace.missed(at(17), b"seed");
        assert_eq!(pace.due(at(17)), None, "the look took longer than the pause");
    }

    #[test]
    fn readers_that_began_together_drift_apart() {
        let pause = Duration::from_secs(30);
        let pauses: std::collections::BTreeSet<_> =
            (0..200_u8).map(|seed| jittered(pause, &[seed; 8], at(0))).collect();
        assert!(pauses.len() > 50, "{}", pauses.len());
    }
}
