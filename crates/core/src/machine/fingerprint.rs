//! What there is in a machine, for a search that recognises states.

use alloc::vec::Vec;

use super::{CallId, Machine};
use crate::testing::Fingerprint;

impl Machine {
    /// Tells everything that what happens next depends on.
    ///
    /// Feature `testing`. Counters are left out, since what is minted from them is told by which ones are equal;
    /// so is the seed, of which only jitter could show.
    pub fn fingerprint(&self, to: &mut Fingerprint) {
        let query = |counter: u64| -> Vec<u8> { self.query_id(counter).as_bytes().to_vec() };
        self.link.tell(to);
        to.number(self.failures);
        self.session.tell(to);
        to.option(self.peer.instance, |to, instance| to.name(instance.as_bytes()));
        to.number(u8::from(self.peer.mixnet));
        to.option(self.peer.geometry.as_deref(), |to, geometry| to.number(geometry.max_payload_len()));
        self.documents.tell(to);
        self.slots.tell(to, query);
        self.lanes.tell(to);
        self.cancels.tell(to, query);
        self.locals.tell(to, query);
        self.late.tell(to);
        self.suspects.tell(to);
        self.connected_clock.tell(to, self.now);
        self.up_clock.tell(to, self.now);
        self.timers.tell(to);
        self.budget.tell(to);
        to.frames(self.buffer.pending());
        to.list(&self.outputs, |to, output| to.tag(&alloc::format!("{output:?}")));
        to.option(self.closed, |to, reason| to.tag(&alloc::format!("{reason:?}")));
        // That of a link that is gone means nothing any more.
        to.option(self.farewell.filter(|link| self.link.id() == Some(*link)), |to, link| link.tell(to));
    }
}

impl CallId {
    pub(super) fn tell(self, to: &mut Fingerprint) {
        to.name(&[&b"call"[..], &self.0.to_be_bytes()].concat());
    }
}
