//! The error of a call.

use alloc::string::String;
use core::num::NonZeroU64;

use super::{DaemonError, InvalidRequest, ReplicaError, Told};

/// Whether the daemon can have acted on a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three cases are all there are")]
pub enum Fate {
    /// Nothing of it was written: starting it again is as good as the first time.
    NotSent,
    /// It was answered with a refusal, and nothing was done.
    Refused,
    /// It was written, and nobody knows what became of it.
    MaybeExecuted,
}

/// What sense there is in asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "callers branch on all of them")]
pub enum Retry {
    /// The same request can only fail again.
    Never,
    /// The same request may be started again at once.
    Same,
    /// The same request may succeed later.
    Later,
    /// The envelope has to be made anew; the box stays the same.
    ReEncrypt,
    /// The same command may succeed at another courier, which must be chosen deliberately (§9.6).
    OtherCourier,
}

/// Why the machine is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum CloseReason {
    /// What drove the machine ended without closing it: aborted, panicked, or its runtime is gone.
    #[error("the driver is gone")]
    DriverGone,
    /// The first connection failed, and the client was not told to keep trying.
    #[error("no connection to the daemon")]
    NeverConnected,
    /// The program asked for it.
    #[error("the client was stopped")]
    Stopped,
}

/// Why a call failed.
///
/// The variants are told apart by whose fault they are, since the reader acts differently: the
/// request's ([`InvalidRequest`](Self::InvalidRequest), [`TooLarge`](Self::TooLarge),
/// [`Conflict`](Self::Conflict), [`TooManyCalls`](Self::TooManyCalls)), the caller's own decision
/// ([`Cancelled`](Self::Cancelled), [`TimedOut`](Self::TimedOut), [`Closed`](Self::Closed)) or
/// mistake ([`Panicked`](Self::Panicked)), the network's ([`Daemon`](Self::Daemon),
/// [`Replica`](Self::Replica), [`Copy`](Self::Copy), [`SendFailed`](Self::SendFailed),
/// [`CourierGone`](Self::CourierGone)), or the link's and the daemon's. It is `Clone`, because one lost link answers many calls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The caller cancelled the call, or dropped its handle.
    #[error("cancelled")]
    Cancelled(Fate),
    /// Somebody else cancelled the operation at the daemon; it may be started again.
    #[error("cancelled by somebody else")]
    CancelledElsewhere,
    /// The client is closed: only another client can go on.
    #[error("closed: {0}")]
    Closed(CloseReason, Fate),
    /// Another call with the same key is running; wait for it or cancel it.
    #[error("an operation with the same key is running already")]
    Conflict,
    /// A courier could not execute the copy stream. Earlier envelopes stay executed (§9.6).
    #[error("copy command failed{}", if *.replayed { " after a replay: read the destination first" } else { "" })]
    Copy {
        /// The replica's verdict, if one spoke.
        replica: Option<ReplicaError>,
        /// The 1-based ordinal of the first envelope that was not completed, if known.
        failed_envelope: Option<NonZeroU64>,
        /// Whether the command was started more than once, so that it may have succeeded before.
        replayed: bool,
    },
    /// The pinned courier is not in the latest document: choose another one deliberately.
    #[error("the courier is not in the latest document")]
    CourierGone,
    /// The daemon refused, or failed; see the code.
    #[error(transparent)]
    Daemon(DaemonError),
    /// The request is not one the daemon could do anything with; correct it.
    #[error("invalid request: {0}")]
    InvalidRequest(#[from] InvalidRequest),
    /// The link ended, and asking again would do it twice; decide whether that is harmless.
    #[error("the link to the daemon was lost")]
    LinkLost(Fate),
    /// The flow's own code panicked, and the panic hook has told where: a mistake in the program.
    /// Correct it there; what the flow had started was cancelled.
    #[error("the flow panicked")]
    Panicked(Fate),
    /// A replica's verdict on the box; three of them are answers rather than failures.
    #[error(transparent)]
    Replica(ReplicaError),
    /// The message could not leave; the text is the daemon's.
    #[error("the message was not sent{}", Told(.0))]
    SendFailed(String),
    /// The call's deadline passed.
    #[error("timed out")]
    TimedOut(Fate),
    /// Something is longer than allowed; divide it.
    #[error("{len} bytes are too many, at most {max} are allowed")]
    TooLarge {
        /// The length given, in bytes.
        len: usize,
        /// The length allowed, in bytes.
        max: usize,
    },
    /// Too many calls are outstanding, or too many bytes queued; wait for some to end.
    #[error("too many calls are outstanding")]
    TooManyCalls,
    /// The daemon has no document yet, or no usable keys of replicas: it refused before anything was sent; try later.
    ///
    /// Daemons say it with code 4 or 10 (M3).
    #[error("the daemon has no document or no usable keys of replicas yet")]
    Unavailable(Fate),
    /// The daemon passed the request over and stayed silent.
    #[error("the daemon did not answer")]
    Unanswered,
    /// The daemon answered with something that can't be read.
    #[error("the daemon's answer could not be read")]
    Undecodable,
}

