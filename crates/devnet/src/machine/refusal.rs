//! Refusals, as the answers that carry them (§4.0).

use kpthin_core::error::DaemonError;
use kpthin_core::wire::{FailureDetail, ReplyFailure, RequestKind};

/// The answer that carries a code and nothing else.
pub(super) const fn failure(kind: RequestKind, error: DaemonError) -> ReplyFailure {
    let detail = match kind {
        RequestKind::StartResendingEncryptedMessage => {
            FailureDetail::Courier { courier_identity_hash: None, courier_queue_id: None }
        }
        RequestKind::StartResendingCopyCommand => {
            FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 }
        }
        _ => FailureDetail::None,
    };
    ReplyFailure { error_code: error.code(), detail }
}
