//! The way of an operation's packets: to the courier, to the replicas, and back (§9.2, §9.3).

use std::sync::Arc;
use std::time::Duration;

use kpthin_core::wire::SecretBytes;

use super::arq::{Action, Goal, decide};
use super::event::Event;
use super::operation::{OpId, Operation, Target, Wait};
use super::{Devnet, Process};
use crate::network::{Courier, malformed};
use crate::pigeonhole::boxes::{self, BoxContent, ReadError};
use crate::pigeonhole::descriptor::{Descriptor, ReplyError};
use crate::pigeonhole::messages::{
    CopyReply, CourierEnvelope, CourierQuery, EnvelopeReply, Message, ReplicaCode, ReplyInnerMessage,
};
use crate::pigeonhole::replica::Push;

/// What the estimated round trip is prolonged by before a packet counts as lost (§9.3).
const RETRANSMISSION_SLACK: Duration = Duration::from_secs(20);

const INTERNAL_ERROR: u8 = 4;
const TOMBSTONE: u8 = 11;
const MKEM_DECRYPTION_FAILED: u8 = 22;
const BACAP_DECRYPTION_FAILED: u8 = 23;
const INVALID_TOMBSTONE_SIGNATURE: u8 = 25;

/// What comes back from a courier.
#[derive(Debug)]
pub(super) enum CourierReply {
    Copy(CopyReply),
    Envelope(EnvelopeReply),
    /// A reply of the other kind, which nobody asked for here.
    WrongType,
}

/// What a payload means for its operation.
enum Verdict {
    Finish(u8, Option<SecretBytes>),
    Poll,
}

impl Devnet {
    /// Sends an operation's envelope, or sends it again.
    pub(super) fn send_packet(&mut self, id: OpId) {
        let round_trip = self.config.timing.round_trip;
        let (lost, delay) = (self.strikes(self.faults.loss), self.delay());
        let Some(operation) = self.operations.get_mut(&id) else { return };
        operation.packets = operation.packets.saturating_add(1);
        let timeout = self.schedule.add(self.now + round_trip + RETRANSMISSION_SLACK, Event::Resend(id));
        let packet = match lost {
            true => timeout,
            false => self.schedule.add(self.now + round_trip / 2 + delay, Event::AtCourier(id)),
        };
        operation.wait = Wait::Packet { packet, timeout };
    }

    pub(super) fn reach_courier(&mut self, id: OpId) {
        let Some(operation) = self.operations.get(&id) else { return };
        let number = operation.courier;
        let reply = match CourierQuery::decode(&operation.ciphertext) {
            Ok(CourierQuery::Envelope(envelope)) => {
                CourierReply::Envelope(self.ask_courier(number, envelope))
            }
            Ok(CourierQuery::Copy(write_cap)) if operation.goal() == Goal::Copy => {
                let hash = *operation.hash.as_bytes();
                match self.network.copy(self.now, number, hash, &write_cap) {
                    Some(answer) => {
                        if answer.begins {
                            self.plan_copy(number, hash, Duration::ZERO);
                        }
                        CourierReply::Copy(answer.reply)
                    }
                    None => CourierReply::WrongType,
                }
            }
            Ok(CourierQuery::Copy(_)) => CourierReply::WrongType,
            Err(_) => CourierReply::Envelope(malformed()),
        };
        if self.strikes(self.faults.reply_loss) {
            return;
        }
        let way_back = self.config.timing.round_trip.saturating_sub(self.config.timing.round_trip / 2);
        let delay = self.delay();
        let back = self.schedule.add(self.now + way_back + delay, Event::Reply(id, Box::new(reply)));
        if let Some(Operation { wait: Wait::Packet { packet, .. }, .. }) = self.operations.get_mut(&id) {
            *packet = back;
        }
    }

