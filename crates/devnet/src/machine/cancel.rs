//! The end of operations that somebody asks for (§4.8, §4.10, §9.5).

use kpthin_core::wire::{
    self, AnyReply, AppId, CancelReply, EnvelopeHash, QueryId, RequestKind, WriteCapHash,
};

use super::Devnet;
use super::operation::{OpId, Operation, Wait};
use super::queue::Mixnet;
use super::request::Refusal;

const CANCELLED: u8 = 24;

impl Devnet {
    /// Cancels by key: the start is answered first, then the cancel, which always succeeds (§9.5).
    ///
    /// The instant daemon looks at the caller's own session only, and also at starts that still wait. The reference
    /// finds what anybody started, but no waiting start, and answers whoever cancels, in the kind of the cancel (Q-46,
    ///
    pub(super) fn cancel(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        kind: RequestKind,
        hash: [u8; 32],
    ) {
        let (reply, started) = match kind {
            RequestKind::CancelResendingCopyCommand => {
                (AnyReply::CancelResendingCopyCommand(CancelReply {}), RequestKind::StartResendingCopyCommand)
            }
            _ => (
                AnyReply::CancelResendingEncryptedMessage(CancelReply {}),
                RequestKind::StartResendingEncryptedMessage,
            ),
        };
        let hash = EnvelopeHash::from(hash);
        if self.is_reference() {
            let finds = |other: &Operation| other.hash == hash && !other.shadowed && !other.cancelled;
            let found = self.operations.iter().rev().find(|(_, other)| finds(other));
            if let Some(id) = found.map(|(id, _)| *id) {
                self.cancel_found(app, id, started);
            }
        } else {
            let found = self
                .operations
                .iter()
                .filter(|(_, other)| other.app == app && other.hash == hash && other.kind() == started);
            for id in found.map(|(id, _)| *id).collect::<Vec<_>>() {
                self.finish(id, CANCELLED, None);
            }
            self.cancel_waiting(app, hash);
        }
        self.reply(app, query_id, kind, Ok(reply));
    }

    /// Ends an operation of the reference; a result that is being opened meanwhile comes all the same (§9.5).
    fn cancel_found(&mut self, app: AppId, id: OpId, started: RequestKind) {
        if let Some(mut operation) = self.operations.remove(&id) {
            self.answer_start(app, &operation, started, CANCELLED, None);
            operation.cancelled = true;
            let opens = matches!(operation.wait, Wait::Opening(_));
            drop(self.operations.insert(id, operation));
            if !opens {
                drop(self.take_operation(id));
            }
        }
    }

    fn cancel_waiting(&mut self, app: AppId, hash: EnvelopeHash) {
        let Some(session) = self.sessions.get_mut(&app) else { return };
        let mut cancelled = Vec::new();
        let matches = |cap: &wire::WriteCap| *WriteCapHash::of(cap).as_bytes() == *hash.as_bytes();
        session.queue.retain(|queued| match &queued.request {
            Mixnet::Start(query_id, request) if request.envelope_hash == Some(hash) => {
                cancelled.push((*query_id, RequestKind::StartResendingEncryptedMessage));
                false
            }
            Mixnet::Copy(query_id, request) if request.write_cap.as_ref().is_some_and(matches) => {
                cancelled.push((*query_id, RequestKind::StartResendingCopyCommand));
                false
            }
            Mixnet::Copy(..) | Mixnet::Message(..) | Mixnet::Nothing | Mixnet::Start(..) => true,
        });
        for (query_id, kind) in cancelled {
            self.refuse(app, query_id, kind, Refusal(CANCELLED));
        }
    }
}
