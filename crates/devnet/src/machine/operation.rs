//! Operations: envelopes that are sent until they are answered, and their end (§4.7, §4.8, §9.2-9.5).

use kpthin_bacap::{MessageBoxIndex, ReadCap, WriteCap};
use kpthin_core::wire::{
    self, AnyReply, AppId, Blob, EnvelopeHash, FailureDetail, QueryId, QueueId, ReplyFailure, RequestKind,
    ResendingReply, SecretBytes, StartResendingCopyCommand, StartResendingEncryptedMessage, WriteCapHash,
};
use zeroize::Zeroizing;

use super::Devnet;
use super::arq::Goal;
use super::request::Refusal;
use super::schedule::Ticket;
use crate::network::COURIER_QUEUE;
use crate::pigeonhole::Entropy;
use crate::pigeonhole::messages::{CopyReply, CourierQuery, Message};

const KIND: RequestKind = RequestKind::StartResendingEncryptedMessage;
/// Operations of one session; the reference has no bound.
const OPERATIONS_MAX: usize = 4_096;
/// A descriptor has 201 bytes; the reference has no bound.
pub(super) const DESCRIPTOR_LEN_MAX: usize = 4_096;

/// Names an operation; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OpId(u64);

/// What an operation is for.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "reads are what there are many of")]
pub(super) enum Target {
    /// A temporary stream for a courier to carry out.
    Copy,
    /// A box to read; without an index nothing can be verified.
    Read { cap: ReadCap, index: Option<MessageBoxIndex>, polls: bool },
    /// A box to write.
    Write { strict: bool },
}

/// What an operation waits for.
#[derive(Debug)]
pub(super) enum Wait {
    /// What a replica answered is being opened.
    Opening(Ticket),
    /// Nothing any more: only a cancel ends it (§3.7).
    Orphaned,
    /// The reply to a packet, or the time to send another one.
    Packet { packet: Ticket, timeout: Ticket },
    /// The end of a pause.
    Pause(Ticket),
    /// Its turn to be sent.
    Turn,
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) app: AppId,
    query_id: QueryId,
    /// What a cancel finds it by: the envelope's hash, or that of the temporary stream's write capability.
    pub(super) hash: EnvelopeHash,
    pub(super) target: Target,
    pub(super) ciphertext: Blob,
    pub(super) descriptor: SecretBytes,
    pub(super) courier: usize,
    pub(super) packets: u32,
    pub(super) wait: Wait,
    /// A later operation has the same hash, and the reference finds only that one.
    pub(super) shadowed: bool,
    /// It was answered with the code for that while its result was being opened (§9.5).
    pub(super) cancelled: bool,
}

impl Operation {
    pub(super) const fn goal(&self) -> Goal {
        match self.target {
            Target::Copy => Goal::Copy,
            Target::Read { .. } => Goal::Read,
            Target::Write { strict: true } => Goal::StrictWrite,
            Target::Write { strict: false } => Goal::Write,
        }
    }
}

impl Operation {
    pub(super) const fn kind(&self) -> RequestKind {
        match self.target {
            Target::Copy => RequestKind::StartResendingCopyCommand,
            Target::Read { .. } | Target::Write { .. } => KIND,
        }
    }
}

impl Devnet {
    pub(super) fn start_operation(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        request: StartResendingEncryptedMessage,
    ) {
        if let Err(refusal) = self.try_start(app, query_id, request) {
            self.refuse(app, query_id, KIND, refusal);
        }
    }

    fn try_start(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        request: StartResendingEncryptedMessage,
    ) -> Result<(), Refusal> {
        let (query_id, hash) = query_id.zip(request.envelope_hash).ok_or(Refusal::INVALID_REQUEST)?;
        let descriptor_len = request.envelope_descriptor.len();
        if !(1..=DESCRIPTOR_LEN_MAX).contains(&descriptor_len) || request.message_ciphertext.is_empty() {
            return Err(Refusal::INVALID_REQUEST);
        }
        let target = self.target(&request)?;
        let (ciphertext, descriptor) = (request.message_ciphertext, request.envelope_descriptor);
        let courier = self.entropy.below(self.network.courier_count());
        self.add_operation(app, query_id, hash, target, ciphertext, descriptor, courier)
    }

    /// Starts a copy command; a courier is pinned by both of its names (§4.9).
    pub(super) fn start_copy(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        request: &StartResendingCopyCommand,
    ) {
        if let Err(refusal) = self.try_start_copy(app, query_id, request) {
            self.refuse(app, query_id, RequestKind::StartResendingCopyCommand, refusal);
        }
    }

