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
            AnyRequest::StartResendingEncryptedMessage(start) => start.envelope_hash.map(Self::Envelope),
            AnyRequest::CancelResendingEncryptedMessage(cancel) => cancel.envelope_hash.map(Self::Envelope),
            AnyRequest::StartResendingCopyCommand(start) => {
                start.write_cap.as_ref().map(|cap| Self::Copy(WriteCapHash::of(cap)))
            }
            AnyRequest::CancelResendingCopyCommand(cancel) => cancel.write_cap_hash.map(Self::Copy),
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
