//! Messages to services, and their replies (§4.4, Pigeonhole backend §10).

use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::wire::{AppId, IdentityHash, MessageReply, QueueId};

use super::document::ECHO_QUEUE;
use super::packets::Due;
use super::{Arrival, Network};
use crate::env::Env;
use crate::services::ServiceKind;

/// Messages of one session whose reply is under way; the reference has no bound.
const UNDER_WAY_MAX: usize = 4_096;
/// For so long beyond the expected round trip the daemon remembers a message: three layers of mixes (§4.4).
const SURB_SLACK: Duration = Duration::from_millis(4_500);

impl Network {
    /// Whether a service node has this name in the protocol.
    pub(crate) fn has_service_node(&self, hash: IdentityHash) -> bool {
        self.courier_of(hash).is_some()
    }

    /// Whether a session may send another message.
    pub(crate) fn takes_message(&self, app: AppId) -> bool {
        self.messages.get(&app).copied().unwrap_or(0) < UNDER_WAY_MAX
    }

    /// The nodes on the way to a service node, and on the way back.
    pub(crate) fn routes(&self, to: IdentityHash) -> [Vec<String>; 2] {
        self.directory.routes(to)
    }

    /// Sends a message to a service, whose reply comes back in time, if it is one that replies.
    pub(crate) fn send_message(
        &mut self,
        env: &mut Env<'_>,
        app: AppId,
        queue: &QueueId,
        reply: MessageReply,
    ) {
        let queue = queue.as_bytes();
        let services = &env.config.services;
        let service = services.iter().find(|service| service.queue().as_bytes() == queue);
        let answers = queue == ECHO_QUEUE.as_bytes()
            || service.is_some_and(|service| service.kind() == ServiceKind::Echo);
        if !answers {
            return;
        }
        let under_way = self.messages.entry(app).or_default();
        *under_way = under_way.saturating_add(1);
        let expected = env.now + env.timing().round_trip;
        let forgotten_at = env.quirks().forgotten_surbs.then_some(expected + SURB_SLACK);
        let arrival = Arrival::Message { app, reply: Box::new(reply), forgotten_at };
        self.schedule.add(expected + env.injector.delay(), Due::Back(arrival));
    }

    /// Gives the replies that are under way to another session.
    pub(crate) fn hand_over_messages(&mut self, from: AppId, to: AppId) {
        let Some(count) = self.messages.remove(&from) else { return };
        let under_way = self.messages.entry(to).or_default();
        *under_way = under_way.saturating_add(count);
        let scheduled = self.schedule.events_mut().filter_map(|due| match due {
            Due::Back(arrival) => Some(arrival),
            _ => None,
        });
        for arrival in scheduled.chain(&mut self.uplink.held) {
            if let Arrival::Message { app, .. } = arrival
                && *app == from
            {
                *app = to;
            }
        }
    }

    /// Takes note that a reply has arrived, and tells whether the daemon still knows what it answers.
    pub(super) fn message_arrived(
        &mut self,
        env: &Env<'_>,
        app: AppId,
        forgotten_at: Option<Instant>,
    ) -> bool {
        if let Some(count) = self.messages.get_mut(&app) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.messages.remove(&app);
            }
        }
        forgotten_at.is_none_or(|at| env.now <= at)
    }
}
