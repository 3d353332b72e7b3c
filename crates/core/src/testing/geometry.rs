//! The sizes of a network, as a daemon announces them.

use alloc::{borrow::ToOwned, string::String};

use crate::wire::{PigeonholeGeometry, SphinxGeometry};

/// What a message to a service may hold; a box holds 451 bytes less.
pub const PAYLOAD_LEN_MAX: u64 = 2_000;

/// Sizes of packets, those of the devnet; only what a message and its reply hold matters to a thin client.
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
        forward_payload_length: PAYLOAD_LEN_MAX + 574,
        user_forward_payload_length: PAYLOAD_LEN_MAX,
        next_node_hop_length: 65,
        sprp_key_material_length: 64,
        nike_name: "x25519".to_owned(),
        kem_name: String::new(),
    }
}

/// Sizes of boxes that belong to them.
#[must_use]
pub fn pigeonhole_geometry() -> PigeonholeGeometry {
    PigeonholeGeometry::from_user_forward_payload_length(PAYLOAD_LEN_MAX).expect("it is long enough")
}
