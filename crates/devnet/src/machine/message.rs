//! Messages to services, from the daemon's point of view (§4.4).

use std::time::Duration;

use kpthin_core::wire::{
    AnyResponse, AppId, IdentityHash, MessageReply, MessageSent, QueueId, SecretBytes, SendMessage, Surb,
};

use super::sessions::Oddity;
use super::{Devnet, lend};
use crate::frames::NoQueue;

/// What an instant reply is announced with, since 0 means that there will be none.
const REPLY_ETA_MIN: Duration = Duration::from_millis(1);

impl Devnet {
    /// Sends a message, or says why not; without a SURB there is no word in either case.
    pub(super) fn send_message(&mut self, app: AppId, request: SendMessage, oddity: Oddity) {
        let checked = self.check_message(app, &request, oddity);
        let sent = checked.is_ok();
        let crashes = self.config.quirks.crash_on_missing_surb;
        if crashes && request.surb == Surb::Unnamed && !self.is_destined(&request, oddity) {
            self.process.crash_soon(lend!(self));
        }
        self.report_sent(app, &request, oddity, checked);
        let Some(surbid) = request.surb.id().filter(|_| sent) else { return };
        let mut payload = request.payload.into_vec();
        let forward = usize::try_from(self.announced.sphinx.forward_payload_length).unwrap_or(usize::MAX);
        payload.resize(forward.max(payload.len()), 0);
        let reply = MessageReply {
            message_id: request.id,
            surbid: Some(surbid),
            payload: SecretBytes::from(payload),
            error_code: 0,
        };
        self.network.send_message(lend!(self), app, &request.recipient_queue_id, reply);
    }

    fn check_message(&self, app: AppId, request: &SendMessage, oddity: Oddity) -> Result<(), String> {
        let (len, max) = (oddity.payload_len, self.config.user_forward_payload_length);
        let Some(destination) = destination(request, oddity) else {
            return Err("destination is missing".to_owned());
        };
        match oddity.gaps.queue {
            Some(NoQueue::Length(len)) => {
                let max = QueueId::LEN_MAX;
                return Err(format!("recipient queue id of {len} bytes: it has to have 1 to {max}"));
            }
            Some(NoQueue::Missing) => return Err("recipient queue id is missing".to_owned()),
            None => {}
        }
        if len > max {
            return Err(format!("message too large: {len} > {max}"));
        }
        if !self.network.has_service_node(destination) {
            return Err("destination is not in the document".to_owned());
        }
        if request.surb == Surb::Unnamed {
            return Err("surbid is missing".to_owned());
        }
        if self.network.takes_message(app) { Ok(()) } else { Err("too many messages".to_owned()) }
    }

    /// Whether there is a node that a message could go to.
    fn is_destined(&self, request: &SendMessage, oddity: Oddity) -> bool {
        destination(request, oddity).is_some_and(|hash| self.network.has_service_node(hash))
    }

    /// Says whether a message has left, to the connection of the moment only.
    ///
    /// The reference has nothing to say about a message without a SURB id that could otherwise have been sent.
    pub(super) fn report_sent(
        &mut self,
        app: AppId,
        request: &SendMessage,
        oddity: Oddity,
        sent: Result<(), String>,
    ) {
        let quirks = &self.config.quirks;
        let silent = request.surb == Surb::Unnamed
            && self.is_destined(request, oddity)
            && quirks.crash_on_missing_surb;
        if request.surb == Surb::None || silent {
            return;
        }
        let eta = self.config.timing.round_trip.max(REPLY_ETA_MIN);
        let reply_eta = if sent.is_ok() { i64::try_from(eta.as_nanos()).unwrap_or(i64::MAX) } else { 0 };
        let routes = destination(request, oddity).filter(|_| sent.is_ok() && quirks.routes);
        let [forward_route, return_route] = match routes.map(|to| self.network.routes(to)) {
            Some(routes) => routes.map(Some),
            None => [None, None],
        };
        let empty = (sent.is_ok() && quirks.empty_err).then(String::new);
        let unix_time = self.config.unix_time_at_origin.saturating_add(self.now.since_origin());
        let event = MessageSent {
            message_id: request.id,
            surbid: request.surb.id(),
            sent_at: unix_time.as_secs(),
            reply_eta,
            err: sent.err().or(empty),
            forward_route,
            return_route,
        };
        self.deliver(app, AnyResponse::MessageSent(event));
    }
}

/// Where a message goes, if it says so.
fn destination(request: &SendMessage, oddity: Oddity) -> Option<IdentityHash> {
    (!oddity.gaps.destination).then_some(request.destination_id_hash)
}