impl CallError {
    /// Whether the daemon can have acted on the request.
    ///
    /// A replica's code counts as [`Fate::MaybeExecuted`]: on a write only one of two replicas
    /// spoke.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self {
            Self::Cancelled(fate)
            | Self::Closed(_, fate)
            | Self::LinkLost(fate)
            | Self::Panicked(fate)
            | Self::TimedOut(fate)
            | Self::Unavailable(fate) => *fate,
            Self::Conflict | Self::InvalidRequest(_) | Self::TooLarge { .. } | Self::TooManyCalls => {
                Fate::NotSent
            }
            Self::SendFailed(_) => Fate::Refused,
            Self::Daemon(error) => daemon_fate(*error),
            Self::CancelledElsewhere
            | Self::Copy { .. }
            | Self::CourierGone
            | Self::Replica(_)
            | Self::Unanswered
            | Self::Undecodable => Fate::MaybeExecuted,
        }
    }

    /// What sense there is in asking again, as far as the error can tell.
    ///
    /// Whether doing it twice is harmless is another question: see [`fate`](Self::fate).
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Cancelled(_)
            | Self::CancelledElsewhere
            | Self::LinkLost(_)
            | Self::TimedOut(_)
            | Self::Unanswered => Retry::Same,
            Self::Conflict | Self::SendFailed(_) | Self::TooManyCalls | Self::Unavailable(_) => Retry::Later,
            Self::Closed(..)
            | Self::InvalidRequest(_)
            | Self::Panicked(_)
            | Self::TooLarge { .. }
            | Self::Undecodable => Retry::Never,
            Self::Copy { .. } | Self::CourierGone => Retry::OtherCourier,
            Self::Daemon(error) => daemon_retry(*error),
            Self::Replica(error) => replica_retry(*error),
        }
    }
}

