//! What there is in calls, for a search that recognises states.

use alloc::vec::Vec;

use super::{
    super::limits::POLLING_TURN,
    Calls,
    call::{Call, Kind, Stage},
    cancelling::CancelProgress,
    cancels::{CancelFrame, Start},
    key::Key,
    wire::Wire,
};
use crate::{Instant, testing::Fingerprint, wire::encode_request};

impl Calls {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint, now: Instant) {
        let query = |counter: u64| self.query_id(counter).as_bytes().to_vec();
        to.list(self.table.iter(), |to, (id, call)| {
            id.tell(to);
            call.tell(to, query);
        });
        to.unordered(&self.live, |to, (key, id)| {
            key.tell(to);
            id.tell(to);
        });
        self.lanes.tell(to);
        self.cancels.tell(to);
        self.late.tell(to, |to, surb| to.name(surb.as_bytes()));
        self.unanswered_cancels.tell(to, |to, key| key.tell(to));
        self.agenda.connected.tell(to, now);
        self.agenda.up.tell(to, now);
        to.option(self.wire.as_ref(), |to, wire| wire.tell(to, self.waits(wire), query));
    }
}

impl Call {
    fn tell(&self, to: &mut Fingerprint, query: impl Fn(u64) -> Vec<u8>) {
        to.tag(self.request_kind.name());
        to.tag(&alloc::format!("{:?} {:?} {}", self.queue, self.origin, self.has_left()));
        to.option(self.request.as_deref(), |to, request| {
            let mut bytes = Vec::new();
            let fits = encode_request(None, request, &mut bytes);
            to.number(u8::from(fits.is_ok()));
            to.frames(&bytes);
        });
        match self.kind {
            Kind::Local { was_silent, .. } => to.tag(if was_silent { "local again" } else { "local" }),
            Kind::Message { ends_with, .. } => to.tag(&alloc::format!("{ends_with:?}")),
            Kind::Operation { key, ref retired, undone, renewed_on, .. } => {
                key.tell(to);
                to.list(retired, |to, counter| to.name(&query(*counter)));
                to.number(undone);
                to.option(renewed_on, |to, link| link.tell(to));
            }
        }
        to.tag(match self.stage {
            Stage::Abandoned { .. } => "abandoned",
            Stage::Fenced { .. } => "fenced",
            Stage::Held => "held",
            Stage::Queued => "queued",
            Stage::Withdrawing { .. } => "withdrawing",
            Stage::Written { .. } => "written",
        });
        if let Stage::Fenced { cancel } = self.stage {
            to.option(cancel, |to, counter| to.name(&query(counter)));
        }
        to.option(self.on_link(), |to, (link, at)| {
            link.tell(to);
            to.age(at, POLLING_TURN);
        });
        to.option(self.deadline, Fingerprint::time);
        to.option(self.query(), |to, counter| to.name(&query(counter)));
        to.option(self.surb(), |to, surb| to.name(surb.as_bytes()));
        // Only whether it was written once, or more often, makes a difference.
        to.number(self.writings.min(2));
        to.number(self.suspicion);
        to.number(u8::from(self.due_connected.is_some()));
    }
}

impl Wire {
    fn tell(&self, to: &mut Fingerprint, waits: bool, query: impl Fn(u64) -> Vec<u8>) {
        self.id.tell(to);
        to.tag(&alloc::format!("{:?}", self.writing));
        self.places.tell(to);
        self.locals.tell(to, &query);
        to.unordered(self.cancelling.iter(), |to, (key, entry)| {
            key.tell(to);
            entry.start.tell(to);
            match entry.progress {
                CancelProgress::Again(at) => to.time(at),
                CancelProgress::Queued => to.tag("queued"),
                CancelProgress::Written(counter) => to.name(&query(counter)),
            }
            to.duration(entry.pause);
        });
        self.suspect.tell(to);
        self.probe.tell(to, waits, &query);
        to.number(u8::from(self.is_doubtful));
        to.option(self.last_reply, |to, at| to.age(at, super::super::waits::SUSPICION));
    }
}

impl Key {
    fn tell(self, to: &mut Fingerprint) {
        match self {
            Self::Copy(hash) => to.name(hash.as_bytes()),
            Self::Envelope(hash) => to.name(hash.as_bytes()),
        }
    }
}

impl CancelFrame {
    pub(super) fn tell(&self, to: &mut Fingerprint) {
        self.key.tell(to);
        to.option(self.caller, |to, call| call.tell(to));
        to.number(u8::from(self.start == Start::Written));
    }
}