    fn ask_courier(&mut self, number: usize, envelope: CourierEnvelope) -> EnvelopeReply {
        let (now, epoch) = (self.now, self.network.replica_epoch());
        if self.strikes(self.faults.stale_epoch) {
            return Courier::refuse_epoch(&envelope);
        }
        let Some(courier) = self.network.courier(number) else { return malformed() };
        let answer = courier.handle_query(now, epoch, &envelope);
        if answer.dispatch {
            let envelope = Arc::new(envelope);
            for slot in 0..envelope.replicas.len() {
                let event = Event::AtReplica { courier: number, slot, envelope: Arc::clone(&envelope) };
                let _ = self.schedule.add(now + self.config.timing.replica_time, event);
            }
        }
        answer.reply
    }

    pub(super) fn reach_replica(&mut self, courier: usize, slot: usize, envelope: &CourierEnvelope) {
        let Some(number) = envelope.replicas.get(slot).copied() else { return };
        let epoch = self.network.replica_epoch();
        let replicas = &mut self.network.replicas;
        if !replicas.answers(number) {
            let _ = self.strikes_if(true);
            return;
        }
        let (reply, push) = replicas.handle_envelope(number, envelope, epoch, &mut self.entropy);
        let _ = self.strikes_if(reply.code == ReplicaCode::STORAGE_FULL);
        if let Some(courier) = self.network.courier(courier) {
            courier.handle_replica(envelope.hash(), slot, reply);
        }
        if let Some(push) = push {
            self.plan_push(push);
        }
    }

    pub(super) fn plan_push(&mut self, push: Push) {
        let lag = self.faults.replication_lag;
        let _ = self.strikes_if(!lag.is_zero());
        let _ = self.schedule.add(self.now + self.config.timing.replica_time + lag, Event::Replicate(push));
    }

    /// Puts an operation in the line of those to be sent again.
    pub(super) fn queue_resend(&mut self, id: OpId) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let (wait, app) = (std::mem::replace(&mut operation.wait, Wait::Turn), operation.app);
        self.stop_waiting(id, &wait, app);
        if let Some(session) = self.sessions.get_mut(&app) {
            session.resends.push_back(id);
        }
    }

    pub(super) fn handle_reply(&mut self, id: OpId, reply: CourierReply) {
        let Some(operation) = self.operations.get_mut(&id) else { return };
        let (wait, app) = (std::mem::replace(&mut operation.wait, Wait::Orphaned), operation.app);
        self.stop_waiting(id, &wait, app);
        let away = self.sessions.get(&app).is_none_or(super::session::Session::is_away);
        // The reference has stopped the timer before it finds that there is nobody to answer (§3.7).
        let loses = away && (self.is_reference() || self.strikes_if(self.faults.lost_results));
        if self.process != Process::Running || loses || self.strikes(self.faults.unanswered) {
            return;
        }
        if let CourierReply::Copy(reply) = reply {
            return self.handle_copy_reply(id, reply);
        }
        let CourierReply::Envelope(reply) = reply else {
            // The reference lets such an operation stall for ever (§9.7).
            if !self.is_reference() {
                self.finish(id, INTERNAL_ERROR, None);
            }
            return;
        };
        let Some(operation) = self.operations.get(&id) else { return };
        match decide(operation.goal(), reply.reply_type, reply.error) {
            Action::Finish(code) => self.finish(id, code, None),
            Action::Payload if self.config.timing.open_time.is_zero() => {
                self.finish_opening(id, &reply.payload)
            }
            Action::Payload => {
                let at = self.now + self.config.timing.open_time;
                let opened = self.schedule.add(at, Event::Opened(id, reply.payload));
                if let Some(operation) = self.operations.get_mut(&id) {
                    operation.wait = Wait::Opening(opened);
                }
            }
            Action::Resend => self.send_again(id),
        }
    }

    pub(super) fn finish_opening(&mut self, id: OpId, payload: &[u8]) {
        match self.open_payload(id, payload) {
            Verdict::Finish(code, plaintext) => self.finish(id, code, plaintext),
            Verdict::Poll if self.operations.get(&id).is_some_and(|operation| operation.cancelled) => {
                drop(self.take_operation(id));
            }
            Verdict::Poll => self.send_again(id),
        }
    }

    /// Sends an operation again, at once the first time and after a pause from then on.
    fn send_again(&mut self, id: OpId) {
        let pause = self.config.timing.poll_interval;
        let Some(operation) = self.operations.get_mut(&id) else { return };
        if operation.packets < 2 || pause.is_zero() {
            return self.queue_resend(id);
        }
        operation.wait = Wait::Pause(self.schedule.add(self.now + pause, Event::Resend(id)));
    }

    /// Opens what a replica answered (Pigeonhole backend §9).
    fn open_payload(&mut self, id: OpId, payload: &[u8]) -> Verdict {
        let Some(operation) = self.operations.get(&id) else {
            return Verdict::Finish(INTERNAL_ERROR, None);
        };
        let Ok(descriptor) = Descriptor::from_bytes(&operation.descriptor) else {
            return Verdict::Finish(INTERNAL_ERROR, None);
        };
        let epoch = descriptor.replica_epoch;
        let keys =
            descriptor.replicas.iter().filter_map(|replica| self.network.envelope_key(*replica, epoch));
        let mut reply = match descriptor.open_reply(&keys.collect::<Vec<_>>(), payload) {
            Ok(reply) => reply,
            Err(ReplyError::Decrypt) => return Verdict::Finish(MKEM_DECRYPTION_FAILED, None),
            Err(ReplyError::Malformed) => return Verdict::Finish(INTERNAL_ERROR, None),
        };
        self.damage(&mut reply);
        match self.operations.get(&id) {
            Some(operation) => judge(operation, reply),
            None => Verdict::Finish(INTERNAL_ERROR, None),
        }
    }
}

