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
    /// Returns `None` if nothing would be left for a box (Pigeonhole backend §4), or for a length that no network has.
    #[must_use]
    pub fn from_user_forward_payload_length(len: u64) -> Option<Self> {
        let max = len.checked_sub(ENVELOPE_OVERHEAD)?;
        let reply = max.checked_add(REPORTED_REPLY_OVERHEAD)?;
        let geometry = Self {
            max_plaintext_payload_length: max,
            courier_query_read_length: len,
            courier_query_write_length: len,
            courier_query_reply_read_length: reply,
            courier_query_reply_write_length: reply,
            nike_name: "CTIDH1024-X25519".to_owned(),
            signature_scheme_name: "Ed25519".to_owned(),
        };
        geometry.check().ok()?;
        Some(geometry)
    }

    fn check(&self) -> Result<(), GeometryError> {
        check(&[
            ("MaxPlaintextPayloadLength", self.max_plaintext_payload_length),
            ("CourierQueryReadLength", self.courier_query_read_length),
            ("CourierQueryWriteLength", self.courier_query_write_length),
            ("CourierQueryReplyReadLength", self.courier_query_reply_read_length),
            ("CourierQueryReplyWriteLength", self.courier_query_reply_write_length),
        ])
    }
}

impl SphinxGeometry {
    fn check(&self) -> Result<(), GeometryError> {
        check(&[
            ("PacketLength", self.packet_length),
            ("NrHops", self.nr_hops),
            ("HeaderLength", self.header_length),
            ("RoutingInfoLength", self.routing_info_length),
            ("PerHopRoutingInfoLength", self.per_hop_routing_info_length),
            ("SURBLength", self.surb_length),
            ("SphinxPlaintextHeaderLength", self.sphinx_plaintext_header_length),
            ("PayloadTagLength", self.payload_tag_length),
            ("ForwardPayloadLength", self.forward_payload_length),
            ("UserForwardPayloadLength", self.user_forward_payload_length),
            ("NextNodeHopLength", self.next_node_hop_length),
            ("SPRPKeyMaterialLength", self.sprp_key_material_length),
        ])
    }
}

/// The largest size that is believed: 4 GiB, far above what a frame can hold.
const SIZE_MAX: u64 = 1 << 32;

/// A size that no network has: 0, or more than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} is {value}, and no network has such a size")]
#[non_exhaustive]
pub struct GeometryError {
    /// The member's name on the wire (§4.2).
    pub member: &'static str,
    /// What it says.
    pub value: u64,
}

fn check(sizes: &[(&'static str, u64)]) -> Result<(), GeometryError> {
    match sizes.iter().find(|(_, size)| !(1..=SIZE_MAX).contains(size)) {
        Some(&(member, value)) => Err(GeometryError { member, value }),
        None => Ok(()),
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
    ///
    /// # Errors
    ///
    /// [`GeometryError`] names a size that is 0 or above 4 GiB: limits follow from these.
    pub fn new(sphinx: SphinxGeometry, pigeonhole: PigeonholeGeometry) -> Result<Self, GeometryError> {
        pigeonhole.check()?;
        sphinx.check()?;
        Ok(Self { sphinx, pigeonhole })
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
