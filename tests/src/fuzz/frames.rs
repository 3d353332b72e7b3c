//! Frames in arbitrary chunks.

use std::hash::{DefaultHasher, Hash, Hasher};

use kpthin_core::frame::{FrameBuffer, OverlongFrame};

use crate::Rng;

/// What came out: how many frames, what stands for all of them, and whether an overlong one ended them.
#[derive(Debug, Default, PartialEq)]
struct Found {
    frames: usize,
    hash: u64,
    error: Option<OverlongFrame>,
}

impl Found {
    fn take(&mut self, frames: &mut FrameBuffer) {
        while self.error.is_none() {
            match frames.next_frame() {
                Ok(Some(frame)) => {
                    self.frames += 1;
                    let mut hasher = DefaultHasher::new();
                    (self.hash, frame).hash(&mut hasher);
                    self.hash = hasher.finish();
                }
                Ok(None) => return,
                Err(error) => self.error = Some(error),
            }
        }
    }
}

/// However a stream is cut, the same frames come out, up to the same error.
pub(super) fn run(input: &[u8]) {
    let (choices, stream) = input.split_at(input.len().min(16));
    let mut whole = Found::default();
    let mut frames = FrameBuffer::default();
    frames.push(stream);
    whole.take(&mut frames);
    assert!(whole.error.is_some() || frames.pending_len() <= stream.len());

    let mut rng = Rng::from_bytes(choices);
    let mut parts = Found::default();
    let mut frames = FrameBuffer::default();
    let mut rest = stream;
    while !rest.is_empty() && parts.error.is_none() {
        let (chunk, behind) = rest.split_at((1 + rng.below_len(64)).min(rest.len()));
        frames.push(chunk);
        parts.take(&mut frames);
        rest = behind;
    }
    assert_eq!(whole, parts);
}