/// Refused is only what the daemon decides before it acts, or the courier before it dispatches.
#[expect(clippy::wildcard_enum_match_arm, reason = "what is not known to be refused may have happened")]
const fn daemon_fate(error: DaemonError) -> Fate {
    match error {
        DaemonError::CourierInvalidEpoch
        | DaemonError::IndexNotInChannel
        | DaemonError::IndexTooFar
        | DaemonError::InvalidRequest
        | DaemonError::PayloadTooLarge
        | DaemonError::ServiceUnavailable
        | DaemonError::VoucherHashMismatch
        | DaemonError::VoucherSealOpenFailed
        | DaemonError::VoucherSignatureInvalid => Fate::Refused,
        _ => Fate::MaybeExecuted,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others are about the request itself")]
const fn daemon_retry(error: DaemonError) -> Retry {
    match error {
        DaemonError::BacapDecryptionFailed
        | DaemonError::CourierCacheCorruption
        | DaemonError::CourierInvalidEnvelope
        | DaemonError::CourierInvalidEpoch
        | DaemonError::InvalidTombstoneSignature
        | DaemonError::MkemDecryptionFailed
        | DaemonError::PropagationError => Retry::ReEncrypt,
        DaemonError::ConnectionLost
        | DaemonError::InternalError
        | DaemonError::MaxRetries
        | DaemonError::ServiceUnavailable
        | DaemonError::Timeout => Retry::Later,
        DaemonError::CopyCommandFailed => Retry::OtherCourier,
        DaemonError::StartResendingCancelled => Retry::Same,
        _ => Retry::Never,
    }
}

const fn replica_retry(error: ReplicaError) -> Retry {
    match error {
        ReplicaError::BoxIdNotFound | ReplicaError::StorageFull => Retry::Later,
        ReplicaError::DatabaseFailure
        | ReplicaError::InternalError
        | ReplicaError::InvalidEpoch
        | ReplicaError::ReplicationFailed => Retry::ReEncrypt,
        ReplicaError::BoxAlreadyExists
        | ReplicaError::InvalidBoxId
        | ReplicaError::InvalidPayload
        | ReplicaError::InvalidSignature
        | ReplicaError::Tombstone
        | ReplicaError::Unknown(_) => Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use super::*;

    /// Every variant once, with its row of the two tables.
    fn rows() -> Vec<(CallError, Fate, Retry)> {
        use CallError as E;
        use Fate::{MaybeExecuted, NotSent, Refused};
        let copy = E::Copy { replica: None, failed_envelope: None, replayed: false };
        let mut rows = vec![
            (E::CancelledElsewhere, MaybeExecuted, Retry::Same),
            (E::Conflict, NotSent, Retry::Later),
            (copy, MaybeExecuted, Retry::OtherCourier),
            (E::CourierGone, MaybeExecuted, Retry::OtherCourier),
            (E::InvalidRequest(InvalidRequest::ZeroCount), NotSent, Retry::Never),
            (E::SendFailed(String::new()), Refused, Retry::Later),
            (E::TooLarge { len: 2, max: 1 }, NotSent, Retry::Never),
            (E::TooManyCalls, NotSent, Retry::Later),
            (E::Unanswered, MaybeExecuted, Retry::Same),
            (E::Undecodable, MaybeExecuted, Retry::Never),
            (E::Daemon(DaemonError::Unknown(200)), MaybeExecuted, Retry::Never),
            (E::Replica(ReplicaError::Unknown(12)), MaybeExecuted, Retry::Never),
        ];
        for fate in [NotSent, Refused, MaybeExecuted] {
            rows.push((E::Cancelled(fate), fate, Retry::Same));
            rows.push((E::Closed(CloseReason::Stopped, fate), fate, Retry::Never));
            rows.push((E::LinkLost(fate), fate, Retry::Same));
            rows.push((E::Panicked(fate), fate, Retry::Never));
            rows.push((E::TimedOut(fate), fate, Retry::Same));
            rows.push((E::Unavailable(fate), fate, Retry::Later));
        }
        let daemon = [
            (3, Refused, Retry::Never),
            (4, MaybeExecuted, Retry::Later),
            (10, Refused, Retry::Later),
            (12, MaybeExecuted, Retry::ReEncrypt),
            (13, MaybeExecuted, Retry::ReEncrypt),
            (22, MaybeExecuted, Retry::ReEncrypt),
            (23, MaybeExecuted, Retry::ReEncrypt),
            (24, MaybeExecuted, Retry::Same),
            (25, MaybeExecuted, Retry::ReEncrypt),
            (26, MaybeExecuted, Retry::OtherCourier),
            (27, Refused, Retry::Never),
            (28, Refused, Retry::Never),
            (29, Refused, Retry::Never),
            (30, Refused, Retry::Never),
            (31, MaybeExecuted, Retry::ReEncrypt),
            (32, Refused, Retry::ReEncrypt),
            (33, Refused, Retry::Never),
            (34, Refused, Retry::Never),
        ];
        rows.extend(daemon.map(|(code, fate, retry)| (E::Daemon(DaemonError::from_code(code)), fate, retry)));
        let replica = [
            Retry::Later,
            Retry::Never,
            Retry::Never,
            Retry::ReEncrypt,
            Retry::Never,
            Retry::Later,
            Retry::ReEncrypt,
            Retry::ReEncrypt,
            Retry::ReEncrypt,
            Retry::Never,
            Retry::Never,
        ];
        rows.extend(
            ReplicaError::ALL
                .into_iter()
                .zip(replica)
                .map(|(error, retry)| (E::Replica(error), MaybeExecuted, retry)),
        );
        rows
    }

    #[test]
    fn fate_and_retry_are_total_tables() {
        for (error, fate, retry) in rows() {
            assert_eq!((error.fate(), error.retry()), (fate, retry), "{error:?}");
        }
    }

    #[test]
    fn no_text_ends_in_a_colon() {
        for (error, ..) in rows() {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.ends_with(char::is_whitespace), "{text:?}");
        }
        assert_eq!(CallError::SendFailed("no".into()).to_string(), "the message was not sent: no");
        assert_eq!(CallError::SendFailed(" ".into()).to_string(), "the message was not sent");
    }

    #[test]
    fn the_worst_fate_is_the_largest() {
        assert!(Fate::NotSent < Fate::Refused && Fate::Refused < Fate::MaybeExecuted);
    }
}
