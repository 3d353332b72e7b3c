//! The answer to an operation's start (§4.7, §4.9).

use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    self, AnyReply, AppId, FailureDetail, QueueId, ReplyFailure, RequestKind, ResendingReply, SecretBytes,
};

use super::{Effect, Operation, Operations};
use crate::env::Env;
use crate::network::{COURIER_QUEUE, Network, OpId};
use crate::pigeonhole::messages::CopyReply;

impl Operations {
    /// Ends an operation: 0 with what was read, or a code.
    pub(super) fn finish(
        &mut self,
        env: &Env<'_>,
        network: &Network,
        id: OpId,
        code: u8,
        plaintext: Option<SecretBytes>,
    ) {
        let Some(operation) = self.end(env, id) else { return };
        self.answer_start(network, operation.app, &operation, operation.kind(), code, plaintext);
    }

    pub(super) fn finish_copy(
        &mut self,
        env: &Env<'_>,
        network: &Network,
        id: OpId,
        code: u8,
        reply: CopyReply,
    ) {
        if code == 0 {
            return self.finish(env, network, id, code, None);
        }
        let Some(operation) = self.end(env, id) else { return };
        let CopyReply { replica_code: replica_error_code, failed_envelope_index, .. } = reply;
        let detail = FailureDetail::Copy { replica_error_code, failed_envelope_index };
        let failure = ReplyFailure { error_code: code, detail };
        self.answer(operation.app, &operation, operation.kind(), Err(failure));
    }

    /// Ends an operation with an answer that has the name of envelopes', whatever it was (M5).
    pub(super) fn finish_misnamed(&mut self, env: &Env<'_>, network: &Network, id: OpId, error: DaemonError) {
        let Some(operation) = self.end(env, id) else { return };
        let kind = RequestKind::StartResendingEncryptedMessage;
        self.answer_start(network, operation.app, &operation, kind, error.code(), None);
    }

    fn end(&mut self, env: &Env<'_>, id: OpId) -> Option<Operation> {
        let operation = self.take(id)?;
        if env.quirks().hash_dropped_at_end {
            self.hide(operation.hash);
        }
        Some(operation)
    }

    pub(super) fn answer_start(
        &mut self,
        network: &Network,
        app: AppId,
        operation: &Operation,
        kind: RequestKind,
        error_code: u8,
        plaintext: Option<SecretBytes>,
    ) {
        let courier_identity_hash = network.courier_hash(operation.courier);
        let courier_queue_id = QueueId::new(COURIER_QUEUE);
        let result = match (error_code, kind) {
            (0, RequestKind::StartResendingCopyCommand) => {
                Ok(AnyReply::StartResendingCopyCommand(wire::CopyReply {}))
            }
            (0, _) => {
                let reply = ResendingReply { plaintext, courier_identity_hash, courier_queue_id };
                Ok(AnyReply::StartResendingEncryptedMessage(reply))
            }
            (_, RequestKind::StartResendingCopyCommand) => {
                let detail = FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 };
                Err(ReplyFailure { error_code, detail })
            }
            _ => {
                let detail = FailureDetail::Courier { courier_identity_hash, courier_queue_id };
                Err(ReplyFailure { error_code, detail })
            }
        };
        self.answer(app, operation, kind, result);
    }

    fn answer(
        &mut self,
        app: AppId,
        operation: &Operation,
        kind: RequestKind,
        result: Result<AnyReply, ReplyFailure>,
    ) {
        let query_id = operation.query_id;
        self.effects.push_back(Effect::Answer { app, query_id, kind, result: Box::new(result) });
    }
}
