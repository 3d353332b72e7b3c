//! Requests that may be what makes the daemon end its links.
//!
//! The reference daemon drops a connection, or dies, over some requests (§1.3, Q-01). Replaying
//! such a request for ever would take everyone else down with it, so a call that stood on several
//! links which ended soon after is written alone, and ends if that link ends too.

use alloc::vec::Vec;

use super::{
    super::{CallId, context::Context, waits::SUSPICION},
    Calls,
};
use crate::{Instant, error::CallError};

/// Links in a row that make a call suspect.
const LINKS: u8 = 3;

/// The one suspect that is outstanding on a link, and since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Outstanding(Option<(CallId, Instant)>);

impl Outstanding {
    /// Whether another suspect may be written.
    pub(super) const fn may_write(&self) -> bool {
        self.0.is_none()
    }

    /// Notes that a suspect was written.
    pub(super) const fn written(&mut self, call: CallId, now: Instant) {
        self.0 = Some((call, now));
    }

    pub(super) fn forget(&mut self, call: CallId) {
        self.0.take_if(|(suspect, _)| *suspect == call);
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.0.map(|(_, at)| at + SUSPICION)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.option(self.0, |to, (call, at)| {
            call.tell(to);
            to.age(at, SUSPICION);
        });
    }
}

impl Calls {
    /// Whether a call has to be written alone.
    pub(super) fn is_suspect(&self, id: CallId) -> bool {
        self.table.get(id).is_some_and(|call| call.suspicion >= LINKS)
    }

    /// Clears a suspect whose link has lasted.
    pub(super) fn clear_suspect(&mut self, now: Instant) {
        if let Some(wire) = &mut self.wire
            && let Some((id, _)) = wire.suspect.0.take_if(|(_, at)| *at + SUSPICION <= now)
            && let Some(call) = self.table.get_mut(id)
        {
            call.suspicion = 0;
        }
    }

    /// Looks at the calls that were unanswered when the daemon ended the link by itself.
    pub(super) fn judge(&mut self, cx: &mut Context) {
        self.clear_suspect(cx.now());
        let Some(wire) = &mut self.wire else { return };
        let guilty = wire.suspect.0.take().map(|(id, _)| id);
        let (ended, last_reply) = (wire.id, wire.last_reply);
        let unanswered: Vec<_> = self
            .table
            .iter()
            .filter(|(_, call)| call.is_owned())
            .filter_map(|(id, call)| Some((id, call.on_link().filter(|(link, _)| *link == ended)?.1)))
            .collect();
        for (id, written) in unanswered {
            if Some(id) == guilty {
                self.abandon(cx, id, CallError::LinkLost);
                continue;
            }
            let since = last_reply.map_or(written, |reply| reply.max(written));
            let soon = cx.now().saturating_since(since) <= SUSPICION;
            if let Some(call) = self.table.get_mut(id) {
                call.suspicion = if soon { call.suspicion.saturating_add(1) } else { 0 };
            }
        }
    }
}
