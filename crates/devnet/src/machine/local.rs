//! What the daemon answers alone, in the order it was asked (§4.5, §4.6, §4.8, §4.10-4.13).

use std::num::NonZero;
use std::time::Duration;

use kpthin_bacap as bacap;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AppId, Blob, CounterReply, DirectoryAuthorities, EncryptRead, EncryptReply,
    EncryptWrite, EnvelopeHash, FailureDetail, GetPkiDocument, IndexReply, KeypairReply, MessageBoxIndex,
    NewKeypair, PkiDocumentReply, QueryId, ReadCap, ReplyFailure, RequestKind, SecretBytes, WriteCap,
};

use super::conn::Work;
use super::event::Event;
use super::packing::TOMBSTONES_MAX;
use super::request::Refusal;
use super::schedule::Ticket;
use super::vouchers::{voucher_open, voucher_stream};
use super::{ConnId, Devnet};
use crate::config::Timing;
use crate::pigeonhole::boxes;
use crate::pigeonhole::envelope::{Envelope, Recipient};
use crate::pigeonhole::messages::InnerMessage;
use crate::pigeonhole::sharding::intermediates;

/// A local call that takes its time, and when it is done.
#[derive(Debug)]
pub(super) struct LocalCall {
    pub(super) ticket: Ticket,
    app: AppId,
    query_id: Option<QueryId>,
    request: Box<AnyRequest>,
}

