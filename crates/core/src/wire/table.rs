//! The one table of requests, with their replies, and of events.

use super::{
    CancelReply, CancelResendingCopyCommand, CancelResendingEncryptedMessage, CopyReply, CounterReply,
    CourierEnvelopes, CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
    CreateCourierEnvelopesFromTombstoneRange, DirectoryAuthorities, EncryptRead, EncryptReply, EncryptWrite,
    GetDirectoryAuthorities, GetMessageBoxIndexCounter, GetPkiDocument, IndexReply, KeypairReply,
    MessageReply, MessageSent, MultiCourierEnvelopes, NewKeypair, NextMessageBoxIndex, PkiDocumentReply,
    PresentSessionToken, ResendingReply, SendMessage, StartResendingCopyCommand,
    StartResendingEncryptedMessage, ThinClose, TombstoneEnvelopes, VoucherDeriveStream, VoucherInduct,
    VoucherInductReply, VoucherMint, VoucherMintReply, VoucherOpen, VoucherOpenReply, VoucherStreamReply,
};
use crate::cbor::{Member, MemberFault, Reader, Unset, Writer};

/// How a request is treated when its link is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the protocol")]
pub enum Class {
    /// Answered by the daemon alone: sent again with the same id.
    Local,
    /// A message to a service: never sent twice.
    Message,
    /// Runs in the daemon until it ends: cancelled and started again under a new id.
    Operation,
    /// Belongs to a link, not to a caller.
    Session,
}

/// Which of the queues towards the daemon a request waits in (§9.1, Q-16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the protocol")]
pub enum Lane {
    /// Goes ahead of everything queued.
    Cancel,
    /// Packs a copy stream: never two at once.
    Create,
    /// Takes one of the sixteen places towards the mix network.
    Mixnet,
    /// Takes the daemon no time worth mentioning.
    Quick,
    /// Part of the handshake or of closing; never queued.
    Session,
    /// Takes the daemon seconds of key agreement.
    Slow,
}

/// A request that a caller can start, with what it is answered with.
///
/// Implemented by the 19 request structs that belong to callers; the two that belong to a link,
/// the session token and the close, are the machine's own.
pub trait Request: Into<AnyRequest> {
    /// The row of the table.
    const KIND: RequestKind;
    /// How the request is treated when its link is lost.
    const CLASS: Class = Self::KIND.class();
    /// The member's name on the wire.
    const NAME: &'static str = Self::KIND.name();
    /// The body of a successful reply.
    type Reply;

    /// Takes the body out of a reply to this kind of request, `None` for one to another kind.
    fn take_reply(reply: AnyReply) -> Option<Self::Reply>;
}

