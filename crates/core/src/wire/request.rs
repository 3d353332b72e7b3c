//! The 21 requests.
//!
//! A member is an `Option` only where the protocol leaves it out. Requests that lack another one are
//! refused by every daemon: they can't be written down, and reading one is an error that says what
//! is missing and whom to answer.

use alloc::{string::String, vec::Vec};

use super::{
    Blob, BoxAccess, EnvelopeHash, IdentityHash, MessageBoxIndex, MessageId, QueueId, ReadCap, SecretBytes,
    Seed, SessionToken, Surb, SurbId, Voucher, VoucherSecretKey, WriteCap, WriteCapHash,
};
use crate::{cbor::message, pki::ServiceAddress};

message! {
    /// Names this client's session, which opens it or resumes it (§3.3).
    pub struct PresentSessionToken {
        /// The same on every link that is to resume the session.
        pub client_instance_token: SessionToken,
    }

    /// Ends the session: the daemon forgets it and closes the socket (§3.5).
    pub struct ThinClose {}

    /// Sends one message to a service, without retransmission (§4.4).
    pub struct SendMessage {
        /// An optional label, echoed only.
        pub id: Option<MessageId>,
        /// Whether a reply is wanted, and what it will be known by.
        pub surb: Surb = (with_surb: bool, surbid: Option<SurbId>),
        /// The service's node.
        pub destination_id_hash: IdentityHash,
        /// The service's queue on that node.
        pub recipient_queue_id: QueueId,
        /// At most `UserForwardPayloadLength` bytes.
        pub payload: SecretBytes,
    }

    /// Derives a stream's capabilities from a seed (§4.5).
    pub struct NewKeypair {
        /// 32 random bytes; the same seed gives the same stream.
        pub seed: Seed,
    }

    /// Makes an envelope that asks for a box (§4.6).
    pub struct EncryptRead {
        /// The stream.
        pub read_cap: ReadCap,
        /// The box.
        pub message_box_index: MessageBoxIndex,
    }

    /// Makes an envelope that fills a box (§4.6).
    pub struct EncryptWrite {
        /// 1 to `MaxPlaintextPayloadLength` bytes, or none at all for a tombstone.
        pub plaintext: SecretBytes as "plaintext" required,
        /// The stream.
        pub write_cap: WriteCap,
        /// The box.
        pub message_box_index: MessageBoxIndex,
    }

    /// Sends an envelope until it is answered (§4.7).
    pub struct StartResendingEncryptedMessage {
        /// The box, and what the envelope does with it.
        pub access: BoxAccess = (
            read_cap: Option<ReadCap>,
            write_cap: Option<WriteCap>,
            message_box_index: Option<MessageBoxIndex>
        ),
        /// Ignored by the daemon.
        pub reply_index: Option<u8>,
        /// From the encrypt call: opens the reply.
        pub envelope_descriptor: SecretBytes,
        /// From the encrypt call: the envelope.
        pub message_ciphertext: Blob,
        /// From the encrypt call: what a cancel names.
        pub envelope_hash: EnvelopeHash,
        /// A read of an unwritten box ends with replica code 1 instead of polling.
        pub no_retry_on_box_id_not_found: bool,
        /// A write is answered by a replica, and a conflict ends with replica code 10.
        pub no_idempotent_box_already_exists: bool,
    }

    /// Ends a [`StartResendingEncryptedMessage`] (§4.8).
    pub struct CancelResendingEncryptedMessage {
        /// The hash the operation was started with.
        pub envelope_hash: EnvelopeHash,
    }

    /// Has a courier execute the stream of writes behind a capability (§4.9).
    pub struct StartResendingCopyCommand {
        /// The temporary stream.
        pub write_cap: WriteCap,
        /// The courier that has to do it; without one the daemon takes any.
        pub courier: Option<ServiceAddress> = (
            courier_identity_hash: Option<IdentityHash>,
            courier_queue_id: Option<QueueId>
        ),
    }

    /// Ends a [`StartResendingCopyCommand`] at the daemon; the courier goes on (§4.10).
    pub struct CancelResendingCopyCommand {
        /// The hash of the temporary stream's write capability.
        pub write_cap_hash: WriteCapHash,
    }

    /// Steps an index (§4.11).
    pub struct NextMessageBoxIndex {
        /// The index to step from.
        pub message_box_index: MessageBoxIndex,
    }

    /// Asks for an index's counter (§4.11).
    pub struct GetMessageBoxIndexCounter {
        /// The index.
        pub message_box_index: MessageBoxIndex,
    }

    /// Asks for a signed network document (§4.12).
    pub struct GetPkiDocument {
        /// The epoch, 0 for the current one.
        pub epoch: u64,
    }

    /// Asks for the authorities the daemon is configured with (§4.13).
    pub struct GetDirectoryAuthorities {}

    /// Packs one payload for one destination into elements of a copy stream (§4.14).
    pub struct CreateCourierEnvelopesFromPayload {
        /// At most 10 MiB.
        pub payload: SecretBytes,
        /// The destination stream.
        pub dest_write_cap: WriteCap,
        /// The first destination box.
        pub dest_start_index: MessageBoxIndex,
        /// Whether the copy stream begins here.
        pub is_start: bool,
        /// Whether the copy stream ends here.
        pub is_last: bool,
    }

    /// One destination of a [`CreateCourierEnvelopesFromMultiPayload`].
    pub struct Destination {
        /// At most 10 MiB.
        pub payload: SecretBytes,
        /// The destination stream.
        pub write_cap: WriteCap,
        /// The first destination box.
        pub start_index: MessageBoxIndex,
    }

    /// Packs payloads for several destinations into elements of a copy stream (§4.15).
    pub struct CreateCourierEnvelopesFromMultiPayload {
        /// At least one.
        pub destinations: Vec<Destination>,
        /// Whether the copy stream begins here.
        pub is_start: bool,
        /// Whether the copy stream ends here.
        pub is_last: bool,
        /// The rest that the call before returned.
        pub buffer: Option<SecretBytes>,
    }

    /// Packs tombstones for consecutive boxes into elements of a copy stream (§4.16).
    pub struct CreateCourierEnvelopesFromTombstoneRange {
        /// The destination stream.
        pub dest_write_cap: WriteCap,
        /// The first destination box.
        pub dest_start_index: MessageBoxIndex,
        /// How many boxes; 0 loses the buffer.
        pub max_count: u32,
        /// Whether the copy stream begins here.
        pub is_start: bool,
        /// Whether the copy stream ends here.
        pub is_last: bool,
        /// The rest that the call before returned.
        pub buffer: Option<SecretBytes>,
    }

    /// Makes an invitation (§4.18).
    pub struct VoucherMint {
        /// The stream the joiner will write.
        pub message_write_cap: WriteCap,
        /// How the joiner wants to be called.
        pub display_name: String,
    }

    /// Accepts an invitation (§4.18).
    pub struct VoucherInduct {
        /// What was handed over.
        pub voucher: Voucher,
        /// Box 0 of the voucher's stream.
        pub voucher_payload: SecretBytes,
        /// What the joiner shall learn.
        pub who_reply: SecretBytes,
    }

    /// Opens the answer to an invitation (§4.18).
    pub struct VoucherOpen {
        /// The key from the mint call.
        pub voucher_secret_key: VoucherSecretKey,
        /// Box 1 of the voucher's stream.
        pub sealed_reply: SecretBytes,
        /// The stream the joiner will write.
        pub message_write_cap: WriteCap,
    }

    /// Derives a voucher's stream (§4.18).
    pub struct VoucherDeriveStream {
        /// What was handed over.
        pub voucher: Voucher,
    }
}