    fn try_start_copy(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        request: &StartResendingCopyCommand,
    ) -> Result<(), Refusal> {
        let query_id = query_id.ok_or(Refusal::INVALID_REQUEST)?;
        let write_cap = request.write_cap.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
        let _ = WriteCap::from_bytes(write_cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
        let courier = match request.courier_identity_hash.zip(request.courier_queue_id.as_ref()) {
            Some((node, queue)) if queue.as_bytes() == COURIER_QUEUE.as_bytes() => {
                self.network.courier_of(node).ok_or(Refusal::INTERNAL_ERROR)?
            }
            Some(_) => return Err(Refusal::INTERNAL_ERROR),
            None => self.entropy.below(self.network.courier_count()),
        };
        let hash = EnvelopeHash::from(*WriteCapHash::of(write_cap).as_bytes());
        let query = CourierQuery::Copy(Zeroizing::new(write_cap.as_bytes().to_vec())).encode();
        self.add_operation(app, query_id, hash, Target::Copy, query.into(), SecretBytes::default(), courier)
    }

    #[expect(clippy::too_many_arguments, reason = "all that an operation is made of")]
    fn add_operation(
        &mut self,
        app: AppId,
        query_id: QueryId,
        hash: EnvelopeHash,
        target: Target,
        ciphertext: Blob,
        descriptor: SecretBytes,
        courier: usize,
    ) -> Result<(), Refusal> {
        let session = self.sessions.get_mut(&app).ok_or(Refusal::INTERNAL_ERROR)?;
        let fits = ciphertext.len() <= self.config.user_forward_payload_length;
        if !fits || session.operations >= OPERATIONS_MAX {
            return Err(Refusal::INTERNAL_ERROR);
        }
        session.operations = session.operations.saturating_add(1);
        self.operations
            .values_mut()
            .filter(|other| other.hash == hash)
            .for_each(|other| other.shadowed = true);

        let id = OpId(self.operations_made);
        self.operations_made = self.operations_made.wrapping_add(1);
        let operation = Operation {
            app,
            query_id,
            hash,
            target,
            ciphertext,
            descriptor,
            courier,
            packets: 0,
            wait: Wait::Turn,
            shadowed: false,
            cancelled: false,
        };
        drop(self.operations.insert(id, operation));
        self.send_packet(id);
        Ok(())
    }

    fn target(&self, request: &StartResendingEncryptedMessage) -> Result<Target, Refusal> {
        match (&request.read_cap, &request.write_cap) {
            (Some(cap), None) => {
                let cap = ReadCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
                let index = request.message_box_index.as_deref();
                let index = index.and_then(|index| MessageBoxIndex::from_bytes(index).ok());
                if index.is_none() && !self.is_reference() {
                    return Err(Refusal::INVALID_REQUEST);
                }
                Ok(Target::Read { cap, index, polls: !request.no_retry_on_box_id_not_found })
            }
            (None, Some(cap)) => {
                let _ = WriteCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
                Ok(Target::Write { strict: request.no_idempotent_box_already_exists })
            }
            (None, None) | (Some(_), Some(_)) => Err(Refusal::INVALID_REQUEST),
        }
    }

    /// Ends an operation: 0 with what was read, or a code.
    pub(super) fn finish(&mut self, id: OpId, code: u8, plaintext: Option<SecretBytes>) {
        if let Some(operation) = self.take_operation(id) {
            let app = operation.app;
            self.answer_start(app, &operation, operation.kind(), code, plaintext);
        }
    }

    /// Ends a copy command with what its courier says.
    pub(super) fn finish_copy(&mut self, id: OpId, code: u8, reply: CopyReply) {
        let Some(operation) = self.take_operation(id) else { return };
        let CopyReply { replica_code: replica_error_code, failed_envelope_index, .. } = reply;
        let result = match code {
            0 => Ok(AnyReply::StartResendingCopyCommand(wire::CopyReply {})),
            error_code => {
                let detail = FailureDetail::Copy { replica_error_code, failed_envelope_index };
                Err(ReplyFailure { error_code, detail })
            }
        };
        self.reply(operation.app, Some(operation.query_id), operation.kind(), result);
    }

    pub(super) fn answer_start(
        &mut self,
        app: AppId,
        operation: &Operation,
        kind: RequestKind,
        error_code: u8,
        plaintext: Option<SecretBytes>,
    ) {
        let courier_identity_hash = self.network.courier_hash(operation.courier);
        let courier_queue_id = QueueId::new(COURIER_QUEUE);
        let result = match (error_code, kind) {
            (0, RequestKind::StartResendingCopyCommand) => {
                Ok(AnyReply::StartResendingCopyCommand(wire::CopyReply {}))
            }
            (0, _) => {
                let reply = ResendingReply { plaintext, courier_identity_hash, courier_queue_id };
                Ok(AnyReply::StartResendingEncryptedMessage(reply))
            }
            (_, KIND) => {
                let detail = FailureDetail::Courier { courier_identity_hash, courier_queue_id };
                Err(ReplyFailure { error_code, detail })
            }
            _ => {
                let detail = FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 };
                Err(ReplyFailure { error_code, detail })
            }
        };
        self.reply(app, Some(operation.query_id), kind, result);
    }

    /// Removes an operation with everything that is planned for it.
    pub(super) fn take_operation(&mut self, id: OpId) -> Option<Operation> {
        let operation = self.operations.remove(&id)?;
        self.stop_waiting(id, &operation.wait, operation.app);
        if let Some(session) = self.sessions.get_mut(&operation.app) {
            session.operations = session.operations.saturating_sub(1);
        }
        Some(operation)
    }

    pub(super) fn stop_waiting(&mut self, id: OpId, wait: &Wait, app: AppId) {
        match *wait {
            Wait::Orphaned => {}
            Wait::Packet { packet, timeout } => {
                drop(self.schedule.remove(packet));
                drop(self.schedule.remove(timeout));
            }
            Wait::Opening(ticket) | Wait::Pause(ticket) => drop(self.schedule.remove(ticket)),
            Wait::Turn => {
                if let Some(session) = self.sessions.get_mut(&app) {
                    session.resends.retain(|resend| *resend != id);
                }
            }
        }
    }
}
