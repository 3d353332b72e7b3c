//! Messages to services, of which there is the echo service (§4.4, Pigeonhole backend §10).

use std::time::Duration;

use kpthin_core::wire::{AnyResponse, AppId, MessageReply, MessageSent, SecretBytes, SendMessage};

use super::Devnet;
use super::event::Event;
use crate::network::ECHO_QUEUE;

/// Messages of one session whose reply is under way; the reference has no bound.
const ECHOES_MAX: usize = 4_096;
/// What an instant reply is announced with, since 0 means that there will be none.
const REPLY_ETA_MIN: Duration = Duration::from_millis(1);

impl Devnet {
    /// Sends a message, or says why not; without a SURB there is no word in either case.
    pub(super) fn send_message(&mut self, app: AppId, request: SendMessage, payload_len: usize) {
        let checked = self.check_message(app, &request, payload_len);
        let sent = checked.is_ok();
        self.report_sent(app, &request, checked);
        let asks_echo =
            request.recipient_queue_id.as_ref().is_some_and(|id| id.as_bytes() == ECHO_QUEUE.as_bytes());
        let Some(surbid) = request.surbid.filter(|_| sent && request.with_surb && asks_echo) else { return };
        if let Some(session) = self.sessions.get_mut(&app) {
            session.echoes = session.echoes.saturating_add(1);
        }
        let mut payload = request.payload.into_vec();
        let forward = usize::try_from(self.announced.sphinx.forward_payload_length).unwrap_or(usize::MAX);
        payload.resize(forward.max(payload.len()), 0);
        let reply = MessageReply {
            message_id: request.id,
            surbid: Some(surbid),
            payload: SecretBytes::from(payload),
            error_code: 0,
        };
        let at = self.now + self.config.timing.round_trip;
        let _ = self.schedule.add(at, Event::EchoReply(app, Box::new(reply)));
    }

    fn check_message(&self, app: AppId, request: &SendMessage, payload_len: usize) -> Result<(), String> {
        let max = self.config.user_forward_payload_length;
        let Some(destination) = request.destination_id_hash else {
            return Err("destination is missing".to_owned());
        };
        if request.recipient_queue_id.is_none() {
            return Err("recipient queue id is missing".to_owned());
        }
        if payload_len > max {
            return Err(format!("message too large: {payload_len} > {max}"));
        }
        if !self.network.has_service_node(destination) {
            return Err("destination is not in the document".to_owned());
        }
        if request.with_surb && request.surbid.is_none() {
            return Err("surbid is missing".to_owned());
        }
        let echoes = self.sessions.get(&app).map_or(0, |session| session.echoes);
        if echoes >= ECHOES_MAX { Err("too many messages".to_owned()) } else { Ok(()) }
    }

    /// Says whether a message has left, to the connection of the moment only.
    ///
    /// The reference has nothing to say about a message without a SURB id (Q-02, without its crash).
    pub(super) fn report_sent(&mut self, app: AppId, request: &SendMessage, sent: Result<(), String>) {
        if !request.with_surb || (request.surbid.is_none() && self.is_reference()) {
            return;
        }
        let eta = self.config.timing.round_trip.max(REPLY_ETA_MIN);
        let reply_eta = if sent.is_ok() { i64::try_from(eta.as_nanos()).unwrap_or(i64::MAX) } else { 0 };
        let unix_time = self.config.unix_time_at_origin.saturating_add(self.now.since_origin());
        let event = MessageSent {
            message_id: request.id,
            surbid: request.surbid,
            sent_at: unix_time.as_secs(),
            reply_eta,
            err: sent.err(),
            ..MessageSent::default()
        };
        self.deliver(app, AnyResponse::MessageSent(event));
    }

    pub(super) fn deliver_message(&mut self, app: AppId, reply: MessageReply) {
        if let Some(session) = self.sessions.get_mut(&app) {
            session.echoes = session.echoes.saturating_sub(1);
        }
        self.deliver(app, AnyResponse::MessageReply(reply));
    }
}
