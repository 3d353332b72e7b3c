//! What a daemon without a network says.

use alloc::{vec, vec::Vec};

use super::{frame, pigeonhole_geometry, sphinx_geometry, write_cap};
use crate::wire::{
    AnyReply, AnyRequest, AnyResponse, AppId, CancelReply, ConnectionStatus, CopyReply, CounterReply,
    EncryptReply, EnvelopeHash, IdentityHash, IndexReply, InstanceToken, KeypairReply, MessageBoxIndex,
    MessageReply, MessageSent, NewPkiDocument, QueueId, ReplyFrame, RequestFrame, ResendingReply,
    SendMessage, SessionTokenReply,
};

/// The status event of a daemon process.
#[must_use]
pub fn status(instance_token: InstanceToken, is_connected: bool) -> AnyResponse {
    AnyResponse::ConnectionStatus(ConnectionStatus {
        is_connected,
        instance_token,
        sphinx_geometry: Some(sphinx_geometry()),
        pigeonhole_geometry: Some(pigeonhole_geometry()),
    })
}

/// What a daemon without a document says of it.
#[must_use]
pub const fn no_document() -> AnyResponse {
    AnyResponse::NewPkiDocument(NewPkiDocument { payload: None })
}

/// The two frames that open every link.
#[must_use]
pub fn greeting(instance_token: InstanceToken, is_connected: bool) -> Vec<u8> {
    [frame(&status(instance_token, is_connected)), frame(&no_document())].concat()
}

/// The answer to a session token.
#[must_use]
pub fn session(resumed: bool) -> AnyResponse {
    AnyResponse::SessionToken(SessionTokenReply { app_id: AppId::from([5; 16]), resumed })
}

/// The event that says that a message has left.
#[must_use]
pub fn sent(send: &SendMessage) -> AnyResponse {
    AnyResponse::MessageSent(MessageSent {
        surbid: send.surb.id(),
        sent_at: 1_700_000_000,
        reply_eta: 2_000_000_000,
        ..MessageSent::default()
    })
}

/// The reply to a message.
#[must_use]
pub fn echo(send: &SendMessage) -> AnyResponse {
    let payload = send.payload.clone();
    AnyResponse::MessageReply(MessageReply {
        message_id: None,
        surbid: send.surb.id(),
        payload,
        error_code: 0,
    })
}

/// A well-formed answer to anything that has one of its own; what it says is made up.
#[must_use]
pub fn answer(frame: &RequestFrame) -> Option<AnyResponse> {
    let index = || MessageBoxIndex::from([3; 104]);
    let encrypted = || EncryptReply {
        message_ciphertext: vec![2; 100].into(),
        envelope_descriptor: vec![3; 20].into(),
        envelope_hash: EnvelopeHash::from([4; 32]),
        next_message_box_index: index(),
    };
    let reply = match &frame.request {
        AnyRequest::NewKeypair(_) => AnyReply::NewKeypair(KeypairReply {
            write_cap: write_cap(1),
            read_cap: write_cap(1).read_cap(),
            first_message_index: index(),
        }),
        AnyRequest::EncryptRead(_) => AnyReply::EncryptRead(encrypted()),
        AnyRequest::EncryptWrite(_) => AnyReply::EncryptWrite(encrypted()),
        AnyRequest::StartResendingEncryptedMessage(start) => {
            AnyReply::StartResendingEncryptedMessage(ResendingReply {
                plaintext: start.access.is_read().then(|| b"text".to_vec().into()),
                courier_identity_hash: Some(IdentityHash::from([9; 32])),
                courier_queue_id: QueueId::new("+courier"),
            })
        }
        AnyRequest::CancelResendingEncryptedMessage(_) => {
            AnyReply::CancelResendingEncryptedMessage(CancelReply {})
        }
        AnyRequest::StartResendingCopyCommand(_) => AnyReply::StartResendingCopyCommand(CopyReply {}),
        AnyRequest::CancelResendingCopyCommand(_) => AnyReply::CancelResendingCopyCommand(CancelReply {}),
        AnyRequest::NextMessageBoxIndex(_) => {
            AnyReply::NextMessageBoxIndex(IndexReply { next_message_box_index: index() })
        }
        AnyRequest::GetMessageBoxIndexCounter(_) => {
            AnyReply::GetMessageBoxIndexCounter(CounterReply { counter: 7 })
        }
        _ => return None,
    };
    Some(AnyResponse::Reply(ReplyFrame {
        query_id: frame.query_id,
        kind: frame.request.kind(),
        result: Ok(reply),
    }))
}
