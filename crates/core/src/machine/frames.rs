//! Every frame that comes, in every phase: which room it is for.

use alloc::string::ToString;

use super::{
    Event, HandshakeStep, LinkError, Machine, Progress,
    calls::names_courier,
    knowledge::{Kept, News},
};
use crate::wire::{
    AnyResponse, ConnectionStatus, DecodeError, Delimited, EventKind, Geometry, MessageSent, Name,
    NewPkiDocument, SessionTokenReply,
};

impl Machine {
    /// Takes a frame's body; whatever is wrong inside costs the call that it names, and no link.
    ///
    /// It is read only once it is known whom it is for.
    pub(super) fn frame(&mut self, body: &[u8]) {
        let frame = AnyResponse::delimit(body);
        let progress = match frame.name() {
            Some(Name::Reply(_)) => self.reply_frame(&frame),
            Some(Name::Event(kind)) => self.event_frame(kind, &frame),
            None => self.nameless_frame(&frame),
        };
        // What achieves nothing is bounded for each link.
        if progress == Progress::None && !self.link.spend(&self.cx, body.len()) {
            self.drop_link(LinkError::Misbehaving);
        }
    }

    fn reply_frame(&mut self, frame: &Delimited<'_, Name>) -> Progress {
        let Some(id) = frame.query_id().filter(|id| self.calls.awaits_reply(id)) else {
            return Progress::None;
        };
        let Ok(Some(AnyResponse::Reply(reply))) = AnyResponse::read(frame) else {
            return self.calls.undecodable(&mut self.cx, &id);
        };
        if names_courier(&reply) {
            self.set_mixnet(true);
        }
        self.calls.reply(&mut self.cx, reply)
    }

    fn event_frame(&mut self, kind: EventKind, frame: &Delimited<'_, Name>) -> Progress {
        match kind {
            EventKind::MessageIdGarbageCollected => Progress::None,
            EventKind::MessageReply => self.message_reply_frame(frame),
            EventKind::MessageSent => self.message_sent_frame(frame),
            EventKind::ConnectionStatus
            | EventKind::NewPkiDocument
            | EventKind::SessionToken
            | EventKind::Shutdown => match AnyResponse::read(frame) {
                Ok(Some(response)) => self.broadcast(response),
                Ok(None) => Progress::None,
                Err(error) => self.unusable_broadcast(kind, &error),
            },
        }
    }

    fn message_sent_frame(&mut self, frame: &Delimited<'_, Name>) -> Progress {
        let Some(surb) = frame.surb_id().filter(|surb| self.calls.awaits_sent(surb)) else {
            return Progress::None;
        };
        match AnyResponse::read(frame) {
            Ok(Some(AnyResponse::MessageSent(event))) => self.message_sent(event),
            _ => self.calls.undecodable_event(&mut self.cx, &surb),
        }
    }

    fn message_reply_frame(&mut self, frame: &Delimited<'_, Name>) -> Progress {
        let Some(surb) = frame.surb_id() else { return Progress::None };
        if !self.calls.awaits_event(&surb) {
            return self.calls.late_event(&surb);
        }
        match AnyResponse::read(frame) {
            Ok(Some(AnyResponse::MessageReply(event))) => self.calls.replied(&mut self.cx, event),
            _ => self.calls.undecodable_event(&mut self.cx, &surb),
        }
    }

    /// A frame about nothing that is known. A handshake can't go on behind one that is none at all.
    fn nameless_frame(&mut self, frame: &Delimited<'_, Name>) -> Progress {
        match frame.flaw() {
            Some(flaw) if self.link.awaits().is_some() => {
                self.drop_link(LinkError::BadFrame(flaw));
                Progress::Made
            }
            _ => Progress::None,
        }
    }

