//! What an operation is known by at the daemon.

use crate::wire::{AnyReply, AnyRequest, CancelReply, EnvelopeHash, WriteCapHash};

/// The name of an operation at the daemon; one key, one live call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Copy(WriteCapHash),
    Envelope(EnvelopeHash),
}

impl Key {
    /// The key that a request starts, or cancels.
    #[expect(clippy::wildcard_enum_match_arm, reason = "no other request has a key")]
    pub(super) fn of(request: &AnyRequest) -> Option<Self> {
        match request {
            AnyRequest::StartResendingEncryptedMessage(start) => Some(Self::Envelope(start.envelope_hash)),
            AnyRequest::CancelResendingEncryptedMessage(cancel) => Some(Self::Envelope(cancel.envelope_hash)),
            AnyRequest::StartResendingCopyCommand(start) => {
                Some(Self::Copy(WriteCapHash::of(&start.write_cap)))
            }
            AnyRequest::CancelResendingCopyCommand(cancel) => Some(Self::Copy(cancel.write_cap_hash)),
            _ => None,
        }
    }

    /// The reply to a cancel of it, which is always the same.
    pub(super) const fn cancelled(self) -> AnyReply {
        match self {
            Self::Copy(_) => AnyReply::CancelResendingCopyCommand(CancelReply {}),
            Self::Envelope(_) => AnyReply::CancelResendingEncryptedMessage(CancelReply {}),
        }
    }
}
