//! Everything random, derived from the one seed that came in at the door.

use core::fmt;

use blake2::{
    Blake2b512, Blake2bMac, Digest,
    digest::{FixedOutput, KeyInit, Update, consts::U16},
};
use zeroize::Zeroizing;

/// What a derived value is for; part of what is hashed, so that no two uses meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Jitter,
    Probe,
    QueryPrefix,
    SessionToken,
    SurbId,
}

/// Derives values as keyed BLAKE2b of a purpose and a counter.
///
/// Surb ids leave the machine and session tokens open sessions; neither shows any structure.
#[derive(Clone)]
pub(super) struct Seed {
    key: Zeroizing<[u8; 64]>,
}

impl Seed {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        let seed = Zeroizing::new(seed);
        Self { key: Zeroizing::new(Blake2b512::digest(seed.as_slice()).into()) }
    }

    /// At most 16 bytes that belong to this purpose and counter.
    pub(super) fn derive<const N: usize>(&self, purpose: Purpose, counter: u64) -> [u8; N] {
        const { assert!(N <= 16, "longer than what is hashed to") };
        let purpose: &[u8] = match purpose {
            Purpose::Jitter => b"jitter",
            Purpose::Probe => b"probe",
            Purpose::QueryPrefix => b"query prefix",
            Purpose::SessionToken => b"session token",
            Purpose::SurbId => b"surb id",
        };
        let mut mac = Blake2bMac::<U16>::new(&(*self.key).into());
        Update::update(&mut mac, &counter.to_be_bytes());
        Update::update(&mut mac, purpose);
        let mut derived = [0; N];
        derived.iter_mut().zip(mac.finalize_fixed()).for_each(|(to, from)| *to = from);
        derived
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_counters_and_seeds_do_not_meet() {
        let all = [Purpose::Jitter, Purpose::QueryPrefix, Purpose::SessionToken, Purpose::SurbId];
        let mut seen = alloc::collections::BTreeSet::new();
        for seed in [[0; 32], [1; 32]].map(Seed::new) {
            for purpose in all {
                for counter in 0..8 {
                    assert!(seen.insert(seed.derive::<16>(purpose, counter)));
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_values() {
        let [a, b] = [Seed::new([7; 32]), Seed::new([7; 32])];
        assert_eq!(a.derive::<16>(Purpose::SurbId, 3), b.derive(Purpose::SurbId, 3));
    }
}
