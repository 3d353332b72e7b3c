//! Requests that differ by a number, and what a daemon may say.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec, vec::Vec};

use crate::{
    pki::{Document, MixDescriptor, Parameter, Parameters},
    wire::{
        AnyReply, AnyResponse, AppId, CancelReply, CancelResendingCopyCommand,
        CancelResendingEncryptedMessage, ConnectionStatus, CopyReply, CounterReply,
        CreateCourierEnvelopesFromPayload, EncryptReply, EncryptWrite, EnvelopeHash, FailureDetail,
        GetMessageBoxIndexCounter, IdentityHash, InstanceToken, MessageReply, MessageSent, NewPkiDocument,
        PigeonholeGeometry, QueryId, QueueId, ReplyFailure, ReplyFrame, RequestFrame, RequestKind,
        ResendingReply, SendMessage, SessionTokenReply, SphinxGeometry, StartResendingCopyCommand,
        StartResendingEncryptedMessage, SurbId, WriteCapHash,
    },
};

/// What a message may hold; a box holds 451 bytes less.
pub(super) const PAYLOAD_MAX: u64 = 2_000;

/// So many bytes that belong to `n`.
pub(super) fn bytes<const LEN: usize>(n: u64) -> [u8; LEN] {
    core::array::from_fn(|at| n.to_le_bytes()[at % 8])
}

/// A quick local request.
pub(super) fn quick(n: u64) -> GetMessageBoxIndexCounter {
    GetMessageBoxIndexCounter { message_box_index: Some(bytes::<104>(n).into()) }
}

/// A slow local request.
pub(super) fn slow(n: u64) -> EncryptWrite {
    EncryptWrite {
        plaintext: Some(b"text".to_vec().into()),
        write_cap: Some(bytes::<168>(n).into()),
        message_box_index: Some(bytes::<104>(n).into()),
    }
}

pub(super) fn create(n: u64) -> CreateCourierEnvelopesFromPayload {
    CreateCourierEnvelopesFromPayload {
        payload: vec![1; 40].into(),
        dest_write_cap: Some(bytes::<168>(n).into()),
        dest_start_index: Some(bytes::<104>(n).into()),
        is_start: true,
        is_last: true,
    }
}

/// An operation that writes.
pub(super) fn write(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        read_cap: None,
        write_cap: Some(bytes::<168>(n).into()),
        message_box_index: None,
        reply_index: None,
        envelope_descriptor: vec![1; 20].into(),
        message_ciphertext: vec![2; 40].into(),
        envelope_hash: Some(hash(n)),
        no_retry_on_box_id_not_found: false,
        no_idempotent_box_already_exists: false,
    }
}

/// An operation that reads, and asks once.
pub(super) fn read(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        read_cap: Some(bytes::<136>(n).into()),
        write_cap: None,
        message_box_index: Some(bytes::<104>(n).to_vec().into()),
        no_retry_on_box_id_not_found: true,
        ..write(n)
    }
}

/// An operation that reads, and that the daemon repeats.
pub(super) fn poll(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage { no_retry_on_box_id_not_found: false, ..read(n) }
}

pub(super) fn hash(n: u64) -> EnvelopeHash {
    bytes(n).into()
}

/// The cancel of any operation but copies.
pub(super) fn cancel(n: u64) -> CancelResendingEncryptedMessage {
    CancelResendingEncryptedMessage { envelope_hash: Some(hash(n)) }
}

/// A copy command at a courier that no document knows.
pub(super) fn copy(n: u64) -> StartResendingCopyCommand {
    StartResendingCopyCommand {
        write_cap: Some(bytes::<168>(n).into()),
        courier_identity_hash: None,
        courier_queue_id: None,
    }
}

/// A copy command at the courier [`document`] knows under `key`.
pub(super) fn pinned(n: u64, key: u8) -> StartResendingCopyCommand {
    StartResendingCopyCommand {
        courier_identity_hash: Some(IdentityHash::of_key(&[key; 32])),
        courier_queue_id: QueueId::new("+courier"),
        ..copy(n)
    }
}