    /// A broadcast that can't be used is passed over, unless the handshake waits for it.
    fn unusable_broadcast(&mut self, kind: EventKind, error: &DecodeError) -> Progress {
        let Some(step) = self.link.awaits_event(kind) else { return Progress::None };
        self.link.refuse(&mut self.cx, step, error.to_string());
        Progress::Made
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are for calls")]
    fn broadcast(&mut self, response: AnyResponse) -> Progress {
        match response {
            AnyResponse::ConnectionStatus(status) => self.status_event(status),
            AnyResponse::NewPkiDocument(event) => self.document_event(event),
            AnyResponse::SessionToken(reply) => self.session_reply(&reply),
            AnyResponse::Shutdown(_) => self.shutdown_event(),
            _ => Progress::None,
        }
    }

    fn status_event(&mut self, status: ConnectionStatus) -> Progress {
        let ConnectionStatus { is_connected, instance_token, sphinx_geometry, pigeonhole_geometry } = status;
        let first = self.link.awaits() == Some(HandshakeStep::Status);
        let geometry = match sphinx_geometry.zip(pigeonhole_geometry) {
            Some((sphinx, pigeonhole)) => {
                Geometry::new(sphinx, pigeonhole).map_err(|error| error.to_string())
            }
            None => Err("the status carries no geometries".to_string()),
        };
        // Later, sizes that can't be are passed over: those that are known go on holding.
        let geometry = match geometry {
            Err(problem) if first => {
                self.link.refuse(&mut self.cx, HandshakeStep::Status, problem);
                return Progress::Made;
            }
            geometry => geometry.ok(),
        };
        if geometry.is_some_and(|geometry| self.knowledge.set_geometry(geometry)) {
            self.calls.facts_changed(&mut self.cx, self.knowledge.facts());
        }
        let changed = self.set_mixnet(is_connected);
        if first {
            self.knowledge.met(instance_token);
            self.link.status_came(&self.cx);
        }
        if first || changed { Progress::Made } else { Progress::None }
    }

    /// Takes note of whether the mix network is there; returns whether that is new.
    fn set_mixnet(&mut self, connected: bool) -> bool {
        let changed = self.knowledge.set_mixnet(connected);
        if changed {
            self.calls.facts_changed(&mut self.cx, self.knowledge.facts());
            self.cx.event(Event::Mixnet { connected });
        }
        changed
    }

    fn document_event(&mut self, event: NewPkiDocument) -> Progress {
        let mut progress = Progress::None;
        if let Some(Kept { epoch, news, notices }) = self.knowledge.keep(event) {
            if news == News::Epoch {
                progress = Progress::Made;
            }
            if news != News::Nothing {
                self.cx.event(Event::Document { epoch });
                self.calls.facts_changed(&mut self.cx, self.knowledge.facts());
            }
            if notices {
                self.cx.event(Event::Notices { epoch });
            }
        }
        if self.link.document_came(&self.cx) { Progress::Made } else { progress }
    }

    fn session_reply(&mut self, reply: &SessionTokenReply) -> Progress {
        let Some(instance) = self.knowledge.instance() else { return Progress::None };
        let Some(up) = self.link.session_answered(&self.cx, instance, reply) else { return Progress::None };
        let (replayed, failed) = self.calls.link_up(&mut self.cx, &up, self.knowledge.facts());
        self.cx.event(Event::LinkUp);
        if up.again {
            let (same_daemon, resumed) = (up.same_daemon, up.is_resumed());
            self.cx.event(Event::Reconnected { same_daemon, resumed, replayed, failed });
        }
        Progress::Made
    }

    fn shutdown_event(&mut self) -> Progress {
        if !self.link.shuts_down() {
            return Progress::None;
        }
        self.cx.event(Event::DaemonShutdown);
        Progress::Made
    }

    fn message_sent(&mut self, event: MessageSent) -> Progress {
        // What has left has found the mix network.
        if event.failure().is_none() {
            self.set_mixnet(true);
        }
        self.calls.sent(&mut self.cx, event)
    }
}