macro_rules! table {
    ($( $name:literal $kind:ident($request:ident) $class:ident $lane:ident $(=> $reply:ident)?, )*) => {
        /// The kinds of requests, named as on the wire.
        ///
        /// | wire name | class | lane |
        /// |---|---|---|
        $( #[doc = concat!("| `", $name, "` | ", stringify!($class), " | ", stringify!($lane), " |")] )*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
        pub enum RequestKind {
            $( #[doc = concat!("`", $name, "`")] $kind, )*
        }

        impl RequestKind {
            /// All kinds, in the order of the table.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            /// The member's name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$kind => $name, )* }
            }

            /// The member's name in the daemon's answer.
            ///
            /// A message is answered by events instead, a close by the end of the link.
            #[must_use]
            pub const fn reply_name(self) -> &'static str {
                match self { $( Self::$kind => concat!($name, "_reply"), )* }
            }

            /// The kind with this name on the wire.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Some(match name {
                    $( $name => Self::$kind, )*
                    _ => return None,
                })
            }

            /// How the request is treated when its link is lost.
            #[must_use]
            pub const fn class(self) -> Class {
                match self { $( Self::$kind => Class::$class, )* }
            }

            /// Which queue the request waits in.
            #[must_use]
            pub const fn lane(self) -> Lane {
                match self { $( Self::$kind => Lane::$lane, )* }
            }
        }

        /// Any request.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
        pub enum AnyRequest {
            $( #[doc = concat!("`", $name, "`")] $kind($request), )*
        }

        impl AnyRequest {
            /// The row of the table.
            #[must_use]
            pub const fn kind(&self) -> RequestKind {
                match self { $( Self::$kind(_) => RequestKind::$kind, )* }
            }

            pub(super) fn read(kind: RequestKind, reader: &mut Reader<'_>) -> Result<Self, MemberFault> {
                Ok(match kind { $( RequestKind::$kind => Self::$kind($request::read_map(reader)?), )* })
            }

            pub(super) fn member_count(&self) -> usize {
                match self { $( Self::$kind(request) => request.member_count(Unset::Omit), )* }
            }

            pub(super) fn write_members(&self, writer: &mut Writer<'_>) {
                match self { $( Self::$kind(request) => request.write_members(Unset::Omit, writer), )* }
            }
        }

        $(
            impl From<$request> for AnyRequest {
                fn from(request: $request) -> Self {
                    Self::$kind(request)
                }
            }
        )*

        $($(
            impl Request for $request {
                const KIND: RequestKind = RequestKind::$kind;
                type Reply = $reply;

                fn take_reply(reply: AnyReply) -> Option<$reply> {
                    match reply {
                        AnyReply::$kind(reply) => Some(reply),
                        _ => None,
                    }
                }
            }
        )?)*

        /// The body of any successful reply.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
        pub enum AnyReply {
            $($( #[doc = concat!("Answers `", $name, "`.")] $kind($reply), )?)*
            /// Answers a `send_message` whose caller wants no reply: the message has left.
            MessageSent(MessageSent),
        }

        impl AnyReply {
            /// The row of the table.
            #[must_use]
            pub const fn kind(&self) -> RequestKind {
                match self {
                    $($( Self::$kind(table!(@ignore $reply _)) => RequestKind::$kind, )?)*
                    Self::MessageSent(_) => RequestKind::SendMessage,
                }
            }

            pub(super) fn read(kind: RequestKind, reader: &mut Reader<'_>) -> Result<Option<Self>, MemberFault> {
                Ok(match kind {
                    $( RequestKind::$kind => table!(@read reader $kind $($reply)?), )*
                })
            }

            pub(super) fn member_count(&self) -> usize {
                match self {
                    $($( Self::$kind(reply) => <$reply as Member>::member_count(reply, Unset::Null), )?)*
                    Self::MessageSent(reply) => reply.member_count(Unset::Null),
                }
            }

            pub(super) fn write_members(&self, writer: &mut Writer<'_>) {
                match self {
                    $($( Self::$kind(reply) => <$reply as Member>::write_members(reply, Unset::Null, writer), )?)*
                    Self::MessageSent(reply) => reply.write_members(Unset::Null, writer),
                }
            }
        }
    };
    (@ignore $reply:ident $pattern:pat) => { $pattern };
    (@read $reader:ident $kind:ident) => { None };
    (@read $reader:ident $kind:ident $reply:ident) => { Some(Self::$kind($reply::read_map($reader)?)) };
}

table! {
    "session_token" SessionToken(PresentSessionToken) Session Session,
    "thin_close" ThinClose(ThinClose) Session Session,
    "send_message" SendMessage(SendMessage) Message Mixnet => MessageReply,
    "new_keypair" NewKeypair(NewKeypair) Local Quick => KeypairReply,
    "encrypt_read" EncryptRead(EncryptRead) Local Slow => EncryptReply,
    "encrypt_write" EncryptWrite(EncryptWrite) Local Slow => EncryptReply,
    "start_resending_encrypted_message" StartResendingEncryptedMessage(StartResendingEncryptedMessage) Operation Mixnet => ResendingReply,
    "cancel_resending_encrypted_message" CancelResendingEncryptedMessage(CancelResendingEncryptedMessage) Local Cancel => CancelReply,
    "start_resending_copy_command" StartResendingCopyCommand(StartResendingCopyCommand) Operation Mixnet => CopyReply,
    "cancel_resending_copy_command" CancelResendingCopyCommand(CancelResendingCopyCommand) Local Cancel => CancelReply,
    "next_message_box_index" NextMessageBoxIndex(NextMessageBoxIndex) Local Quick => IndexReply,
    "get_message_box_index_counter" GetMessageBoxIndexCounter(GetMessageBoxIndexCounter) Local Quick => CounterReply,
    "get_pki_document" GetPkiDocument(GetPkiDocument) Local Quick => PkiDocumentReply,
    "get_directory_authorities" GetDirectoryAuthorities(GetDirectoryAuthorities) Local Quick => DirectoryAuthorities,
    "create_courier_envelopes_from_payload" CreateCourierEnvelopesFromPayload(CreateCourierEnvelopesFromPayload) Local Create => CourierEnvelopes,
    "create_courier_envelopes_from_multi_payload" CreateCourierEnvelopesFromMultiPayload(CreateCourierEnvelopesFromMultiPayload) Local Create => MultiCourierEnvelopes,
    "create_courier_envelopes_from_tombstone_range" CreateCourierEnvelopesFromTombstoneRange(CreateCourierEnvelopesFromTombstoneRange) Local Create => TombstoneEnvelopes,
    "voucher_mint" VoucherMint(VoucherMint) Local Slow => VoucherMintReply,
    "voucher_induct" VoucherInduct(VoucherInduct) Local Slow => VoucherInductReply,
    "voucher_open" VoucherOpen(VoucherOpen) Local Slow => VoucherOpenReply,
    "voucher_derive_stream" VoucherDeriveStream(VoucherDeriveStream) Local Slow => VoucherStreamReply,
}

macro_rules! events {
    ($( $name:literal $kind:ident, )*) => {
        /// The kinds of responses that carry no query id, named as on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
        pub enum EventKind {
            $( #[doc = concat!("`", $name, "`")] $kind, )*
        }

        impl EventKind {
            /// The member's name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$kind => $name, )* }
            }

            /// The kind with this name on the wire.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Some(match name {
                    $( $name => Self::$kind, )*
                    _ => return None,
                })
            }
        }
    };
}

events! {
    "connection_status_event" ConnectionStatus,
    "message_id_garbage_collected" MessageIdGarbageCollected,
    "message_reply_event" MessageReply,
    "message_sent_event" MessageSent,
    "new_pki_document_event" NewPkiDocument,
    "session_token_reply" SessionToken,
    "shutdown_event" Shutdown,
}
