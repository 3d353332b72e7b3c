//! Responses that answer no query: status, documents, messages, the session.

use alloc::{string::String, vec::Vec};

use super::{
    AppId, Blob, InstanceToken, MessageId, PigeonholeGeometry, ReplyFrame, SecretBytes, SphinxGeometry,
    SurbId,
};
use crate::cbor::message;

message! {
    /// The first frame of every link, and then one per change (§4.2).
    pub struct ConnectionStatus {
        /// Whether the daemon has a session with a gateway; only a hint.
        pub is_connected: bool,
        /// The daemon process.
        pub instance_token: InstanceToken,
        /// Sizes of packets.
        pub sphinx_geometry: Option<SphinxGeometry>,
        /// Sizes of boxes.
        pub pigeonhole_geometry: Option<PigeonholeGeometry>,
    }

    /// The second frame of every link, and then one per epoch (§4.3).
    pub struct NewPkiDocument {
        /// The document of §7.1, signatures stripped; `None` if the daemon has none yet.
        pub payload: Option<Blob>,
    }

    /// The answer to a session token (§3.3).
    pub struct SessionTokenReply {
        /// The daemon's name for the session.
        pub app_id: AppId,
        /// Whether the session was known.
        pub resumed: bool,
    }

    /// The daemon stops (§3.5).
    pub struct Shutdown {}

    /// A message left for the mix network, or could not (§4.4).
    #[derive(Default)]
    pub struct MessageSent {
        /// The message's label.
        pub message_id: Option<MessageId>,
        /// The message.
        pub surbid: Option<SurbId>,
        /// Unix time in whole seconds.
        pub sent_at: u64,
        /// The expected round trip in nanoseconds, 0 on failure.
        pub reply_eta: i64,
        /// Set if the message could not be sent; newer daemons say with an empty text that it was (M2).
        pub err: Option<String>,
        /// The nodes on the way to the service, as newer daemons tell; `None` means unknown (M1).
        pub forward_route: Option<Vec<String>> as "forward_route" optional,
        /// The nodes on the reply's way back, as newer daemons tell; `None` means unknown (M1).
        pub return_route: Option<Vec<String>> as "return_route" optional,
    }

    /// The reply to a message (§4.4).
    pub struct MessageReply {
        /// The message's label.
        pub message_id: Option<MessageId>,
        /// The message.
        pub surbid: Option<SurbId>,
        /// `ForwardPayloadLength` bytes, zero-padded.
        pub payload: SecretBytes,
        /// Always 0.
        pub error_code: u8,
    }

    /// Declared by the protocol, sent by nobody.
    pub struct MessageIdGarbageCollected {
        /// The message's label.
        pub message_id: Option<MessageId>,
    }
}

impl MessageSent {
    /// Why the message could not be sent, `None` if it was.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.err.as_deref().filter(|text| !text.is_empty())
    }
}

/// What one frame from the daemon says.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "closed by the wire")]
#[expect(clippy::large_enum_variant, reason = "replies are moved once and never stored as this type")]
pub enum AnyResponse {
    /// `connection_status_event`
    ConnectionStatus(ConnectionStatus),
    /// `message_id_garbage_collected`
    MessageIdGarbageCollected(MessageIdGarbageCollected),
    /// `message_reply_event`
    MessageReply(MessageReply),
    /// `message_sent_event`
    MessageSent(MessageSent),
    /// `new_pki_document_event`
    NewPkiDocument(NewPkiDocument),
    /// Any of the 18 replies that carry a query id.
    Reply(ReplyFrame),
    /// `session_token_reply`
    SessionToken(SessionTokenReply),
    /// `shutdown_event`
    Shutdown(Shutdown),
}
