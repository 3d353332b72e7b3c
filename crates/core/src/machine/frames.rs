//! Every frame that comes, in every phase: which room it is for.

use alloc::string::ToString;

use super::{Event, HandshakeStep, LinkError, Machine, Progress, calls::names_courier, knowledge::News};
use crate::wire::{
    AnyResponse, ConnectionStatus, DecodeError, Geometry, MessageSent, NewPkiDocument, SessionTokenReply,
};

impl Machine {
    pub(super) fn frame(&mut self, body: &[u8]) {
        let progress = match AnyResponse::decode(body) {
            Ok(Some(response)) => self.response(response),
            Ok(None) => Progress::None,
            Err(DecodeError::Cbor(error)) => return self.drop_link(LinkError::BadFrame(error)),
            Err(error @ DecodeError::Member { .. }) => self.undecodable(&error),
        };
        // What achieves nothing is bounded for each link.
        if progress == Progress::None && !self.link.spend(&self.cx) {
            self.drop_link(LinkError::Misbehaving);
        }
    }

    /// A well-formed frame with a member that can't be used fails its call, not the link.
    fn undecodable(&mut self, error: &DecodeError) -> Progress {
        let DecodeError::Member { message, query_id, .. } = error else { return Progress::None };
        if let Some(step) = self.link.awaits_message(message) {
            self.link.refuse(&mut self.cx, step, error.to_string());
            return Progress::Made;
        }
        self.calls.undecodable(&mut self.cx, query_id.as_ref())
    }

    fn response(&mut self, response: AnyResponse) -> Progress {
        match response {
            AnyResponse::ConnectionStatus(status) => self.status_event(status),
            AnyResponse::NewPkiDocument(event) => self.document_event(&event),
            AnyResponse::SessionToken(reply) => self.session_reply(&reply),
            AnyResponse::Shutdown(_) => self.shutdown_event(),
            AnyResponse::MessageSent(event) => self.message_sent(event),
            AnyResponse::MessageReply(event) => self.calls.replied(&mut self.cx, event),
            AnyResponse::MessageIdGarbageCollected(_) => Progress::None,
            AnyResponse::Reply(reply) => {
                if names_courier(&reply) {
                    self.set_mixnet(true);
                }
                self.calls.reply(&mut self.cx, reply)
            }
        }
    }

    fn status_event(&mut self, status: ConnectionStatus) -> Progress {
        let ConnectionStatus { is_connected, instance_token, sphinx_geometry, pigeonhole_geometry } = status;
        let first = self.link.awaits() == Some(HandshakeStep::Status);
        let geometry = sphinx_geometry
            .zip(pigeonhole_geometry)
            .map(|(sphinx, pigeonhole)| Geometry::new(sphinx, pigeonhole));
        if geometry.is_none() && first {
            let problem = "the status carries no geometries".to_string();
            self.link.refuse(&mut self.cx, HandshakeStep::Status, problem);
            return Progress::Made;
        }
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

    fn document_event(&mut self, event: &NewPkiDocument) -> Progress {
        let mut progress = Progress::None;
        if let Some((epoch, news)) = self.knowledge.keep(event) {
            if news == News::Epoch {
                progress = Progress::Made;
            }
            if news != News::Nothing {
                self.cx.event(Event::Document { epoch });
                self.calls.facts_changed(&mut self.cx, self.knowledge.facts());
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
        let left =
            event.failure().is_none() && event.surbid.is_some_and(|surb| self.calls.awaits_sent(&surb));
        if left {
            self.set_mixnet(true);
        }
        self.calls.sent(&mut self.cx, event)
    }
}
