//! Requests that differ by a number, and what a daemon may say.

use alloc::{borrow::ToOwned, collections::BTreeMap, vec};

use crate::{
    pki::{DocumentContent, MixDescriptor, Parameter, Parameters, ServiceAddress},
    testing,
    wire::{
        AnyResponse, CreateCourierEnvelopesFromPayload, FailureDetail, IdentityHash, InstanceToken,
        MessageReply, MessageSent, NewPkiDocument, QueryId, QueueId, ReplyFailure, ReplyFrame, RequestFrame,
        RequestKind, SendMessage, StartResendingCopyCommand, Surb, SurbId,
    },
};

pub(super) use crate::testing::{
    bytes, cancel, cancel_copy, copy, counter as quick, encrypt_write as slow, frame, frame_of, message,
    no_document, polling_read as poll, queue, read, session, write,
};

pub(super) fn create(n: u64) -> CreateCourierEnvelopesFromPayload {
    CreateCourierEnvelopesFromPayload {
        payload: vec![1; 40].into(),
        dest_write_cap: bytes::<168>(n).into(),
        dest_start_index: bytes::<104>(n).into(),
        is_start: true,
        is_last: true,
    }
}

/// A copy command at the courier [`document`] knows under `key`.
pub(super) fn pinned(n: u64, key: u8) -> StartResendingCopyCommand {
    StartResendingCopyCommand {
        courier: Some(ServiceAddress { node: IdentityHash::of_key(&[key; 32]), queue: queue("+courier") }),
        ..copy(n)
    }
}

/// A message whose caller wants no reply.
pub(super) fn posted(n: u64) -> SendMessage {
    SendMessage { surb: Surb::None, ..message(n) }
}

pub(super) fn status(daemon: u64, is_connected: bool) -> AnyResponse {
    testing::status(InstanceToken::from(bytes(daemon)), is_connected)
}

/// A document with one courier, whose identity key is 32 times `key`.
pub(super) fn document(epoch: u64, key: u8) -> AnyResponse {
    let courier = MixDescriptor {
        identity_key: vec![key; 32].into(),
        is_service_node: true,
        kaetzchen: BTreeMap::from([(
            "courier".to_owned(),
            Parameters::from_iter([("endpoint".to_owned(), Parameter::from("+courier"))]),
        )]),
        ..MixDescriptor::default()
    };
    let document =
        DocumentContent { epoch, service_nodes: vec![courier.into()], ..DocumentContent::default() };
    AnyResponse::NewPkiDocument(NewPkiDocument { payload: Some(document.encode().into()) })
}

pub(super) fn sent(surb: SurbId, eta_nanoseconds: i64) -> AnyResponse {
    AnyResponse::MessageSent(MessageSent {
        surbid: Some(surb),
        sent_at: 1,
        reply_eta: eta_nanoseconds,
        ..MessageSent::default()
    })
}

pub(super) fn not_sent(surb: SurbId) -> AnyResponse {
    AnyResponse::MessageSent(MessageSent {
        surbid: Some(surb),
        sent_at: 1,
        reply_eta: 0,
        err: Some("no".to_owned()),
        ..MessageSent::default()
    })
}

pub(super) fn echo(surb: SurbId) -> AnyResponse {
    AnyResponse::MessageReply(MessageReply {
        message_id: None,
        surbid: Some(surb),
        payload: vec![5; 8].into(),
        error_code: 0,
    })
}

/// The answer of a daemon where everything succeeds.
pub(super) fn good(frame: &RequestFrame) -> AnyResponse {
    testing::answer(frame).unwrap_or_else(|| panic!("no answer to {:?}", frame.request.kind()))
}

/// A refusal with a code and nothing else.
pub(super) fn refusal(frame: &RequestFrame, error_code: u8) -> AnyResponse {
    let kind = frame.request.kind();
    let detail = match kind {
        RequestKind::StartResendingEncryptedMessage => {
            FailureDetail::Courier { courier_identity_hash: None, courier_queue_id: None }
        }
        RequestKind::StartResendingCopyCommand => {
            FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 }
        }
        _ => FailureDetail::None,
    };
    let result = Err(ReplyFailure { error_code, detail });
    AnyResponse::Reply(ReplyFrame { query_id: frame.query_id, kind, result })
}

/// How an operation ends that reached its courier, if only to be cancelled.
pub(super) fn from_courier(frame: &RequestFrame, error_code: u8) -> AnyResponse {
    let detail = FailureDetail::Courier {
        courier_identity_hash: Some(bytes(3).into()),
        courier_queue_id: QueueId::new("+courier"),
    };
    let result = Err(ReplyFailure { error_code, detail });
    AnyResponse::Reply(ReplyFrame { query_id: frame.query_id, kind: frame.request.kind(), result })
}

/// A reply to a query that nobody made.
pub(super) fn stray() -> AnyResponse {
    good(&RequestFrame { query_id: Some(QueryId::from([9; 16])), request: quick(0).into() })
}
