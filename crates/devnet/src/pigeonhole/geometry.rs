//! The sizes of everything, from one number (Pigeonhole backend §4). Lengths are bytes.

use std::num::NonZeroUsize;

/// The sizes that follow from the payload of a mix packet.
///
/// All of them follow from M, the largest plaintext of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    plaintext_max: usize,
}

impl Geometry {
    /// What a query adds to the plaintext of its box.
    const OVERHEAD: usize = 451;

    /// Derives the sizes, or nothing if not even one byte of plaintext would fit.
    pub(crate) fn new(user_forward_payload_len: usize) -> Option<Self> {
        let plaintext_max = user_forward_payload_len.checked_sub(Self::OVERHEAD)?;
        (plaintext_max > 0).then_some(Self { plaintext_max })
    }

    /// The most a box can hold, called M below and `MaxPlaintextPayloadLength` on the wire.
    pub(crate) const fn plaintext_max(self) -> usize {
        self.plaintext_max
    }

    /// M, padded with its length.
    pub(crate) const fn padded_plaintext(self) -> usize {
        self.plaintext_max + 4
    }

    /// The encrypted content of every box but a tombstone.
    pub(crate) const fn box_ciphertext(self) -> usize {
        self.plaintext_max + 20
    }

    /// The message to a replica, padded to the size of a write.
    pub(crate) const fn inner_padded(self) -> usize {
        self.plaintext_max + 125
    }

    /// What a courier envelope carries encrypted.
    pub(crate) const fn mkem_envelope(self) -> usize {
        self.plaintext_max + 153
    }

    /// A courier envelope, as copy streams carry it.
    pub(crate) const fn courier_envelope(self) -> usize {
        self.plaintext_max + 450
    }

    /// A query to a courier; `message_ciphertext` in the thin client's protocol.
    pub(crate) const fn courier_query(self) -> usize {
        self.plaintext_max + Self::OVERHEAD
    }

    /// The answer of a replica, padded to the size of an answer to a read.
    pub(crate) const fn reply_padded(self) -> usize {
        self.plaintext_max + 126
    }

    /// The encrypted answer of a replica.
    pub(crate) const fn reply_envelope(self) -> usize {
        self.plaintext_max + 154
    }

    /// The length of an answer as daemons *report* it, from an older format; see [`Self::query_reply`].
    pub(crate) const fn query_reply_reported(self) -> usize {
        self.plaintext_max + 169
    }

    /// What one element of a copy stream carries, if boxes are large enough for copy streams.
    pub(crate) const fn copy_chunk(self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.plaintext_max.saturating_sub(5))
    }

    /// What a copy writes into one destination box, if boxes are large enough for that.
    pub(crate) const fn copy_payload(self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(self.plaintext_max.saturating_sub(4))
    }

    /// A courier's answer that carries the answer of a replica.
    pub(crate) const fn query_reply(self) -> usize {
        self.plaintext_max + 194
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::entries;

    #[test]
    fn every_size_is_that_of_the_reference() {
        let file = include_str!("../../tests/vectors/geometry.json");
        for entry in entries(file, "pigeonhole", 11) {
            let payload_len = entry["user_forward_payload_length"].as_u64().unwrap();
            let geometry = Geometry::new(payload_len.try_into().unwrap());
            assert_eq!(geometry.is_none(), entry["error"].is_string());
            let Some(geometry) = geometry else { continue };
            let map = |key: &str| entry["geometry"][key].as_u64().unwrap();
            let derived = |key: &str| entry["derived"][key].as_u64().unwrap();
            let signed = |key: &str| entry["derived"][key].as_i64().unwrap();
            let copy = |size: Option<NonZeroUsize>| size.map_or(0, |size| size.get() as i64);
            assert_eq!(copy(geometry.copy_chunk()), signed("copy_chunk").max(0));
            assert_eq!(copy(geometry.copy_payload()), signed("copy_payload_per_box").max(0));
            for (size, expected) in [
                (geometry.plaintext_max(), map("MaxPlaintextPayloadLength")),
                (geometry.courier_query(), map("CourierQueryWriteLength")),
                (geometry.courier_query(), map("CourierQueryReadLength")),
                (geometry.query_reply_reported(), map("CourierQueryReplyReadLength")),
                (geometry.query_reply_reported(), map("CourierQueryReplyWriteLength")),
                (geometry.padded_plaintext(), derived("padded_box_plaintext")),
                (geometry.box_ciphertext(), derived("box_ciphertext")),
                (geometry.inner_padded(), derived("inner_padded")),
                (geometry.mkem_envelope(), derived("mkem_envelope")),
                (geometry.courier_envelope(), derived("courier_envelope")),
                (geometry.reply_padded(), derived("reply_inner_padded")),
                (geometry.reply_envelope(), derived("reply_envelope")),
                (geometry.query_reply(), derived("query_reply_on_wire")),
            ] {
                assert_eq!(size as u64, expected, "{payload_len}");
            }
        }
    }
}
