//! Who may send a packet next (§9.1).

use std::ops::Bound;
use std::time::Duration;

use kpthin_bacap::MessageBoxIndex;
use kpthin_core::Instant;
use kpthin_core::wire::{
    AppId, Blob, QueryId, RequestKind, SecretBytes, SendMessage, StartResendingCopyCommand,
    StartResendingEncryptedMessage,
};

use super::conn::Work;
use super::event::Event;
use super::operation::{DESCRIPTOR_LEN_MAX, OpId};
use super::request::Refusal;
use super::schedule::Ticket;
use super::{ConnId, Devnet};
use crate::config::{Pacing, Timing};
use crate::entropy::SeededEntropy;
use crate::pigeonhole::Entropy;

/// Requests of one connection that wait in the reference daemon; one more blocks it.
const REFERENCE_QUEUE: usize = 16;
/// Requests of one session that wait in the instant daemon; one more is refused.
const INSTANT_QUEUE: usize = 4_096;

/// Slots are no longer on average.
const SLOT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// A request that needs the mix network.
#[derive(Debug)]
pub(super) enum Mixnet {
    Copy(Option<QueryId>, Box<StartResendingCopyCommand>),
    /// With the length that its payload came with.
    Message(Box<SendMessage>, usize),
    /// A frame without any request.
    Nothing,
    Start(Option<QueryId>, Box<StartResendingEncryptedMessage>),
}

impl Mixnet {
    /// Cuts what will be refused for its length when its turn comes to just too long, as frames may have 40 MiB.
    fn trim(&mut self, payload_max: usize) {
        match self {
            Self::Copy(..) | Self::Nothing => {}
            Self::Message(request, _) => trim_secret(&mut request.payload, payload_max),
            Self::Start(_, request) => {
                trim_secret(&mut request.envelope_descriptor, DESCRIPTOR_LEN_MAX);
                request
                    .message_box_index
                    .iter_mut()
                    .for_each(|index| trim_secret(index, MessageBoxIndex::LEN));
                if let Some(kept) = request.message_ciphertext.get(..=payload_max) {
                    request.message_ciphertext = Blob::from(kept);
                }
            }
        }
    }
}

fn trim_secret(bytes: &mut SecretBytes, len_max: usize) {
    if let Some(kept) = bytes.get(..=len_max) {
        *bytes = SecretBytes::from(kept);
    }
}

/// A request in the queue of its connection.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) conn: ConnId,
    pub(super) app: AppId,
    pub(super) request: Mixnet,
}

/// The rhythm of packets: one in each slot, or all at once.
#[derive(Debug)]
pub(super) struct Slots {
    next: Option<Ticket>,
    /// Sessions take turns.
    last: Option<AppId>,
    /// Of its own, so that nothing else depends on the pacing.
    entropy: SeededEntropy,
}

impl Slots {
    pub(super) const fn new(seed: [u8; 32]) -> Self {
        Self { next: None, last: None, entropy: SeededEntropy::new(seed) }
    }

    /// When the next packet may leave, if none has been planned.
    ///
    /// It makes no difference that nothing is planned while there is nothing to send: decoys use those slots, and how
    /// long a Poisson process still takes does not depend on how long it took already.
    fn next_at(&mut self, now: Instant, timing: &Timing) -> Instant {
        match timing.pacing {
            Pacing::Even => next_slot(now, timing.send_slot),
            Pacing::Poisson if timing.send_slot.is_zero() => now,
            Pacing::Poisson => now + exponential(timing.send_slot, self.entropy.draw()),
        }
    }
}

enum Packet {
    New(Queued),
    Resend(OpId),
}

impl Devnet {
    pub(super) fn enqueue(&mut self, conn: ConnId, app: AppId, mut request: Mixnet) {
        request.trim(self.config.user_forward_payload_length);
        let queued = Queued { conn, app, request };
        let Some(session) = self.sessions.get_mut(&app) else { return };
        let mine = session.queue.iter().filter(|queued| queued.conn == conn).count();
        if !self.is_reference() {
            if mine < INSTANT_QUEUE {
                self.push_queued(queued);
            } else {
                self.refuse_queued(queued);
            }
        } else if mine < REFERENCE_QUEUE {
            self.push_queued(queued);
        } else if let Some(conn) = self.conns.get_mut(&conn) {
            conn.work = Work::Blocked(queued);
        }
    }

    fn push_queued(&mut self, queued: Queued) {
        if let Some(session) = self.sessions.get_mut(&queued.app) {
            session.queue.push_back(queued);
        }
    }

    fn refuse_queued(&mut self, queued: Queued) {
        match queued.request {
            Mixnet::Copy(query_id, _) => {
                let kind = RequestKind::StartResendingCopyCommand;
                self.refuse(queued.app, query_id, kind, Refusal::INTERNAL_ERROR);
            }
            Mixnet::Message(request, _) => {
                self.report_sent(queued.app, &request, Err("too many messages".to_owned()))
            }
            Mixnet::Nothing => {}
            Mixnet::Start(query_id, _) => {
                let kind = RequestKind::StartResendingEncryptedMessage;
                self.refuse(queued.app, query_id, kind, Refusal::INTERNAL_ERROR);
            }
        }
    }

