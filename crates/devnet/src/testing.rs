//! Parts of the network that are tested with any bytes.

use crate::pigeonhole::{copy_stream::CopyDecoder, geometry::Geometry};

/// What a packet holds in the reference's configuration.
const USER_FORWARD_PAYLOAD_LEN: usize = 2_000;

/// Reads the boxes of a copy stream as a courier does, up to the first that it can't follow; returns how many
/// envelopes it found and how many bytes were left.
#[must_use]
pub fn copy_stream(boxes: &[&[u8]]) -> (usize, usize) {
    let Some(geometry) = Geometry::new(USER_FORWARD_PAYLOAD_LEN) else { return (0, 0) };
    let mut decoder = CopyDecoder::new(geometry);
    let mut envelopes = 0;
    for content in boxes {
        if decoder.push_box(content).is_err() {
            break;
        }
        loop {
            match decoder.next_envelope() {
                Ok(Some(_)) => envelopes += 1,
                Ok(None) => break,
                Err(_) => return (envelopes, decoder.remaining()),
            }
        }
    }
    (envelopes, decoder.remaining())
}
