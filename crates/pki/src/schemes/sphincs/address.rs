//! Where a hash is made, so that no two are made alike (section 2.7.3).

/// What a hash is made for.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Wots = 0,
    WotsKey = 1,
    Tree = 2,
    ForsTree = 3,
    ForsRoots = 4,
}

/// 32 bytes, in the layout of the SHAKE variants.
#[derive(Clone, Copy)]
pub(super) struct Address([u8; 32]);

impl Address {
    pub(super) fn new(layer: u32, tree: u64, kind: Kind) -> Self {
        let mut address = Self([0; 32]);
        address.put(0, layer);
        // The tree has twelve bytes, of which these trees need eight.
        let [high, low] = [tree >> 32, tree & 0xffff_ffff];
        address.put(8, u32::try_from(high).unwrap_or(u32::MAX));
        address.put(12, u32::try_from(low).unwrap_or(u32::MAX));
        address.put(16, kind as u32);
        address
    }

    /// Of a key pair at a leaf.
    pub(super) fn key_pair(layer: u32, tree: u64, leaf: u32) -> Self {
        let mut address = Self::new(layer, tree, Kind::Wots);
        address.put(20, leaf);
        address
    }

    /// The same place for another purpose.
    pub(super) fn of_kind(mut self, kind: Kind) -> Self {
        self.put(16, kind as u32);
        self
    }

    pub(super) fn set_chain(&mut self, chain: u32) {
        self.put(24, chain);
    }

    pub(super) fn set_hash(&mut self, hash: u32) {
        self.put(28, hash);
    }

    pub(super) fn set_node(&mut self, height: u32, index: u32) {
        self.put(24, height);
        self.put(28, index);
    }

    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn put(&mut self, at: usize, word: u32) {
        self.0.iter_mut().skip(at).zip(word.to_be_bytes()).for_each(|(to, from)| *to = from);
    }
}
