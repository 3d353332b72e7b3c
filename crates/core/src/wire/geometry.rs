//! The sizes the daemon announces, from which every limit of a call follows.

use alloc::{borrow::ToOwned, string::String};

use crate::cbor::message;

message! {
    /// Sizes of mix network packets, as the status event carries them (§4.2). Lengths are bytes.
    ///
    /// Only [`user_forward_payload_length`](Self::user_forward_payload_length) and
    /// [`forward_payload_length`](Self::forward_payload_length) matter to a thin client.
    pub struct SphinxGeometry {
        /// A whole packet.
        pub packet_length: u64 as "PacketLength",
        /// Hops a packet makes.
        pub nr_hops: u64 as "NrHops",
        /// The packet's header.
        pub header_length: u64 as "HeaderLength",
        /// The routing information in the header.
        pub routing_info_length: u64 as "RoutingInfoLength",
        /// The routing information of one hop.
        pub per_hop_routing_info_length: u64 as "PerHopRoutingInfoLength",
        /// A single-use reply block.
        pub surb_length: u64 as "SURBLength",
        /// The header in front of the payload.
        pub sphinx_plaintext_header_length: u64 as "SphinxPlaintextHeaderLength",
        /// The tag in front of the encrypted payload.
        pub payload_tag_length: u64 as "PayloadTagLength",
        /// What a reply to a message holds, padding included.
        pub forward_payload_length: u64 as "ForwardPayloadLength",
        /// The most a message can hold.
        pub user_forward_payload_length: u64 as "UserForwardPayloadLength",
        /// The next hop's address.
        pub next_node_hop_length: u64 as "NextNodeHopLength",
        /// The keys of the payload's cipher.
        pub sprp_key_material_length: u64 as "SPRPKeyMaterialLength",
        /// The key exchange, empty if a KEM is used.
        pub nike_name: String as "NIKEName",
        /// The KEM, empty if a key exchange is used.
        pub kem_name: String as "KEMName",
    }

    /// Sizes of Pigeonhole messages, as the status event carries them (§4.2). Lengths are bytes.
    pub struct PigeonholeGeometry {
        /// The most a box can hold.
        pub max_plaintext_payload_length: u64 as "MaxPlaintextPayloadLength",
        /// A courier's query for a read.
        pub courier_query_read_length: u64 as "CourierQueryReadLength",
        /// A courier's query for a write; what `message_ciphertext` has.
        pub courier_query_write_length: u64 as "CourierQueryWriteLength",
        /// The reported length of a reply to a read.
        pub courier_query_reply_read_length: u64 as "CourierQueryReplyReadLength",
        /// The reported length of a reply to a write.
        pub courier_query_reply_write_length: u64 as "CourierQueryReplyWriteLength",
        /// The key exchange of envelopes.
        pub nike_name: String as "NIKEName",
        /// The signature scheme of boxes.
        pub signature_scheme_name: String as "SignatureSchemeName",
    }
}

/// What an envelope adds to the plaintext of a box, in bytes (Pigeonhole backend §4).
const ENVELOPE_OVERHEAD: u64 = 451;
/// What the reported reply length adds to the plaintext of a box (Pigeonhole backend §4).
///
/// The number is that of an older message format, and every daemon still reports it.
const REPORTED_REPLY_OVERHEAD: u64 = 169;

impl PigeonholeGeometry {
    /// Derives the sizes from what a message can hold, as every node of a network does.
    ///
    /// Returns `None` if nothing would be left for a box (Pigeonhole backend §4).
    #[must_use]
    pub fn from_user_forward_payload_length(len: u64) -> Option<Self> {
        let max = len.checked_sub(ENVELOPE_OVERHEAD).filter(|max| *max > 0)?;
        let reply = max.checked_add(REPORTED_REPLY_OVERHEAD)?;
        Some(Self {
            max_plaintext_payload_length: max,
            courier_query_read_length: len,
            courier_query_write_length: len,
            courier_query_reply_read_length: reply,
            courier_query_reply_write_length: reply,
            nike_name: "CTIDH1024-X25519".to_owned(),
            signature_scheme_name: "Ed25519".to_owned(),
        })
    }
}

/// Both geometries of a connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Geometry {
    /// Sizes of packets.
    pub sphinx: SphinxGeometry,
    /// Sizes of boxes.
    pub pigeonhole: PigeonholeGeometry,
}

impl Geometry {
    /// Joins the two geometries of a status event.
    #[must_use]
    pub const fn new(sphinx: SphinxGeometry, pigeonhole: PigeonholeGeometry) -> Self {
        Self { sphinx, pigeonhole }
    }

    /// The most a box can hold, in bytes.
    #[must_use]
    pub fn max_message_len(&self) -> usize {
        usize::try_from(self.pigeonhole.max_plaintext_payload_length).unwrap_or(usize::MAX)
    }

    /// The most a message to a service can hold, in bytes.
    #[must_use]
    pub fn max_payload_len(&self) -> usize {
        usize::try_from(self.sphinx.user_forward_payload_length).unwrap_or(usize::MAX)
    }
}
