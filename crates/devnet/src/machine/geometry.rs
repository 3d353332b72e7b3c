//! The sizes that the daemon announces (§4.2, §6.8).

use kpthin_core::wire::{Geometry as AnnouncedGeometry, PigeonholeGeometry, SphinxGeometry};

use crate::pigeonhole::geometry::Geometry;

/// Sizes of packets with X25519 and five hops, which do not depend on the payload (§6.8).
const SURB_LEN: u64 = 572;
const HEADER_LEN: u64 = 476;
const TAG_LEN: u64 = 32;
const PLAINTEXT_HEADER_LEN: u64 = 2;

/// Derives all sizes from the payload of a packet.
#[expect(clippy::expect_used, reason = "the configuration was brought into its range, 512 bytes to 1 MiB")]
pub(super) fn geometries(user_forward_payload_length: usize) -> (Geometry, AnnouncedGeometry) {
    let geometry = Geometry::new(user_forward_payload_length).expect("a payload with room for a box");
    let wide = |len: usize| u64::try_from(len).unwrap_or(u64::MAX);
    let user = wide(user_forward_payload_length);
    let forward = user.saturating_add(SURB_LEN + PLAINTEXT_HEADER_LEN);
    let sphinx = SphinxGeometry {
        packet_length: forward.saturating_add(HEADER_LEN + TAG_LEN),
        nr_hops: 5,
        header_length: HEADER_LEN,
        routing_info_length: 410,
        per_hop_routing_info_length: 82,
        surb_length: SURB_LEN,
        sphinx_plaintext_header_length: PLAINTEXT_HEADER_LEN,
        payload_tag_length: TAG_LEN,
        forward_payload_length: forward,
        user_forward_payload_length: user,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "x25519".to_owned(),
        kem_name: String::new(),
    };
    let pigeonhole = PigeonholeGeometry {
        max_plaintext_payload_length: wide(geometry.plaintext_max()),
        courier_query_read_length: wide(geometry.courier_query()),
        courier_query_write_length: wide(geometry.courier_query()),
        courier_query_reply_read_length: wide(geometry.query_reply_reported()),
        courier_query_reply_write_length: wide(geometry.query_reply_reported()),
        nike_name: "CTIDH1024-X25519".to_owned(),
        signature_scheme_name: "Ed25519".to_owned(),
    };
    let announced = AnnouncedGeometry::new(sphinx, pigeonhole).expect("sizes that a network can have");
    (geometry, announced)
}
