//! Replies that may still come for messages which nobody waits for any more.

use alloc::collections::{BTreeSet, VecDeque};

use super::super::limits::OUTSTANDING_CALLS_MAX;
use crate::wire::SurbId;

/// Messages that left and ended before their reply; the oldest of more than
/// [`OUTSTANDING_CALLS_MAX`] is forgotten, and its reply then counts as traffic without progress.
#[derive(Clone, Debug, Default)]
pub(super) struct LateReplies {
    expected: BTreeSet<SurbId>,
    order: VecDeque<SurbId>,
}

impl LateReplies {
    pub(super) fn expect(&mut self, surb: SurbId) {
        if self.order.len() >= OUTSTANDING_CALLS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.expected.remove(&oldest);
        }
        self.order.push_back(surb);
        self.expected.insert(surb);
    }

    /// Whether this is such a reply; each is expected once.
    pub(super) fn take(&mut self, surb: &SurbId) -> bool {
        self.expected.remove(surb)
    }
}

#[cfg(any(test, feature = "testing"))]
impl LateReplies {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(self.order.iter().filter(|surb| self.expected.contains(*surb)), |to, surb| {
            to.name(surb.as_bytes());
        });
    }
}
