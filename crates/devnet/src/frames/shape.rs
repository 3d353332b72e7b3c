//! Which members requests have, and of what type the reference has them (§2.1, §4).

use kpthin_core::wire::RequestKind;

/// How the reference decodes a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A byte string or an array of integers, of any length.
    Bytes,
    /// A byte string of exactly the length of its type.
    Capability,
    /// An array of maps.
    Destinations,
    /// 32 bytes, padded or cut.
    Hash,
    /// 16 bytes, padded or cut.
    Id,
    /// An index that is only looked at when a read with it begins.
    Index,
    /// The name of a queue: any byte string, checked when its message is sent.
    Queue,
    /// A number, a text or a truth value.
    Scalar,
}

/// A member of a request: its name, and how the reference decodes it.
pub(super) type Member = (&'static str, Shape);

const QUERY_ID: Member = ("query_id", Shape::Id);

/// The members of one destination of a copy.
pub(super) const DESTINATION: &[Member] =
    &[("payload", Shape::Bytes), ("write_cap", Shape::Capability), ("start_index", Shape::Capability)];

/// The members of a request.
pub(super) const fn members(kind: RequestKind) -> &'static [Member] {
    use Shape::{Bytes, Capability, Destinations, Hash, Id, Index, Queue, Scalar};
    match kind {
        RequestKind::SessionToken => &[("client_instance_token", Id)],
        RequestKind::ThinClose => &[],
        RequestKind::SendMessage => &[
            ("id", Id),
            ("with_surb", Scalar),
            ("surbid", Id),
            ("destination_id_hash", Hash),
            ("recipient_queue_id", Queue),
            ("payload", Bytes),
        ],
        RequestKind::NewKeypair => &[QUERY_ID, ("seed", Bytes)],
        RequestKind::EncryptRead => &[QUERY_ID, ("read_cap", Capability), ("message_box_index", Capability)],
        RequestKind::EncryptWrite => {
            &[QUERY_ID, ("plaintext", Bytes), ("write_cap", Capability), ("message_box_index", Capability)]
        }
        RequestKind::StartResendingEncryptedMessage => &[
            QUERY_ID,
            ("read_cap", Capability),
            ("write_cap", Capability),
            ("message_box_index", Index),
            ("reply_index", Scalar),
            ("envelope_descriptor", Bytes),
            ("message_ciphertext", Bytes),
            ("envelope_hash", Hash),
            ("no_retry_on_box_id_not_found", Scalar),
            ("no_idempotent_box_already_exists", Scalar),
        ],
        RequestKind::CancelResendingEncryptedMessage => &[QUERY_ID, ("envelope_hash", Hash)],
        RequestKind::StartResendingCopyCommand => &[
            QUERY_ID,
            ("write_cap", Capability),
            ("courier_identity_hash", Hash),
            ("courier_queue_id", Queue),
        ],
        RequestKind::CancelResendingCopyCommand => &[QUERY_ID, ("write_cap_hash", Hash)],
        RequestKind::NextMessageBoxIndex | RequestKind::GetMessageBoxIndexCounter => {
            &[QUERY_ID, ("message_box_index", Capability)]
        }
        RequestKind::GetPkiDocument => &[QUERY_ID, ("epoch", Scalar)],
        RequestKind::GetDirectoryAuthorities => &[QUERY_ID],
        RequestKind::CreateCourierEnvelopesFromPayload => &[
            QUERY_ID,
            ("payload", Bytes),
            ("dest_write_cap", Capability),
            ("dest_start_index", Capability),
            ("is_start", Scalar),
            ("is_last", Scalar),
        ],
        RequestKind::CreateCourierEnvelopesFromMultiPayload => &[
            QUERY_ID,
            ("destinations", Destinations),
            ("is_start", Scalar),
            ("is_last", Scalar),
            ("buffer", Bytes),
        ],
        RequestKind::CreateCourierEnvelopesFromTombstoneRange => &[
            QUERY_ID,
            ("dest_write_cap", Capability),
            ("dest_start_index", Capability),
            ("max_count", Scalar),
            ("is_start", Scalar),
            ("is_last", Scalar),
            ("buffer", Bytes),
        ],
        RequestKind::VoucherMint => &[QUERY_ID, ("message_write_cap", Bytes), ("display_name", Scalar)],
        RequestKind::VoucherInduct => {
            &[QUERY_ID, ("voucher", Bytes), ("voucher_payload", Bytes), ("who_reply", Bytes)]
        }
        RequestKind::VoucherOpen => {
            &[QUERY_ID, ("voucher_secret_key", Bytes), ("sealed_reply", Bytes), ("message_write_cap", Bytes)]
        }
        RequestKind::VoucherDeriveStream => &[QUERY_ID, ("voucher", Bytes)],
    }
}
