//! What there is in a machine, for a search that recognises states.

use super::Machine;
use crate::testing::Fingerprint;

impl Machine {
    /// Tells everything that what happens next depends on.
    ///
    /// Feature `testing`. Counters are left out, since what is minted from them is told by which ones are equal;
    /// so is the seed, of which only jitter could show.
    pub fn fingerprint(&self, to: &mut Fingerprint) {
        self.link.tell(to);
        self.knowledge.tell(to);
        self.calls.tell(to, self.cx.now());
        self.timers.tell(to);
        self.cx.tell(to);
        to.option(self.closed, |to, reason| to.tag(&alloc::format!("{reason:?}")));
    }
}
