//! Requests that may be what makes the daemon end its links.
//!
//! The reference daemon drops a connection, or dies, over some requests (§1.3, Q-01). Replaying
//! such a request for ever would take everyone else down with it, so a call that stood on several
//! links which ended soon after is written alone, and ends if that link ends too.

use alloc::vec::Vec;

use super::{CallId, LinkId, Machine, slots::Owner, waits::SUSPICION};
use crate::{Instant, error::CallError};

/// Links in a row that make a call suspect.
const LINKS: u8 = 3;

/// The one suspect that is outstanding.
#[derive(Clone, Debug, Default)]
pub(super) struct Suspects {
    outstanding: Option<(CallId, Instant)>,
}

impl Suspects {
    /// Whether another suspect may be written.
    pub(super) const fn may_write(&self) -> bool {
        self.outstanding.is_none()
    }

    pub(super) fn forget(&mut self, call: CallId) {
        let _was = self.outstanding.take_if(|(suspect, _)| *suspect == call);
    }

    /// No suspect is outstanding without a link.
    pub(super) const fn link_ended(&mut self) {
        self.outstanding = None;
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.outstanding.map(|(_, at)| at + SUSPICION)
    }
}

impl Machine {
    /// Whether a call has to be written alone.
    pub(super) fn is_suspect(&self, call: CallId) -> bool {
        self.slots.get(call).is_some_and(|slot| slot.suspicion >= LINKS)
    }

    /// Notes that a suspect was written.
    pub(super) fn suspect_written(&mut self, call: CallId) {
        self.suspects.outstanding = Some((call, self.now));
    }

    /// Clears a suspect whose link has lasted.
    pub(super) fn clear_suspect(&mut self) {
        let now = self.now;
        if let Some((call, _)) = self.suspects.outstanding.take_if(|(_, at)| *at + SUSPICION <= now)
            && let Some(slot) = self.slots.get_mut(call)
        {
            slot.suspicion = 0;
        }
    }

    /// Looks at the calls that were unanswered when the daemon ended the link by itself.
    pub(super) fn judge(&mut self, ended: LinkId) {
        self.clear_suspect();
        let guilty = self.suspects.outstanding.take().map(|(call, _)| call);
        let last_reply = self.link.last_reply();
        let unanswered: Vec<_> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.owner() == Owner::Caller)
            .filter_map(|(call, slot)| {
                Some((call, slot.stage().on_link().filter(|(link, _)| *link == ended)?.1))
            })
            .collect();
        for (call, written) in unanswered {
            if Some(call) == guilty {
                self.abandon(call, CallError::LinkLost);
                continue;
            }
            let since = last_reply.map_or(written, |reply| reply.max(written));
            let soon = self.now.saturating_since(since) <= SUSPICION;
            if let Some(slot) = self.slots.get_mut(call) {
                slot.suspicion = if soon { slot.suspicion.saturating_add(1) } else { 0 };
            }
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Suspects {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.option(self.outstanding, |to, (call, at)| {
            call.tell(to);
            to.age(at, SUSPICION);
        });
    }
}
