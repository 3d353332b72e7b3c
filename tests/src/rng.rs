//! Reproducible choices.

use std::collections::VecDeque;

/// Choices that can be made again: by a small generator (SplitMix64), whose seed makes the same choices for
/// ever, or by given bytes, so that a fuzzer can steer what a seed would.
#[derive(Clone, Debug)]
pub struct Rng(Source);

#[derive(Clone, Debug)]
enum Source {
    Bytes(VecDeque<u8>),
    Seed(u64),
}

impl Rng {
    /// Begins the row of choices that belongs to a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(Source::Seed(seed))
    }

    /// Makes the choices that the bytes say, then the first one for ever.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Source::Bytes(bytes.iter().copied().collect()))
    }

    /// Whether the bytes are used up; a seed never is.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        matches!(&self.0, Source::Bytes(bytes) if bytes.is_empty())
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        match &mut self.0 {
            Source::Bytes(bytes) => number(bytes, 8),
            Source::Seed(seed) => next(seed),
        }
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        match &mut self.0 {
            // No more bytes than the choice needs, so that one that is inserted does not shift what all others mean.
            Source::Bytes(bytes) => number(bytes, (71 - bound.leading_zeros()) / 8) % bound,
            Source::Seed(seed) => next(seed) % bound,
        }
    }

    /// The same for lengths.
    pub fn below_len(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("below a length")
    }

    /// Whether the one case of `of` has come up.
    pub fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of several values.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below_len(of.len())]
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// At most so many random bytes.
    pub fn some_bytes(&mut self, len_max: usize) -> Vec<u8> {
        (0..self.below_len(len_max + 1)).map(|_| self.byte()).collect()
    }

    fn byte(&mut self) -> u8 {
        match &mut self.0 {
            Source::Bytes(bytes) => bytes.pop_front().unwrap_or(0),
            Source::Seed(seed) => next(seed).to_le_bytes()[0],
        }
    }
}

const fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *seed;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The number that the first `len` bytes are.
fn number(bytes: &mut VecDeque<u8>, len: u32) -> u64 {
    (0..len).fold(0, |number, _| number << 8 | u64::from(bytes.pop_front().unwrap_or(0)))
}

#[test]
fn a_choice_takes_as_many_bytes_as_it_needs() {
    let mut rng = Rng::from_bytes(&[7, 1, 0, 9]);
    assert_eq!((rng.below(5), rng.below(300), rng.one_in(10)), (2, 256, false));
    assert!(rng.is_spent());
    assert_eq!((rng.below(5), rng.bits(), rng.bytes()), (0, 0, [0; 4]));
    assert!(!Rng::new(1).is_spent());
}
