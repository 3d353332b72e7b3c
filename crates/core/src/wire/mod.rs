//! Every message of the protocol, in both directions.
//!
//! One table ([`RequestKind`], [`EventKind`]) names each request once, with its class, its lane and its reply, and each
//! event.
//! The client and the embedded daemon encode and decode with the same code, so either side of a
//! test speaks exactly what the other side reads.
//!
//! Encoding sends only the members that are set. Decoding takes `null` and absence alike, ignores
//! unknown members, and does not depend on the order of members (§2).
#![expect(clippy::exhaustive_structs, reason = "messages are closed by the wire")]

macro_rules! bytes_serde {
    ($name:ident, $len:literal) => {
        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(&self.0)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let bytes = deserializer.deserialize_byte_buf($crate::wire::serde_bytes::BytesVisitor)?;
                bytes.as_slice().try_into().map(Self).map_err(|_| {
                    serde::de::Error::invalid_length(bytes.len(), &concat!(stringify!($len), " bytes"))
                })
            }
        }
    };
}
pub(crate) use bytes_serde;

mod blob;
mod decode_error;
mod delimited;
mod envelope;
mod event;
mod frames;
mod geometry;
mod ids;
mod joined;
mod reply;
mod request;
mod secrets;
#[cfg(feature = "serde")]
mod serde_bytes;
mod table;

pub use blob::Blob;
pub use decode_error::DecodeError;
pub(crate) use delimited::Delimited;
pub use envelope::replica_epoch;
pub use event::{
    AnyResponse, ConnectionStatus, MessageIdGarbageCollected, MessageReply, MessageSent, NewPkiDocument,
    SessionTokenReply, Shutdown,
};
pub use frames::{FrameTooLarge, ReplyFrame, RequestFrame};
pub(crate) use frames::{Name, encode_request, encode_short_request};
pub use geometry::{Geometry, GeometryError, PigeonholeGeometry, SphinxGeometry};
pub use ids::{
    AppId, EnvelopeHash, IdentityHash, InstanceToken, MessageId, QueryId, QueueId, SurbId, WriteCapHash,
};
pub use joined::{BoxAccess, Surb};
pub use reply::{
    CancelReply, CopyReply, CounterReply, CourierEnvelopes, DirectoryAuthorities, DirectoryAuthority,
    EncryptReply, FailureDetail, IndexReply, KeypairReply, MultiCourierEnvelopes, PkiDocumentReply,
    ReplyFailure, ResendingReply, TombstoneEnvelopes, VoucherInductReply, VoucherMintReply, VoucherOpenReply,
    VoucherStreamReply,
};
pub use request::{
    CancelResendingCopyCommand, CancelResendingEncryptedMessage, CreateCourierEnvelopesFromMultiPayload,
    CreateCourierEnvelopesFromPayload, CreateCourierEnvelopesFromTombstoneRange, Destination, EncryptRead,
    EncryptWrite, GetDirectoryAuthorities, GetMessageBoxIndexCounter, GetPkiDocument, NewKeypair,
    NextMessageBoxIndex, PresentSessionToken, SendMessage, StartResendingCopyCommand,
    StartResendingEncryptedMessage, ThinClose, VoucherDeriveStream, VoucherInduct, VoucherMint, VoucherOpen,
};
pub use secrets::{
    MessageBoxIndex, ReadCap, Salt, SecretBytes, Seed, SessionToken, Voucher, VoucherPublicKey,
    VoucherSecretKey, WriteCap, WrongLength,
};
pub use table::{AnyReply, AnyRequest, Class, EventKind, Lane, Request, RequestKind};

pub use crate::cbor::{CborError, CborProblem, MemberProblem};