    /// Plans the next packet if there is one and the network is there.
    pub(super) fn arrange_slot(&mut self) {
        if self.slots.next.is_none() && self.mixnet && self.has_document() && self.next_sender().is_some() {
            let at = self.slots.next_at(self.now, &self.config.timing);
            self.slots.next = Some(self.schedule.add(at, Event::Slot));
        }
    }

    /// Sends the next packet.
    pub(super) fn use_slot(&mut self) {
        self.slots.next = None;
        if !self.mixnet {
            return;
        }
        let packet = self.next_packet();
        self.traffic.packets += u64::from(packet.is_some());
        match packet {
            Some(Packet::New(queued)) => {
                let conn = queued.conn;
                self.release(queued);
                self.unblock(conn);
            }
            Some(Packet::Resend(op)) => self.send_packet(op),
            None => {}
        }
    }

    /// The plan for the next packet is void when the daemon is started anew.
    pub(super) fn forget_slot(&mut self) {
        (self.slots.next, self.slots.last) = (None, None);
    }

    fn next_packet(&mut self) -> Option<Packet> {
        let app = self.next_sender()?;
        self.slots.last = Some(app);
        let session = self.sessions.get_mut(&app)?;
        if let Some(op) = session.resends.pop_front() {
            return Some(Packet::Resend(op));
        }
        session.queue.pop_front().map(Packet::New)
    }

    /// The session whose turn it is among those with something to send.
    fn next_sender(&self) -> Option<AppId> {
        let reference = self.is_reference();
        let after = self.slots.last.map_or(Bound::Unbounded, Bound::Excluded);
        let later = self.sessions.range((after, Bound::Unbounded));
        later.chain(self.sessions.iter()).find_map(|(app, session)| {
            let has_packets = !session.resends.is_empty() || !session.queue.is_empty();
            (has_packets && !(reference && session.is_away())).then_some(*app)
        })
    }

    fn release(&mut self, queued: Queued) {
        match queued.request {
            Mixnet::Copy(query_id, request) => self.start_copy(queued.app, query_id, &request),
            Mixnet::Message(request, len) => self.send_message(queued.app, *request, len),
            Mixnet::Nothing => {}
            Mixnet::Start(query_id, request) => self.start_operation(queued.app, query_id, *request),
        }
    }

    /// Lets the connections go on that wait for a place in a queue which is there no more.
    pub(super) fn unblock_all(&mut self, app: AppId) {
        let blocked = self.conns.iter_mut().filter(|(_, conn)| match &conn.work {
            Work::Blocked(queued) => queued.app == app,
            Work::Idle | Work::Local(_) | Work::Rest(_) => false,
        });
        let freed = blocked.map(|(id, conn)| {
            conn.work = Work::Idle;
            *id
        });
        for conn in freed.collect::<Vec<_>>() {
            self.pump(conn);
        }
    }

    /// Lets a connection go on whose request found no place before.
    fn unblock(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if !matches!(conn.work, Work::Blocked(_)) {
            return;
        }
        if let Work::Blocked(queued) = std::mem::replace(&mut conn.work, Work::Idle) {
            self.push_queued(queued);
            self.pump(id);
        }
    }
}

/// Slots lie on a fixed grid, as if decoys used those in which there is nothing to send.
fn next_slot(now: Instant, interval: Duration) -> Instant {
    let (nanos, interval) = (now.since_origin().as_nanos(), interval.as_nanos());
    let Some(passed) = nanos.checked_div(interval) else { return now };
    let next = passed.saturating_add(1).saturating_mul(interval);
    Instant::from_origin(Duration::from_nanos(u64::try_from(next).unwrap_or(u64::MAX)))
}

/// An exponentially distributed time with this mean, a day at most; 23 times the mean is the longest.
fn exponential(mean: Duration, random: [u8; 4]) -> Duration {
    let share = (f64::from(u32::from_le_bytes(random)) + 1.0) / (f64::from(u32::MAX) + 1.0);
    mean.min(SLOT_MAX).mul_f64(-share.ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_slots_have_their_mean_and_are_often_short() {
        let mut slots = Slots::new([7; 32]);
        let mut timing = crate::config::DevnetConfig::reference().timing;
        timing.send_slot = Duration::from_secs(3);
        let waits: Vec<_> = (0..4_000)
            .map(|_| slots.next_at(Instant::ORIGIN, &timing).since_origin().as_secs_f64())
            .collect();
        let mean = waits.iter().sum::<f64>() / 4_000.0;
        assert!((2.85..3.15).contains(&mean), "{mean}");
        // 1 - 1/e of an exponential distribution lies below its mean.
        let short = waits.iter().filter(|wait| **wait < 3.0).count();
        assert!((2_450..2_610).contains(&short), "{short}");
        assert_eq!(exponential(Duration::from_secs(1), [255; 4]), Duration::ZERO);
        assert!(exponential(Duration::from_secs(1), [0; 4]) < Duration::from_secs(23));
        assert!(exponential(Duration::MAX, [0; 4]) < SLOT_MAX * 23);
    }

    #[test]
    fn slots_lie_on_a_grid() {
        let at = |millis| Instant::from_origin(Duration::from_millis(millis));
        let second = Duration::from_secs(1);
        assert_eq!(
            [0, 1, 999, 1_000].map(|now| next_slot(at(now), second)),
            [1_000, 1_000, 1_000, 2_000].map(at)
        );
        assert_eq!(next_slot(at(17), Duration::ZERO), at(17));
    }
}
