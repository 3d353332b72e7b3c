//! Which namespace a reply's code belongs to (§5.3).

use core::num::NonZeroU64;

use super::{CallError, DaemonError, ReplicaError};
use crate::wire::{FailureDetail, ReplyFailure, RequestKind};

/// What a reply with an error code means for its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The operation was cancelled, by whomever.
    Cancelled,
    /// The call failed.
    Failed(CallError),
}

/// Reads the code of a reply to a request of `kind`.
///
/// `replayed` says whether the request was started more than once.
pub(crate) fn ending(kind: RequestKind, failure: &ReplyFailure, replayed: bool) -> Ending {
    let code = failure.error_code;
    let daemon = DaemonError::from_code(code);
    let operation =
        matches!(kind, RequestKind::StartResendingEncryptedMessage | RequestKind::StartResendingCopyCommand);
    if operation && daemon == DaemonError::StartResendingCancelled {
        return Ending::Cancelled;
    }
    Ending::Failed(match failure.detail {
        FailureDetail::Courier { courier_identity_hash, .. } => match code {
            // An immediate rejection names no courier; only then are 3 and 4 the daemon's own.
            3 | 4 if courier_identity_hash.is_none() => CallError::Daemon(daemon),
            1..=11 => CallError::Replica(ReplicaError::from_code(code)),
            _ => CallError::Daemon(daemon),
        },
        FailureDetail::Copy { replica_error_code, failed_envelope_index }
            if daemon == DaemonError::CopyCommandFailed =>
        {
            CallError::Copy {
                replica: (replica_error_code != 0).then(|| ReplicaError::from_code(replica_error_code)),
                failed_envelope: NonZeroU64::new(failed_envelope_index),
                replayed,
            }
        }
        FailureDetail::Copy { .. } | FailureDetail::Epoch(_) | FailureDetail::None => {
            CallError::Daemon(daemon)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::IdentityHash;

    fn resending(code: u8, courier: bool) -> Ending {
        let courier_identity_hash = courier.then(|| IdentityHash::from([1; 32]));
        let detail = FailureDetail::Courier { courier_identity_hash, courier_queue_id: None };
        let failure = ReplyFailure { error_code: code, detail };
        ending(RequestKind::StartResendingEncryptedMessage, &failure, false)
    }

    #[test]
    fn one_to_eleven_are_replica_codes_in_the_mixed_namespace() {
        for code in 1..=11 {
            let replica = Ending::Failed(CallError::Replica(ReplicaError::from_code(code)));
            assert_eq!(resending(code, true), replica);
            if code != 3 && code != 4 {
                assert_eq!(resending(code, false), replica);
            }
        }
    }

    #[test]
    fn three_and_four_without_a_courier_are_the_daemons() {
        for code in [3, 4] {
            let daemon = Ending::Failed(CallError::Daemon(DaemonError::from_code(code)));
            assert_eq!(resending(code, false), daemon);
        }
    }

    #[test]
    fn other_codes_are_thin_codes_in_the_mixed_namespace() {
        for code in (12..=u8::MAX).filter(|code| *code != 24) {
            let daemon = Ending::Failed(CallError::Daemon(DaemonError::from_code(code)));
            assert_eq!(resending(code, true), daemon);
        }
        assert_eq!(resending(24, true), Ending::Cancelled);
    }

    #[test]
    fn copy_replies_use_the_thin_namespace() {
        let copy = |error_code, replica_error_code, failed_envelope_index| {
            let detail = FailureDetail::Copy { replica_error_code, failed_envelope_index };
            ending(RequestKind::StartResendingCopyCommand, &ReplyFailure { error_code, detail }, true)
        };
        assert_eq!(copy(3, 0, 0), Ending::Failed(CallError::Daemon(DaemonError::InvalidRequest)));
        assert_eq!(copy(24, 0, 0), Ending::Cancelled);
        let failed = |replica, failed_envelope| {
            Ending::Failed(CallError::Copy { replica, failed_envelope, replayed: true })
        };
        assert_eq!(copy(26, 10, 3), failed(Some(ReplicaError::BoxAlreadyExists), NonZeroU64::new(3)));
        assert_eq!(copy(26, 0, 0), failed(None, None));
    }

    #[test]
    fn every_other_reply_uses_the_thin_namespace() {
        for kind in RequestKind::ALL {
            let failure = ReplyFailure { error_code: 10, detail: FailureDetail::None };
            let daemon = Ending::Failed(CallError::Daemon(DaemonError::ServiceUnavailable));
            assert_eq!(ending(kind, &failure, false), daemon);
        }
    }
}
