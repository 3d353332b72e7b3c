//! Requests that differ by a number, and what a daemon without a network may answer.

use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, AppId, CancelReply, CancelResendingCopyCommand,
    CancelResendingEncryptedMessage, CopyReply, CounterReply, EncryptRead, EncryptReply, EncryptWrite,
    EnvelopeHash, GetMessageBoxIndexCounter, IdentityHash, IndexReply, KeypairReply, MessageBoxIndex,
    MessageReply, MessageSent, NewKeypair, NextMessageBoxIndex, PigeonholeGeometry, QueueId, ReadCap,
    ReplyFrame, RequestFrame, RequestKind, ResendingReply, SendMessage, SessionTokenReply, SphinxGeometry,
    StartResendingCopyCommand, StartResendingEncryptedMessage, WriteCap, WriteCapHash,
};

/// What a message may hold in the geometry used here.
pub const MESSAGE_LEN_MAX: u64 = 2_000;

/// So many bytes that belong to `n`.
#[must_use]
pub fn bytes<const LEN: usize>(n: u64) -> [u8; LEN] {
    std::array::from_fn(|at| n.to_le_bytes()[at % 8])
}

/// A stream's right to write; no network would know it.
#[must_use]
pub fn write_cap(n: u64) -> WriteCap {
    WriteCap::from(bytes(n))
}

/// A quick local request.
#[must_use]
pub fn keypair(n: u64) -> NewKeypair {
    NewKeypair { seed: Some(bytes::<32>(n).into()) }
}

/// A slow local request.
#[must_use]
pub fn encrypt_read(n: u64) -> EncryptRead {
    EncryptRead { read_cap: Some(ReadCap::from(bytes(n))), message_box_index: Some(bytes::<104>(n).into()) }
}

/// Another slow local request.
#[must_use]
pub fn encrypt_write(n: u64) -> EncryptWrite {
    EncryptWrite {
        plaintext: Some(b"text".to_vec().into()),
        write_cap: Some(write_cap(n)),
        message_box_index: Some(bytes::<104>(n).into()),
    }
}

/// A write of an envelope.
#[must_use]
pub fn write(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        read_cap: None,
        write_cap: Some(write_cap(n)),
        message_box_index: None,
        reply_index: None,
        envelope_descriptor: n.to_le_bytes().to_vec().into(),
        message_ciphertext: vec![1; 40].into(),
        envelope_hash: Some(EnvelopeHash::from(bytes(n))),
        no_retry_on_box_id_not_found: false,
        no_idempotent_box_already_exists: false,
    }
}

/// A read that ends if the box is not written.
#[must_use]
pub fn read(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        read_cap: Some(ReadCap::from(bytes(n))),
        write_cap: None,
        message_box_index: Some(bytes::<104>(n).to_vec().into()),
        no_retry_on_box_id_not_found: true,
        ..write(n)
    }
}

/// A read that the daemon repeats until the box is written.
#[must_use]
pub fn polling_read(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage { no_retry_on_box_id_not_found: false, ..read(n) }
}

/// The cancel of any of the three.
#[must_use]
pub fn cancel(n: u64) -> CancelResendingEncryptedMessage {
    CancelResendingEncryptedMessage { envelope_hash: Some(EnvelopeHash::from(bytes(n))) }
}

/// A copy command.
#[must_use]
pub fn copy(n: u64) -> StartResendingCopyCommand {
    StartResendingCopyCommand {
        write_cap: Some(write_cap(n)),
        courier_identity_hash: None,
        courier_queue_id: None,
    }
}

/// Its cancel.
#[must_use]
pub fn cancel_copy(n: u64) -> CancelResendingCopyCommand {
    CancelResendingCopyCommand { write_cap_hash: Some(WriteCapHash::of(&write_cap(n))) }
}

/// A message to a service.
#[must_use]
pub fn message(n: u64) -> SendMessage {
    SendMessage {
        id: None,
        with_surb: true,
        surbid: None,
        destination_id_hash: Some(IdentityHash::from([9; 32])),
        recipient_queue_id: QueueId::new("+echo"),
        payload: n.to_le_bytes().to_vec().into(),
    }
}

/// One of everything that a caller can start and a [`Scripted`](crate::Scripted) daemon answers.
#[must_use]
pub fn any(which: u64, n: u64) -> AnyRequest {
    match which % 11 {
        0 => keypair(n).into(),
        1 => encrypt_read(n).into(),
        2 => encrypt_write(n).into(),
        3 => write(n).into(),
        4 => read(n).into(),
        5 => polling_read(n).into(),
        6 => copy(n).into(),
        7 => message(n).into(),
        8 => cancel(n).into(),
        9 => cancel_copy(n).into(),
        _ => NextMessageBoxIndex { message_box_index: Some(bytes::<104>(n).into()) }.into(),
    }
}

/// Sizes of packets; only two of them matter.
#[must_use]
pub fn sphinx_geometry() -> SphinxGeometry {
    SphinxGeometry {
        packet_length: 3_082,
        nr_hops: 5,
        header_length: 476,
        routing_info_length: 410,
        per_hop_routing_info_length: 82,
        surb_length: 572,
        sphinx_plaintext_header_length: 2,
        payload_tag_length: 32,
        forward_payload_length: 2_574,
        user_forward_payload_length: MESSAGE_LEN_MAX,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "X25519".to_owned(),
        kem_name: String::new(),
    }
}

/// Sizes of boxes.
#[must_use]
pub fn pigeonhole_geometry() -> PigeonholeGeometry {
    PigeonholeGeometry::from_user_forward_payload_length(MESSAGE_LEN_MAX).expect("it is long enough")
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
        surbid: send.surbid,
        sent_at: 1_700_000_000,
        reply_eta: 2_000_000_000,
        ..MessageSent::default()
    })
}

/// The reply to a message.
#[must_use]
pub fn echo(send: &SendMessage) -> AnyResponse {
    let payload = send.payload.clone();
    AnyResponse::MessageReply(MessageReply { message_id: None, surbid: send.surbid, payload, error_code: 0 })
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
                plaintext: start.read_cap.is_some().then(|| b"text".to_vec().into()),
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
        AnyRequest::GetMessageBoxIndexCounter(GetMessageBoxIndexCounter { .. }) => {
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

/// The kind of [`cancel`].
#[must_use]
pub const fn cancel_kind() -> RequestKind {
    RequestKind::CancelResendingEncryptedMessage
}
