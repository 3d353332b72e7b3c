//! The boxes of a copy stream, as a courier reads them.

use kpthin_devnet::testing::copy_stream;

use crate::Rng;

/// The first bytes say where the rest is cut into boxes.
pub(super) fn run(input: &[u8]) {
    let (choices, stream) = input.split_at(input.len().min(16));
    let mut rng = Rng::from_bytes(choices);
    let mut boxes = Vec::new();
    let mut rest = stream;
    while !rest.is_empty() {
        let (content, behind) = rest.split_at((1 + rng.below_len(2_000)).min(rest.len()));
        boxes.push(content);
        rest = behind;
    }
    let (envelopes, left) = copy_stream(&boxes);
    assert!(envelopes * 4 + left <= stream.len());
}
