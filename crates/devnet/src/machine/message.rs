//! Messages to services, from the daemon's point of view (§4.4).

use std::time::Duration;

use kpthin_core::wire::{AnyResponse, AppId, MessageReply, MessageSent, QueueId, SecretBytes, SendMessage};

use super::sessions::Oddity;
use super::{Devnet, lend};

/// What an instant reply is announced with, since 0 means that there will be none.
const REPLY_ETA_MIN: Duration = Duration::from_millis(1);

impl Devnet {
    /// Sends a message, or says why not; without a SURB there is no word in either case.
    pub(super) fn send_message(&mut self, app: AppId, request: SendMessage, oddity: Oddity) {
        let checked = self.check_message(app, &request, oddity);
        let sent = checked.is_ok();
        let crashes = self.config.quirks.crash_on_missing_surb;
        if crashes && request.with_surb && request.surbid.is_none() && !self.is_destined(&request) {
            self.process.crash_soon(lend!(self));
        }
        self.report_sent(app, &request, checked);
        let Some(surbid) = request.surbid.filter(|_| sent && request.with_surb) else { return };
        let mut payload = request.payload.into_vec();
        let forward = usize::try_from(self.announced.sphinx.forward_payload_length).unwrap_or(usize::MAX);
        payload.resize(forward.max(payload.len()), 0);
        let reply = MessageReply {
            message_id: request.id,
            surbid: Some(surbid),
            payload: SecretBytes::from(payload),
            error_code: 0,
        };
        self.network.send_message(lend!(self), app, request.recipient_queue_id.as_ref(), reply);
    }

    fn check_message(&self, app: AppId, request: &SendMessage, oddity: Oddity) -> Result<(), String> {
        let (len, max) = (oddity.payload_len, self.config.user_forward_payload_length);
        let Some(destination) = request.destination_id_hash else {
            return Err("destination is missing".to_owned());
        };
        if let Some(len) = oddity.queue_len {
            let max = QueueId::LEN_MAX;
            return Err(format!("recipient queue id of {len} bytes: it has to have 1 to {max}"));
        }
        if request.recipient_queue_id.is_none() {
            return Err("recipient queue id is missing".to_owned());
        }
        if len > max {
            return Err(format!("message too large: {len} > {max}"));
        }
        if !self.network.has_service_node(destination) {
            return Err("destination is not in the document".to_owned());
        }
        if request.with_surb && request.surbid.is_none() {
            return Err("surbid is missing".to_owned());
        }
        if self.network.takes_message(app) { Ok(()) } else { Err("too many messages".to_owned()) }
    }

    /// Whether there is a node that a message could go to.
    fn is_destined(&self, request: &SendMessage) -> bool {
        request.destination_id_hash.is_some_and(|hash| self.network.has_service_node(hash))
    }

    /// Says whether a message has left, to the connection of the moment only.
    ///
    /// The reference has nothing to say about a message without a SURB id that could otherwise have been sent.
    pub(super) fn report_sent(&mut self, app: AppId, request: &SendMessage, sent: Result<(), String>) {
        let quirks = &self.config.quirks;
        let silent = request.surbid.is_none() && self.is_destined(request) && quirks.crash_on_missing_surb;
        if !request.with_surb || silent {
            return;
        }
        let eta = self.config.timing.round_trip.max(REPLY_ETA_MIN);
        let reply_eta = if sent.is_ok() { i64::try_from(eta.as_nanos()).unwrap_or(i64::MAX) } else { 0 };
        let routes = request.destination_id_hash.filter(|_| sent.is_ok() && quirks.routes);
        let [forward_route, return_route] = match routes.map(|to| self.network.routes(to)) {
            Some(routes) => routes.map(Some),
            None => [None, None],
        };
        let empty = (sent.is_ok() && quirks.empty_err).then(String::new);
        let unix_time = self.config.unix_time_at_origin.saturating_add(self.now.since_origin());
        let event = MessageSent {
            message_id: request.id,
            surbid: request.surbid,
            sent_at: unix_time.as_secs(),
            reply_eta,
            err: sent.err().or(empty),
            forward_route,
            return_route,
        };
        self.deliver(app, AnyResponse::MessageSent(event));
    }
}
