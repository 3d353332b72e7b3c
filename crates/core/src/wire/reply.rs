//! What the daemon answers: one body per request, and one shape for refusals.

use alloc::{string::String, vec::Vec};

use super::{
    Blob, EnvelopeHash, IdentityHash, MessageBoxIndex, QueueId, ReadCap, Salt, SecretBytes, Voucher,
    VoucherPublicKey, VoucherSecretKey, WriteCap,
};
use crate::cbor::message;

message! {
    /// A stream's capabilities (§4.5).
    pub struct KeypairReply {
        /// The right to write.
        pub write_cap: WriteCap,
        /// The right to read.
        pub read_cap: ReadCap,
        /// The first box.
        pub first_message_index: MessageBoxIndex,
    }

    /// An envelope and what belongs to it (§4.6).
    pub struct EncryptReply {
        /// The envelope, `CourierQueryWriteLength` bytes.
        pub message_ciphertext: Blob,
        /// Opens the reply to the envelope.
        pub envelope_descriptor: SecretBytes,
        /// Names the envelope.
        pub envelope_hash: EnvelopeHash,
        /// The box after this one.
        pub next_message_box_index: MessageBoxIndex,
    }

    /// The end of an envelope's way (§4.7).
    pub struct ResendingReply {
        /// A read box's content; `None` for writes.
        pub plaintext: Option<SecretBytes>,
        /// The courier that was used.
        pub courier_identity_hash: Option<IdentityHash>,
        /// The courier's queue.
        pub courier_queue_id: Option<QueueId>,
    }

    /// A cancel was taken note of; also said for unknown keys (§4.8, §4.10).
    pub struct CancelReply {}

    /// A copy command succeeded (§4.9).
    pub struct CopyReply {}

    /// The next index (§4.11).
    pub struct IndexReply {
        /// The index one step on.
        pub next_message_box_index: MessageBoxIndex,
    }

    /// An index's counter (§4.11).
    pub struct CounterReply {
        /// The box's number in its stream.
        pub counter: u64,
    }

    /// A signed network document (§4.12).
    pub struct PkiDocumentReply {
        /// The certificate of §7.4.
        pub payload: Blob,
        /// The epoch of the document returned.
        pub epoch: u64,
    }

    /// The authorities of the daemon's configuration, which are no trust anchor (§4.13).
    pub struct DirectoryAuthorities {
        /// In the order of the configuration.
        pub authorities: Vec<DirectoryAuthority>,
    }

    /// One authority (§4.13).
    pub struct DirectoryAuthority {
        /// Its name.
        pub identifier: String,
        /// The scheme it signs documents with.
        pub pki_signature_scheme: String,
        /// The scheme of its link key.
        pub wire_kem_scheme: String,
        /// Where it is reached.
        pub addresses: Vec<String>,
        /// Its identity key as PEM, empty if unset.
        pub identity_public_key_pem: String,
        /// Its link key as PEM, empty if unset.
        pub link_public_key_pem: String,
        /// BLAKE2b-256 of the identity key, zero if unset.
        pub identity_key_hash: IdentityHash,
    }

    /// Elements of a copy stream for one destination (§4.14).
    pub struct CourierEnvelopes {
        /// Each is the content of one box of the temporary stream.
        pub envelopes: Vec<SecretBytes>,
        /// The destination box after the last one.
        pub next_dest_index: MessageBoxIndex,
    }

    /// Elements of a copy stream for several destinations (§4.15).
    pub struct MultiCourierEnvelopes {
        /// Each is the content of one box of the temporary stream.
        pub envelopes: Vec<SecretBytes>,
        /// The rest, to be passed to the next call; `None` after the last one.
        pub buffer: Option<SecretBytes>,
        /// Per destination, the box after the last one.
        pub next_dest_indices: Vec<MessageBoxIndex>,
    }

    /// Elements of a copy stream that writes tombstones (§4.16).
    pub struct TombstoneEnvelopes {
        /// Each is the content of one box of the temporary stream.
        pub envelopes: Vec<SecretBytes>,
        /// The rest, to be passed to the next call; `None` after the last one.
        pub buffer: Option<SecretBytes>,
        /// The destination box after the last one.
        pub next_dest_index: MessageBoxIndex,
    }

    /// An invitation (§4.18).
    pub struct VoucherMintReply {
        /// To be handed over out of band.
        pub voucher: Voucher,
        /// To be written to box 0 of the voucher's stream.
        pub voucher_payload: SecretBytes,
        /// The voucher's stream.
        pub voucher_write_cap: WriteCap,
        /// The voucher's stream.
        pub voucher_read_cap: ReadCap,
        /// Opens the answer.
        pub voucher_secret_key: VoucherSecretKey,
        /// What the answer is sealed to.
        pub voucher_public_key: VoucherPublicKey,
    }

    /// An invitation accepted (§4.18).
    pub struct VoucherInductReply {
        /// How the joiner wants to be called.
        pub display_name: String,
        /// Reads what the joiner will write.
        pub mutated_message_read_cap: ReadCap,
        /// To be written to box 1 of the voucher's stream.
        pub sealed_reply: SecretBytes,
        /// The voucher's stream.
        pub voucher_write_cap: WriteCap,
        /// The voucher's stream.
        pub voucher_read_cap: ReadCap,
        /// What the capability was mutated with.
        pub salt: Salt,
    }

    /// The answer to an invitation (§4.18).
    pub struct VoucherOpenReply {
        /// What the inductor wanted the joiner to learn.
        pub who_reply: SecretBytes,
        /// What the capability was mutated with.
        pub salt: Salt,
        /// What the joiner writes with from now on.
        pub mutated_message_write_cap: WriteCap,
    }

    /// A voucher's stream (§4.18).
    pub struct VoucherStreamReply {
        /// The right to write.
        pub voucher_write_cap: WriteCap,
        /// The right to read.
        pub voucher_read_cap: ReadCap,
    }
}

/// A reply with an error code, and the members that say more about it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyFailure {
    /// The code, not 0; its namespace depends on the request (§5.3).
    pub error_code: u8,
    /// What came with it.
    pub detail: FailureDetail,
}

/// The members that some replies keep when they carry an error code.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
pub enum FailureDetail {
    /// Why a copy command failed (§4.9).
    Copy {
        /// The replica's verdict, 0 for none.
        replica_error_code: u8,
        /// The 1-based ordinal of the first envelope that was not completed, 0 for none.
        failed_envelope_index: u64,
    },
    /// Which courier an envelope went to; `None` for what was rejected at once (§5.3).
    Courier {
        /// The courier's node.
        courier_identity_hash: Option<IdentityHash>,
        /// The courier's queue.
        courier_queue_id: Option<QueueId>,
    },
    /// Which document is not there (§4.12).
    Epoch(u64),
    /// Nothing.
    None,
}

message! {
    /// The members behind [`FailureDetail::Copy`].
    pub(super) struct CopyDetail {
        /// See there.
        pub(super) replica_error_code: u8,
        /// See there.
        pub(super) failed_envelope_index: u64,
    }

    /// The members behind [`FailureDetail::Courier`].
    pub(super) struct CourierDetail {
        /// See there.
        pub(super) courier_identity_hash: Option<IdentityHash>,
        /// See there.
        pub(super) courier_queue_id: Option<QueueId>,
    }

    /// The member behind [`FailureDetail::Epoch`].
    pub(super) struct EpochDetail {
        /// See there.
        pub(super) epoch: u64,
    }
}