/// Decides what a replica's answer means for its operation.
fn judge(operation: &Operation, reply: ReplyInnerMessage) -> Verdict {
    match (&operation.target, reply) {
        (Target::Write { strict }, ReplyInnerMessage::Write(code)) => {
            let held_already = code == ReplicaCode::BOX_ALREADY_EXISTS && !strict;
            Verdict::Finish(if held_already { 0 } else { code.0 }, None)
        }
        (Target::Read { polls: true, .. }, ReplyInnerMessage::Read(ReplicaCode::BOX_ID_NOT_FOUND, _)) => {
            Verdict::Poll
        }
        (Target::Read { cap, index: Some(index), .. }, ReplyInnerMessage::Read(code, sealed)) => {
            match boxes::open(cap, index, code, &sealed) {
                Ok(BoxContent::Message(message)) => {
                    Verdict::Finish(0, Some(SecretBytes::from(message.as_slice())))
                }
                Ok(BoxContent::Tombstone) => Verdict::Finish(TOMBSTONE, None),
                Err(ReadError::Bacap) => Verdict::Finish(BACAP_DECRYPTION_FAILED, None),
                Err(ReadError::Padding) => Verdict::Finish(INTERNAL_ERROR, None),
                Err(ReadError::Replica(code)) => Verdict::Finish(code.0, None),
                Err(ReadError::TombstoneSignature) => Verdict::Finish(INVALID_TOMBSTONE_SIGNATURE, None),
            }
        }
        // The reference does not notice that it has nothing to verify the box with.
        (Target::Read { index: None, .. }, ReplyInnerMessage::Read(code, _)) => match code {
            ReplicaCode::SUCCESS => Verdict::Finish(BACAP_DECRYPTION_FAILED, None),
            code => Verdict::Finish(code.0, None),
        },
        (Target::Copy, _)
        | (Target::Write { .. }, ReplyInnerMessage::Read(..))
        | (Target::Read { .. }, ReplyInnerMessage::Write(_)) => Verdict::Finish(INTERNAL_ERROR, None),
    }
}
