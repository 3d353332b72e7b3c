//! Which namespace a reply's code belongs to (§5.3).

use core::num::NonZeroU64;

use super::{CallError, DaemonError, Fate, ReplicaError};
use crate::wire::{FailureDetail, ReplyFailure, RequestKind};

/// What a reply with an error code means for its call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The operation was cancelled, by whomever.
    Cancelled,
    /// The call failed.
    Failed(CallError),
}

/// Reads the code of a reply to a request of `kind`, which tells the namespace, whatever the name it came under (M5, Q-47).
///
/// `replayed` says whether the request was started more than once.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others use the thin namespace and nothing else")]
pub(crate) fn ending(kind: RequestKind, failure: &ReplyFailure, replayed: bool) -> Ending {
    let code = failure.error_code;
    let daemon = DaemonError::from_code(code);
    let operation =
        matches!(kind, RequestKind::StartResendingEncryptedMessage | RequestKind::StartResendingCopyCommand);
    if operation && daemon == DaemonError::StartResendingCancelled {
        return Ending::Cancelled;
    }
    Ending::Failed(match kind {
        RequestKind::StartResendingEncryptedMessage => envelope(code, &failure.detail),
        RequestKind::StartResendingCopyCommand if daemon == DaemonError::CopyCommandFailed => {
            let (replica, failed) = match failure.detail {
                FailureDetail::Copy { replica_error_code, failed_envelope_index } => {
                    (replica_error_code, failed_envelope_index)
                }
                FailureDetail::Courier { .. } | FailureDetail::Epoch(_) | FailureDetail::None => (0, 0),
            };
            let replica = (replica != 0).then(|| ReplicaError::from_code(replica));
            CallError::Copy { replica, failed_envelope: NonZeroU64::new(failed), replayed }
        }
        // A 4 may also be what became of the command: only the newer code tells that it was not sent.
        RequestKind::StartResendingCopyCommand if daemon == DaemonError::ServiceUnavailable => {
            CallError::Unavailable(if replayed { Fate::MaybeExecuted } else { Fate::Refused })
        }
        RequestKind::CreateCourierEnvelopesFromMultiPayload
        | RequestKind::CreateCourierEnvelopesFromPayload
        | RequestKind::CreateCourierEnvelopesFromTombstoneRange
        | RequestKind::EncryptRead
        | RequestKind::EncryptWrite
            if matches!(daemon, DaemonError::InternalError | DaemonError::ServiceUnavailable) =>
        {
            CallError::Unavailable(Fate::Refused)
        }
        _ => CallError::Daemon(daemon),
    })
}

/// The mixed namespace of envelopes.
fn envelope(code: u8, detail: &FailureDetail) -> CallError {
    let names_courier = matches!(detail, FailureDetail::Courier { courier_identity_hash: Some(_), .. });
    match code {
        // An immediate rejection names no courier; only then are 3 and 4 the daemon's own.
        3 | 4 if !names_courier => CallError::Daemon(DaemonError::from_code(code)),
        1..=11 => CallError::Replica(ReplicaError::from_code(code)),
        _ => CallError::Daemon(DaemonError::from_code(code)),
    }
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
    fn under_the_other_kinds_name_a_code_is_what_it_is_for_the_request() {
        let courier_identity_hash = Some(IdentityHash::from([1; 32]));
        let courier = FailureDetail::Courier { courier_identity_hash, courier_queue_id: None };
        let copy = FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 };
        let of_copy = |error_code, detail: &FailureDetail| {
            let failure = ReplyFailure { error_code, detail: detail.clone() };
            ending(RequestKind::StartResendingCopyCommand, &failure, false)
        };
        let refused = Ending::Failed(CallError::Daemon(DaemonError::CourierInvalidEnvelope));
        assert_eq!(of_copy(31, &courier), refused);
        assert_eq!(of_copy(24, &courier), Ending::Cancelled);
        let later = Ending::Failed(CallError::Daemon(DaemonError::InternalError));
        assert_eq!(of_copy(4, &courier), later);
        let failed = CallError::Copy { replica: None, failed_envelope: None, replayed: false };
        assert_eq!(of_copy(26, &courier), Ending::Failed(failed));

        let of_envelope = |error_code| {
            let failure = ReplyFailure { error_code, detail: copy.clone() };
            ending(RequestKind::StartResendingEncryptedMessage, &failure, false)
        };
        assert_eq!(of_envelope(24), Ending::Cancelled);
        assert_eq!(of_envelope(31), refused);
        assert_eq!(of_envelope(3), Ending::Failed(CallError::Daemon(DaemonError::InvalidRequest)));
        assert_eq!(of_envelope(11), Ending::Failed(CallError::Replica(ReplicaError::Tombstone)));
    }

    #[test]
    fn every_other_reply_uses_the_thin_namespace() {
        for kind in RequestKind::ALL {
            // Of an envelope it is the replica's, with or without a courier.
            if kind == RequestKind::StartResendingEncryptedMessage {
                continue;
            }
            let failure = ReplyFailure { error_code: 7, detail: FailureDetail::None };
            let daemon = Ending::Failed(CallError::Daemon(DaemonError::ChannelNotFound));
            assert_eq!(ending(kind, &failure, false), daemon);
        }
    }

    /// M3, with what older daemons say.
    #[test]
    fn where_the_network_is_not_known_yet_nothing_was_done_and_later_is_better() {
        let unavailable = |fate| Ending::Failed(CallError::Unavailable(fate));
        let says = |kind, error_code, replayed| {
            ending(kind, &ReplyFailure { error_code, detail: FailureDetail::None }, replayed)
        };
        for kind in [
            RequestKind::CreateCourierEnvelopesFromMultiPayload,
            RequestKind::CreateCourierEnvelopesFromPayload,
            RequestKind::CreateCourierEnvelopesFromTombstoneRange,
            RequestKind::EncryptRead,
            RequestKind::EncryptWrite,
        ] {
            for (code, replayed) in [(4, false), (10, false), (4, true), (10, true)] {
                assert_eq!(says(kind, code, replayed), unavailable(Fate::Refused));
            }
            let invalid = Ending::Failed(CallError::Daemon(DaemonError::InvalidRequest));
            assert_eq!(says(kind, 3, false), invalid);
        }
        let copy = RequestKind::StartResendingCopyCommand;
        assert_eq!(says(copy, 10, false), unavailable(Fate::Refused));
        assert_eq!(says(copy, 10, true), unavailable(Fate::MaybeExecuted));
        assert_eq!(says(copy, 4, false), Ending::Failed(CallError::Daemon(DaemonError::InternalError)));
        let replica = Ending::Failed(CallError::Replica(ReplicaError::BoxAlreadyExists));
        assert_eq!(says(RequestKind::StartResendingEncryptedMessage, 10, false), replica);
    }
}
