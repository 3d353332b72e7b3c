//! What the daemon says unasked: status, documents, the session, messages.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use super::{
    CallId, Event, HandshakeStep, Machine,
    documents::News,
    links::{Link, Token},
    receive::Progress,
    slots::{Owner, Slot, Wanted},
    validate,
    waits::{REPLY_ETA_MAX, REPLY_SLACK},
};
use crate::{
    error::CallError,
    pki::Document,
    wire::{
        AnyReply, AnyRequest, ConnectionStatus, Geometry, MessageReply, MessageSent, NewPkiDocument,
        SessionTokenReply,
    },
};

impl Machine {
    pub(super) fn status_event(&mut self, status: ConnectionStatus) -> Progress {
        let ConnectionStatus { is_connected, instance_token, sphinx_geometry, pigeonhole_geometry } = status;
        let first = matches!(self.link, Link::Greeting { step: HandshakeStep::Status, .. });
        match (sphinx_geometry, pigeonhole_geometry) {
            (Some(sphinx), Some(pigeonhole)) => {
                let geometry = Geometry::new(sphinx, pigeonhole);
                if self.peer.geometry.as_deref() != Some(&geometry) {
                    self.peer.geometry = Some(geometry.into());
                    self.refuse_misfits();
                }
            }
            _ if first => {
                self.refuse_handshake(HandshakeStep::Status, "the status carries no geometries".to_string());
                return Progress::Made;
            }
            _ => {}
        }
        let changed = self.set_mixnet(is_connected);
        if first {
            self.peer.instance = Some(instance_token);
            if let Link::Greeting { step, since, .. } = &mut self.link {
                *step = HandshakeStep::Document;
                *since = self.now;
            }
            return Progress::Made;
        }
        if changed { Progress::Made } else { Progress::None }
    }

    /// Ends calls that were not sent and turn out not to fit.
    fn refuse_misfits(&mut self) {
        let geometry = self.peer.geometry.as_deref();
        let misfit = |(call, slot): (CallId, &Slot)| {
            let request = slot.request.as_deref().filter(|_| slot.writings == 0)?;
            Some((call, validate::check(request, geometry).err()?))
        };
        for (call, error) in self.slots.iter().filter_map(misfit).collect::<Vec<_>>() {
            self.finish(call, Err(error));
        }
    }

    /// Takes note of whether the mix network is there; returns whether that is new.
    pub(super) fn set_mixnet(&mut self, connected: bool) -> bool {
        if self.peer.mixnet == connected {
            return false;
        }
        self.peer.mixnet = connected;
        self.run_clocks(self.link.is_up());
        self.event(Event::Mixnet { connected });
        true
    }

    pub(super) fn document_event(&mut self, event: &NewPkiDocument) -> Progress {
        let mut progress = Progress::None;
        let payload = event.payload.as_deref().filter(|payload| !payload.is_empty());
        // A document that can't be read is as good as none: calls need the daemon's, not ours.
        if let Some(document) = payload.and_then(|payload| Document::decode(payload).ok()) {
            let epoch = document.epoch;
            let news = self.documents.insert(document);
            if news == News::Epoch {
                progress = Progress::Made;
            }
            if news != News::Nothing {
                self.event(Event::Document { epoch });
                self.fail_orphaned_copies();
            }
        }
        if let Link::Greeting { link, step: HandshakeStep::Document, .. } = self.link {
            self.link = Link::Presenting { link, token: Token::Unsent, since: self.now };
            progress = Progress::Made;
        }
        progress
    }

    /// Ends copies whose pinned courier is not in the latest document.
    fn fail_orphaned_copies(&mut self) {
        let orphaned = |(call, slot): (CallId, &Slot)| {
            slot.request.as_deref().filter(|request| self.courier_is_gone(request)).map(|_| call)
        };
        for call in self.slots.iter().filter_map(orphaned).collect::<Vec<_>>() {
            self.abandon(call, |_| CallError::CourierGone);
        }
    }

    /// Whether a request is a copy at a courier that is not in the latest document.
    pub(super) fn courier_is_gone(&self, request: &AnyRequest) -> bool {
        let AnyRequest::StartResendingCopyCommand(copy) = request else { return false };
        let (Some(courier), Some(document)) = (&copy.courier, self.documents.latest()) else {
            return false;
        };
        document.couriers().all(|known| known.identity_hash != courier.node)
    }

    pub(super) fn session_reply(&mut self, reply: &SessionTokenReply) -> Progress {
        if !matches!(self.link, Link::Presenting { token: Token::Sent, .. }) {
            return Progress::None;
        }
        self.up(reply);
        Progress::Made
    }

    pub(super) fn shutdown_event(&mut self) -> Progress {
        if self.farewell == self.link.id() {
            return Progress::None;
        }
        self.farewell = self.link.id();
        self.event(Event::DaemonShutdown);
        Progress::Made
    }

    pub(super) fn message_sent(&mut self, event: MessageSent) -> Progress {
        let Some(surb) = event.surbid else { return Progress::None };
        let Some((call, slot)) =
            self.slots.by_surb(&surb).and_then(|call| Some((call, self.slots.get(call)?)))
        else {
            return Progress::None;
        };
        if slot.due_up.is_some() {
            return Progress::None;
        }
        let nobody_waits = slot.wanted == Wanted::Sent || slot.owner() == Owner::Abandoned;
        self.note_reply();
        let failure = event.failure().map(String::from);
        if failure.is_none() {
            let _changed = self.set_mixnet(true);
        }
        match failure {
            Some(text) => self.finish(call, Err(CallError::SendFailed(text))),
            None if nobody_waits => {
                self.late.expect(surb);
                self.finish(call, Ok(AnyReply::MessageSent(event)));
            }
            None => {
                self.release_place(call);
                let eta = Duration::from_nanos(u64::try_from(event.reply_eta).unwrap_or(0));
                let patience = eta.min(REPLY_ETA_MAX) + REPLY_SLACK;
                let due = self.up_clock.schedule(self.now, patience, call);
                if let Some(slot) = self.slots.get_mut(call) {
                    slot.due_up = Some(due);
                    self.connected_clock.unschedule(slot.due_connected.take(), call);
                }
            }
        }
        Progress::Made
    }

    pub(super) fn message_reply(&mut self, event: MessageReply) -> Progress {
        let Some(surb) = event.surbid else { return Progress::None };
        let Some(call) = self.slots.by_surb(&surb) else {
            return if self.late.take(&surb) { Progress::Made } else { Progress::None };
        };
        self.note_reply();
        let wants_reply = self.slots.get(call).is_some_and(|slot| slot.wanted == Wanted::Reply);
        let reply = if wants_reply {
            AnyReply::SendMessage(event)
        } else {
            // Its sent event was lost with a link, but an answer says the same.
            let MessageReply { message_id, surbid, .. } = event;
            AnyReply::MessageSent(MessageSent { message_id, surbid, ..MessageSent::default() })
        };
        self.finish(call, Ok(reply));
        Progress::Made
    }
}
