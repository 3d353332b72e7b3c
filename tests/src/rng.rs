//! Reproducible choices.

/// A small generator (SplitMix64): the same seed makes the same choices for ever.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Begins the row of choices that belongs to a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// The same for lengths.
    pub fn below_len(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).expect("below a length")
    }

    /// Whether the one case of `of` has come up.
    pub const fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// One of several values.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below_len(of.len())]
    }

    /// So many random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_le_bytes()[0])
    }

    /// At most so many random bytes.
    pub fn some_bytes(&mut self, len_max: usize) -> Vec<u8> {
        (0..self.below_len(len_max + 1)).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}
