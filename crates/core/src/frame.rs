//! Frames: four bytes of length, big-endian, and a body (§1.1).

use alloc::vec::Vec;
use core::ops::Range;

use zeroize::{Zeroize, Zeroizing};

/// The largest body either side accepts: 40 MiB (§1.2).
pub const BODY_LEN_MAX: usize = 40 * 1024 * 1024;

/// The length of the prefix in bytes.
pub(crate) const PREFIX_LEN: usize = 4;

/// How much more than the frame in progress the buffer has room for.
///
/// Who pushes no more at once never has it grow beyond that.
pub(crate) const SLACK: usize = 16 * 1024;

/// The most that is reserved for a frame in progress, as a multiple of what of it has arrived.
const AHEAD: usize = 16;

/// What the buffer keeps allocated once a frame is consumed; large frames are rare.
const CAPACITY_KEPT: usize = 128 * 1024;

/// A frame that declares a longer body than [`BODY_LEN_MAX`].
///
/// Its prefix is the last thing read from that link: what follows can't be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("frame declares {len} bytes, at most {BODY_LEN_MAX} are accepted")]
#[non_exhaustive]
pub struct OverlongFrame {
    /// The declared length in bytes.
    pub len: usize,
}

/// Collects received bytes and cuts them into frames.
///
/// Holds what has arrived and is not consumed, so at most one incomplete frame besides what one
/// call of [`push`](Self::push) brought. Memory for a frame is its length and 16 KiB at most, if it is pushed in
/// pieces of that, and sixteen times what has arrived of it; it is given back after a large frame.
#[derive(Clone, Debug, Default)]
pub struct FrameBuffer {
    bytes: Zeroizing<Vec<u8>>,
    consumed: usize,
}

impl FrameBuffer {
    /// Appends what was received. Then call [`next_frame`](Self::next_frame) until it has none.
    pub fn push(&mut self, bytes: &[u8]) {
        let needed = self.bytes.len().saturating_add(bytes.len());
        if needed > self.bytes.capacity() {
            self.resize(self.room_for(needed));
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// How much to allocate where so much is needed: as much as the frame in progress declares, if enough of it is here.
    fn room_for(&self, needed: usize) -> usize {
        let pending = self.bytes.get(self.consumed..).unwrap_or_default();
        let declared = pending.first_chunk().map_or(0, |prefix| u32::from_be_bytes(*prefix));
        let whole = usize::try_from(declared)
            .unwrap_or(usize::MAX)
            .min(BODY_LEN_MAX)
            .saturating_add(self.consumed + PREFIX_LEN + SLACK);
        if needed <= whole {
            // A length that was merely declared reserves little.
            needed.max(whole.min(needed.saturating_mul(AHEAD)))
        } else {
            needed.saturating_add(needed / 8)
        }
    }

    /// Moves to an allocation of another size; what is left behind is wiped.
    fn resize(&mut self, capacity: usize) {
        let mut moved = Zeroizing::new(Vec::with_capacity(capacity));
        moved.extend_from_slice(&self.bytes);
        self.bytes = moved;
    }

    /// The next complete frame's body.
    ///
    /// # Errors
    ///
    /// [`OverlongFrame`], again at every further call.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, OverlongFrame> {
        let Some(body) = self.complete()? else {
            self.compact();
            return Ok(None);
        };
        self.consumed = body.end;
        Ok(self.bytes.get(body))
    }

    /// How many bytes wait for the rest of their frame.
    #[must_use]
    pub fn pending_len(&self) -> usize {
        self.bytes.len() - self.consumed
    }

    /// The bytes that wait for the rest of their frame, and frames that were not taken yet.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn pending(&self) -> &[u8] {
        self.bytes.get(self.consumed..).unwrap_or_default()
    }

    /// Forgets everything: what follows belongs to another link.
    pub fn clear(&mut self) {
        self.bytes.zeroize();
        self.consumed = 0;
    }

    fn complete(&self) -> Result<Option<Range<usize>>, OverlongFrame> {
        let pending = self.bytes.get(self.consumed..).unwrap_or_default();
        let Some(prefix) = pending.first_chunk::<PREFIX_LEN>() else {
            return Ok(None);
        };
        let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if len > BODY_LEN_MAX {
            return Err(OverlongFrame { len });
        }
        let start = self.consumed + PREFIX_LEN;
        Ok((pending.len() - PREFIX_LEN >= len).then(|| start..start + len))
    }

