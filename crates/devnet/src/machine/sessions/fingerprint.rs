//! What there is in sessions, for a search that recognises states.

use kpthin_core::Instant;
use kpthin_core::testing::{Fingerprint, frame};
use kpthin_core::wire::{AnyRequest, RequestFrame};

use crate::config::{Pacing, Timing};

use super::turns::next_slot;
use super::{Due, Listener, Mixnet, Queued, Session, Sessions};

impl Sessions {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint, timing: &Timing, now: Instant) {
        to.unordered(&self.table, |to, (app, session)| {
            to.name(app.as_bytes());
            session.tell(to);
        });
        // Even slots lie on a grid, planned or not.
        let grid = || (timing.pacing == Pacing::Even).then(|| next_slot(now, timing.send_slot));
        to.option(self.slots.next_at(), Fingerprint::time);
        to.option(grid(), Fingerprint::time);
        to.list(self.schedule.iter(), |to, (at, due)| {
            to.time(at);
            let (tag, app) = match due {
                Due::Grace(app) => ("grace", app),
                Due::Rearm(app) => ("rearm", app),
            };
            to.tag(tag);
            to.name(app.as_bytes());
        });
    }
}

impl Session {
    fn tell(&self, to: &mut Fingerprint) {
        match &self.link {
            Listener::Away { replies, .. } => to.list(replies, |to, reply| to.frames(&frame(reply))),
            Listener::On(conn) => conn.tell(to),
        }
        to.unordered(&self.tokens, |to, token| to.name(token));
        to.list(&self.queue, |to, queued| queued.tell(to));
        to.list(&self.resends, |to, op| op.tell(to));
        to.number(u8::from(self.rearms.is_some()));
    }
}

impl Queued {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint) {
        self.conn.tell(to);
        to.name(self.app.as_bytes());
        let (query_id, request): (_, AnyRequest) = match &self.request {
            Mixnet::Copy(query_id, request) => (*query_id, (**request).clone().into()),
            Mixnet::Incomplete(kind, query_id) => {
                to.tag(kind.name());
                return to.option(query_id.as_ref(), |to, query_id| to.name(query_id.as_bytes()));
            }
            Mixnet::Message(request, oddity) => {
                to.tag(&format!("{:?}", oddity.gaps));
                (None, (**request).clone().into())
            }
            Mixnet::Nothing => return to.tag("nothing"),
            Mixnet::Start(query_id, request, gaps) => {
                to.tag(&format!("{gaps:?}"));
                (*query_id, (**request).clone().into())
            }
        };
        let mut bytes = Vec::new();
        // It came in a frame.
        let fits = RequestFrame { query_id, request }.encode(&mut bytes);
        to.number(u8::from(fits.is_ok()));
        to.frames(&bytes);
    }
}