pub(super) fn cancel_copy(n: u64) -> CancelResendingCopyCommand {
    CancelResendingCopyCommand { write_cap_hash: Some(WriteCapHash::of(&bytes::<168>(n).into())) }
}

pub(super) fn message(n: u64) -> SendMessage {
    SendMessage {
        id: None,
        with_surb: true,
        surbid: None,
        destination_id_hash: Some(bytes(n).into()),
        recipient_queue_id: QueueId::new("+echo"),
        payload: n.to_le_bytes().to_vec().into(),
    }
}

/// A message whose caller wants no reply.
pub(super) fn posted(n: u64) -> SendMessage {
    SendMessage { with_surb: false, ..message(n) }
}

pub(super) fn status(daemon: u64, is_connected: bool) -> AnyResponse {
    AnyResponse::ConnectionStatus(ConnectionStatus {
        is_connected,
        instance_token: InstanceToken::from(bytes(daemon)),
        sphinx_geometry: Some(sphinx()),
        pigeonhole_geometry: PigeonholeGeometry::from_user_forward_payload_length(PAYLOAD_MAX),
    })
}

fn sphinx() -> SphinxGeometry {
    SphinxGeometry {
        packet_length: 3_000,
        nr_hops: 5,
        header_length: 500,
        routing_info_length: 400,
        per_hop_routing_info_length: 80,
        surb_length: 600,
        sphinx_plaintext_header_length: 2,
        payload_tag_length: 32,
        forward_payload_length: PAYLOAD_MAX + 574,
        user_forward_payload_length: PAYLOAD_MAX,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "x25519".to_owned(),
        kem_name: String::new(),
    }
}

/// What a daemon without a document says.
pub(super) const fn no_document() -> AnyResponse {
    AnyResponse::NewPkiDocument(NewPkiDocument { payload: None })
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
    let document = Document { epoch, service_nodes: vec![courier.into()], ..Document::default() };
    AnyResponse::NewPkiDocument(NewPkiDocument { payload: Some(document.encode().into()) })
}

pub(super) fn session(resumed: bool) -> AnyResponse {
    AnyResponse::SessionToken(SessionTokenReply { app_id: AppId::from([4; 16]), resumed })
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
    let kind = frame.request.kind();
    let body = match kind {
        RequestKind::GetMessageBoxIndexCounter => {
            AnyReply::GetMessageBoxIndexCounter(CounterReply { counter: 7 })
        }
        RequestKind::EncryptWrite => AnyReply::EncryptWrite(EncryptReply {
            message_ciphertext: vec![1; 40].into(),
            envelope_descriptor: vec![2; 20].into(),
            envelope_hash: hash(1),
            next_message_box_index: bytes::<104>(2).into(),
        }),
        RequestKind::StartResendingEncryptedMessage => {
            AnyReply::StartResendingEncryptedMessage(ResendingReply {
                plaintext: None,
                courier_identity_hash: Some(bytes(3).into()),
                courier_queue_id: QueueId::new("+courier"),
            })
        }
        RequestKind::StartResendingCopyCommand => AnyReply::StartResendingCopyCommand(CopyReply {}),
        RequestKind::CancelResendingEncryptedMessage => {
            AnyReply::CancelResendingEncryptedMessage(CancelReply {})
        }
        RequestKind::CancelResendingCopyCommand => AnyReply::CancelResendingCopyCommand(CancelReply {}),
        other => panic!("no answer to {other:?}"),
    };
    AnyResponse::Reply(ReplyFrame { query_id: frame.query_id, kind, result: Ok(body) })
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

/// The frame of a response, prefix included.
pub(super) fn frame(response: &AnyResponse) -> Vec<u8> {
    let mut out = Vec::new();
    response.encode(&mut out).unwrap();
    out
}