impl Devnet {
    /// Answers a local call, at once or when it is done; until then its connection does nothing else.
    pub(super) fn handle_local(
        &mut self,
        id: ConnId,
        app: AppId,
        query_id: Option<QueryId>,
        request: AnyRequest,
    ) {
        self.traffic.count(&request);
        let time = self.local_time(&request);
        if time.is_zero() {
            return self.answer_local(app, query_id, &request);
        }
        let ticket = self.schedule.add(self.now + time, Event::LocalDone(id));
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.work = Work::Local(LocalCall { ticket, app, query_id, request: Box::new(request) });
        }
    }

    /// What a local call costs: a seal for each box, key agreement for each voucher, nothing else worth counting.
    fn local_time(&self, request: &AnyRequest) -> Duration {
        let Timing { encrypt_time, group_action, .. } = self.config.timing;
        let boxes = |payload: &SecretBytes| {
            let chunk = self.geometry.copy_payload().map_or(usize::MAX, NonZero::get);
            payload.len().div_ceil(chunk)
        };
        let seals = match request {
            AnyRequest::EncryptRead(_) | AnyRequest::EncryptWrite(_) => 1,
            AnyRequest::CreateCourierEnvelopesFromPayload(request) => boxes(&request.payload),
            AnyRequest::CreateCourierEnvelopesFromMultiPayload(request) => {
                request.destinations.iter().map(|to| boxes(&to.payload)).sum()
            }
            AnyRequest::CreateCourierEnvelopesFromTombstoneRange(request) => {
                // Others are refused, which costs nothing.
                let count = Some(request.max_count).filter(|count| *count <= TOMBSTONES_MAX);
                usize::try_from(count.unwrap_or(0)).unwrap_or(usize::MAX)
            }
            AnyRequest::VoucherMint(_) => return group_action.saturating_mul(3) / 2,
            AnyRequest::VoucherOpen(_) => return group_action,
            AnyRequest::VoucherInduct(_) => return group_action.saturating_mul(2),
            _ => 0,
        };
        encrypt_time.saturating_mul(u32::try_from(seals).unwrap_or(u32::MAX))
    }

    pub(super) fn finish_local(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(&id) else { return };
        if let Work::Local(call) = std::mem::replace(&mut conn.work, Work::Idle) {
            self.answer_local(call.app, call.query_id, &call.request);
            self.pump(id);
        }
    }

    fn answer_local(&mut self, app: AppId, query_id: Option<QueryId>, request: &AnyRequest) {
        if self.strikes(self.faults.unanswered_local) {
            return;
        }
        let kind = request.kind();
        let result = match request {
            AnyRequest::CancelResendingCopyCommand(request) => {
                let hash = request.write_cap_hash.map(|hash| *hash.as_bytes());
                return self.answer_cancel(app, query_id, kind, hash);
            }
            AnyRequest::CancelResendingEncryptedMessage(request) => {
                let hash = request.envelope_hash.map(|hash| *hash.as_bytes());
                return self.answer_cancel(app, query_id, kind, hash);
            }
            AnyRequest::GetPkiDocument(request) => {
                let result = self.pki_document(request);
                return self.reply(app, query_id, kind, result);
            }
            AnyRequest::CreateCourierEnvelopesFromMultiPayload(request) => {
                self.pack_multi_payload(request).map(AnyReply::CreateCourierEnvelopesFromMultiPayload)
            }
            AnyRequest::CreateCourierEnvelopesFromPayload(request) => {
                self.pack_payload(request).map(AnyReply::CreateCourierEnvelopesFromPayload)
            }
            AnyRequest::CreateCourierEnvelopesFromTombstoneRange(request) => {
                self.pack_tombstones(request).map(AnyReply::CreateCourierEnvelopesFromTombstoneRange)
            }
            AnyRequest::EncryptRead(request) => self.encrypt_read(request).map(AnyReply::EncryptRead),
            AnyRequest::EncryptWrite(request) => self.encrypt_write(request).map(AnyReply::EncryptWrite),
            AnyRequest::GetDirectoryAuthorities(_) => {
                let authorities = self.network.authorities();
                Ok(AnyReply::GetDirectoryAuthorities(DirectoryAuthorities { authorities }))
            }
            AnyRequest::GetMessageBoxIndexCounter(request) => {
                let index = request.message_box_index.as_ref().ok_or(Refusal::INVALID_REQUEST);
                index.map(|index| {
                    AnyReply::GetMessageBoxIndexCounter(CounterReply { counter: index.counter() })
                })
            }
            AnyRequest::NewKeypair(request) => new_keypair(request).map(AnyReply::NewKeypair),
            AnyRequest::NextMessageBoxIndex(request) => {
                next_index(request.message_box_index.as_ref()).map(AnyReply::NextMessageBoxIndex)
            }
            AnyRequest::VoucherDeriveStream(request) => {
                voucher_stream(request).map(AnyReply::VoucherDeriveStream)
            }
            AnyRequest::VoucherInduct(request) => self.voucher_induct(request).map(AnyReply::VoucherInduct),
            AnyRequest::VoucherMint(request) => self.voucher_mint(request).map(AnyReply::VoucherMint),
            AnyRequest::VoucherOpen(request) => voucher_open(request).map(AnyReply::VoucherOpen),
            // None of the others is local.
            _ => Err(Refusal::INTERNAL_ERROR),
        };
        match result {
            Ok(reply) => self.reply(app, query_id, kind, Ok(reply)),
            Err(refusal) => self.refuse(app, query_id, kind, refusal),
        }
    }

    fn answer_cancel(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        kind: RequestKind,
        hash: Option<[u8; 32]>,
    ) {
        match hash.filter(|_| query_id.is_some()) {
            Some(hash) => self.cancel(app, query_id, kind, hash),
            None => self.refuse(app, query_id, kind, Refusal::INVALID_REQUEST),
        }
    }

    fn pki_document(&mut self, request: &GetPkiDocument) -> Result<AnyReply, ReplyFailure> {
        let epoch = if request.epoch == 0 { self.network.epoch() } else { request.epoch };
        let certificate = self.certificate(epoch).ok_or(ReplyFailure {
            error_code: Refusal::SERVICE_UNAVAILABLE.0,
            detail: FailureDetail::Epoch(epoch),
        })?;
        let payload = Blob::from(certificate);
        Ok(AnyReply::GetPkiDocument(PkiDocumentReply { payload, epoch }))
    }

    fn encrypt_read(&mut self, request: &EncryptRead) -> Result<EncryptReply, Refusal> {
        let cap = request.read_cap.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
        let index = index(request.message_box_index.as_ref())?;
        let cap = bacap::ReadCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
        let message = InnerMessage::Read(cap.box_id(&index, bacap::Context::PIGEONHOLE));
        self.seal(&message, &index)
    }

    fn encrypt_write(&mut self, request: &EncryptWrite) -> Result<EncryptReply, Refusal> {
        let cap = request.write_cap.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
        let index = index(request.message_box_index.as_ref())?;
        let plaintext = request.plaintext.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
        let cap = bacap::WriteCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
        if plaintext.len() > self.geometry.plaintext_max() {
            return Err(Refusal::INVALID_REQUEST);
        }
        let sealed =
            boxes::seal(self.geometry, &cap, &index, plaintext).map_err(|_| Refusal::INVALID_REQUEST)?;
        self.seal(&InnerMessage::Write(sealed), &index)
    }

    /// Makes a new envelope, also for a box that had one before.
    fn seal(
        &mut self,
        message: &InnerMessage,
        index: &bacap::MessageBoxIndex,
    ) -> Result<EncryptReply, Refusal> {
        let next = index.next().map_err(|_| Refusal::INTERNAL_ERROR)?;
        let envelope = self.seal_envelope(message)?;
        Ok(EncryptReply {
            envelope_descriptor: SecretBytes::from(envelope.descriptor.to_bytes()),
            envelope_hash: EnvelopeHash::from(envelope.hash().0),
            message_ciphertext: Blob::from(envelope.into_query()),
            next_message_box_index: MessageBoxIndex::from(next.to_bytes()),
        })
    }

    /// Encrypts a message to two replicas of its box.
    pub(super) fn seal_envelope(&mut self, message: &InnerMessage) -> Result<Envelope, Refusal> {
        if !self.has_document() {
            let _ = self.strikes_if(self.faults.missing_document);
            return Err(Refusal::INTERNAL_ERROR);
        }
        let (epoch, online) = (self.network.replica_epoch(), self.network.online());
        let configured = self.network.replicas.identity_keys();
        let chosen = intermediates(configured, &online, message.box_id(), &mut self.entropy);
        let [first, second] = chosen.ok_or(Refusal::INTERNAL_ERROR)?;
        let key = |replica| self.network.envelope_key(replica, epoch).ok_or(Refusal::INTERNAL_ERROR);
        let keys = (key(first)?, key(second)?);
        let recipients = [
            Recipient { replica: first, public_key: &keys.0 },
            Recipient { replica: second, public_key: &keys.1 },
        ];
        Envelope::seal(self.geometry, message, epoch, recipients, &mut self.entropy)
            .map_err(|_| Refusal::INTERNAL_ERROR)
    }
}

fn new_keypair(request: &NewKeypair) -> Result<KeypairReply, Refusal> {
    let seed = request.seed.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
    let cap = bacap::WriteCap::from_seed(seed.as_bytes());
    Ok(KeypairReply {
        write_cap: WriteCap::from(cap.to_bytes()),
        read_cap: ReadCap::from(cap.read_cap().to_bytes()),
        first_message_index: MessageBoxIndex::from(cap.index().to_bytes()),
    })
}

fn next_index(from: Option<&MessageBoxIndex>) -> Result<IndexReply, Refusal> {
    let next = index(from)?.next().map_err(|_| Refusal::INTERNAL_ERROR)?;
    Ok(IndexReply { next_message_box_index: MessageBoxIndex::from(next.to_bytes()) })
}

pub(super) fn index(index: Option<&MessageBoxIndex>) -> Result<bacap::MessageBoxIndex, Refusal> {
    let index = index.ok_or(Refusal::INVALID_REQUEST)?;
    bacap::MessageBoxIndex::from_bytes(index.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)
}