    /// Moves the incomplete rest to the front.
    fn compact(&mut self) {
        if self.consumed == 0 {
            return;
        }
        drop(self.bytes.drain(..self.consumed));
        self.consumed = 0;
        if self.bytes.capacity() > CAPACITY_KEPT && self.bytes.len() <= CAPACITY_KEPT {
            self.resize(CAPACITY_KEPT);
        }
    }
}

/// Appends a frame to `out`, whose body `write` appends.
///
/// # Errors
///
/// The body's length in bytes if it is longer than [`BODY_LEN_MAX`]; `out` is then as before.
pub(crate) fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), usize> {
    let start = out.len();
    out.extend_from_slice(&[0; PREFIX_LEN]);
    write(out);
    let len = out.len() - start - PREFIX_LEN;
    if let (true, Ok(prefix)) = (len <= BODY_LEN_MAX, u32::try_from(len))
        && let Some(place) = out.get_mut(start..start + PREFIX_LEN)
    {
        place.copy_from_slice(&prefix.to_be_bytes());
        return Ok(());
    }
    out.truncate(start);
    Err(len)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn frames(buffer: &mut FrameBuffer) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        while let Some(body) = buffer.next_frame().unwrap() {
            frames.push(body.to_vec());
        }
        frames
    }

    #[test]
    fn frames_come_out_the_same_however_the_bytes_are_cut() {
        let mut bytes = Vec::new();
        for body in [&b"one"[..], b"", b"three"] {
            append(&mut bytes, |out| out.extend_from_slice(body)).unwrap();
        }
        for chunk in 1..=bytes.len() {
            let mut buffer = FrameBuffer::default();
            let mut got = Vec::new();
            for part in bytes.chunks(chunk) {
                buffer.push(part);
                got.extend(frames(&mut buffer));
            }
            assert_eq!(got, [b"one".to_vec(), b"".to_vec(), b"three".to_vec()], "chunks of {chunk}");
            assert_eq!(buffer.pending_len(), 0);
        }
    }

    #[test]
    fn the_limit_is_inclusive() {
        let limit = u32::try_from(BODY_LEN_MAX).unwrap();
        let mut buffer = FrameBuffer::default();
        buffer.push(&limit.to_be_bytes());
        assert_eq!(buffer.next_frame(), Ok(None));

        let mut buffer = FrameBuffer::default();
        buffer.push(&(limit + 1).to_be_bytes());
        let error = OverlongFrame { len: BODY_LEN_MAX + 1 };
        assert_eq!(buffer.next_frame(), Err(error));
        assert_eq!(buffer.next_frame(), Err(error));
    }

    #[test]
    fn a_declared_length_reserves_nothing() {
        let mut buffer = FrameBuffer::default();
        buffer.push(&u32::try_from(BODY_LEN_MAX).unwrap().to_be_bytes());
        assert_eq!(buffer.next_frame(), Ok(None));
        assert!(buffer.bytes.capacity() <= 16 * PREFIX_LEN);
    }

    #[test]
    fn a_frame_takes_little_more_than_its_length() {
        for len in [100, 20_000, 100_000, 3 << 20, (33 << 20) + 7] {
            let mut bytes = Vec::new();
            append(&mut bytes, |out| out.resize(4 + len, 7)).unwrap();
            // The next one begins in the same piece.
            bytes.extend_from_slice(&[0, 0, 0, 9, 1]);
            let (mut buffer, mut largest) = (FrameBuffer::default(), 0);
            for part in bytes.chunks(SLACK) {
                buffer.push(part);
                largest = largest.max(buffer.bytes.capacity());
                let _taken = frames(&mut buffer);
            }
            assert!(largest <= len + PREFIX_LEN + SLACK, "{len}: {largest}");
        }
    }

    #[test]
    fn the_buffer_shrinks_after_a_large_frame() {
        let mut bytes = Vec::new();
        append(&mut bytes, |out| out.resize(4 + (8 << 20), 7)).unwrap();
        let mut buffer = FrameBuffer::default();
        for part in bytes.chunks(65_536) {
            buffer.push(part);
        }
        assert_eq!(frames(&mut buffer).len(), 1);
        assert!(buffer.bytes.capacity() <= CAPACITY_KEPT);
    }

    #[test]
    fn a_frame_too_large_to_send_leaves_no_trace() {
        let mut out = vec![1, 2, 3];
        let len = BODY_LEN_MAX + 1;
        assert_eq!(append(&mut out, |out| out.resize(3 + PREFIX_LEN + len, 0)), Err(len));
        assert_eq!(out, [1, 2, 3]);
    }
}
