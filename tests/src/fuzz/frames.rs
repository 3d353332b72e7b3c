//! Frames in arbitrary chunks.

use kpthin_core::frame::{FrameBuffer, OverlongFrame};

use crate::Rng;

/// Frames and whether an overlong one ended them.
type Frames = (Vec<Vec<u8>>, Option<OverlongFrame>);

fn collect(frames: &mut FrameBuffer, into: &mut Frames) {
    while into.1.is_none() {
        match frames.next_frame() {
            Ok(Some(frame)) => into.0.push(frame.to_vec()),
            Ok(None) => return,
            Err(error) => into.1 = Some(error),
        }
    }
}

/// However a stream is cut, the same frames come out, up to the same error.
pub(super) fn run(input: &[u8]) {
    let (choices, stream) = input.split_at(input.len().min(16));
    let mut whole = (Vec::new(), None);
    let mut frames = FrameBuffer::default();
    frames.push(stream);
    collect(&mut frames, &mut whole);
    assert!(whole.1.is_some() || frames.pending_len() <= stream.len());

    let mut rng = Rng::from_bytes(choices);
    let mut parts = (Vec::new(), None);
    let mut frames = FrameBuffer::default();
    let mut rest = stream;
    while !rest.is_empty() && parts.1.is_none() {
        let (chunk, behind) = rest.split_at((1 + rng.below_len(64)).min(rest.len()));
        frames.push(chunk);
        collect(&mut frames, &mut parts);
        rest = behind;
    }
    assert_eq!(whole, parts);
}
