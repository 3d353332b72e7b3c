//! Writes packed into elements of a copy stream, for a courier to carry out (§4.14-4.16).

use kpthin_bacap as bacap;
use kpthin_core::wire::{
    CourierEnvelopes, CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
    CreateCourierEnvelopesFromTombstoneRange, Destination, MessageBoxIndex, MultiCourierEnvelopes,
    SecretBytes, TombstoneEnvelopes, WriteCap,
};

use super::Devnet;
use super::local::index;
use super::request::Refusal;
use crate::pigeonhole::boxes;
use crate::pigeonhole::copy_stream::CopyEncoder;
use crate::pigeonhole::messages::InnerMessage;

/// What one destination takes at most.
const PAYLOAD_MAX: usize = 10 << 20;
/// Tombstones of one call. The reference has no bound and blocks the connection meanwhile (§4.16).
pub(super) const TOMBSTONES_MAX: u32 = 1 << 16;

/// Where the next box goes.
struct Cursor {
    cap: bacap::WriteCap,
    index: bacap::MessageBoxIndex,
}

impl Cursor {
    fn new(cap: Option<&WriteCap>, start: Option<&MessageBoxIndex>) -> Result<Self, Refusal> {
        let cap = cap.ok_or(Refusal::INVALID_REQUEST)?;
        let cap = bacap::WriteCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)?;
        Ok(Self { cap, index: index(start)? })
    }

    fn next(&self) -> MessageBoxIndex {
        MessageBoxIndex::from(self.index.to_bytes())
    }
}

impl Devnet {
    pub(super) fn pack_payload(
        &mut self,
        request: &CreateCourierEnvelopesFromPayload,
    ) -> Result<CourierEnvelopes, Refusal> {
        let mut cursor = Cursor::new(request.dest_write_cap.as_ref(), request.dest_start_index.as_ref())?;
        check_len(&request.payload)?;
        let mut encoder = self.encoder(None, request.is_start)?;
        let mut elements = self.pack(&mut encoder, &mut cursor, &request.payload)?;
        // Without payload there is no element, not even a last one.
        elements.extend(if request.is_last { encoder.finish() } else { encoder.flush() });
        Ok(CourierEnvelopes { envelopes: secret(elements), next_dest_index: cursor.next() })
    }

    pub(super) fn pack_multi_payload(
        &mut self,
        request: &CreateCourierEnvelopesFromMultiPayload,
    ) -> Result<MultiCourierEnvelopes, Refusal> {
        let cursor = |to: &Destination| {
            check_len(&to.payload)?;
            Cursor::new(to.write_cap.as_ref(), to.start_index.as_ref())
        };
        // All of them before any is carried out.
        let cursors: Result<Vec<_>, _> = request.destinations.iter().map(cursor).collect();
        let mut cursors = cursors?;
        if cursors.is_empty() {
            return Err(Refusal::INVALID_REQUEST);
        }
        let mut encoder = self.encoder(request.buffer.as_ref(), request.is_start)?;
        let mut elements = Vec::new();
        for (cursor, destination) in cursors.iter_mut().zip(&request.destinations) {
            elements.extend(self.pack(&mut encoder, cursor, &destination.payload)?);
        }
        let (rest, buffer) = end(encoder, request.is_last);
        elements.extend(rest);
        let next_dest_indices = cursors.iter().map(Cursor::next).collect();
        Ok(MultiCourierEnvelopes { envelopes: secret(elements), buffer, next_dest_indices })
    }

    pub(super) fn pack_tombstones(
        &mut self,
        request: &CreateCourierEnvelopesFromTombstoneRange,
    ) -> Result<TombstoneEnvelopes, Refusal> {
        let mut cursor = Cursor::new(request.dest_write_cap.as_ref(), request.dest_start_index.as_ref())?;
        if request.max_count == 0 {
            // The buffer is lost, and nothing is the last.
            let next_dest_index = cursor.next();
            return Ok(TombstoneEnvelopes { envelopes: Vec::new(), buffer: None, next_dest_index });
        }
        if request.max_count > TOMBSTONES_MAX {
            return Err(Refusal::INVALID_REQUEST);
        }
        let mut encoder = self.encoder(request.buffer.as_ref(), request.is_start)?;
        let mut elements = Vec::new();
        for _ in 0..request.max_count {
            elements.extend(self.pack_box(&mut encoder, &mut cursor, b"")?);
        }
        let (rest, buffer) = end(encoder, request.is_last);
        elements.extend(rest);
        Ok(TombstoneEnvelopes { envelopes: secret(elements), buffer, next_dest_index: cursor.next() })
    }

    fn encoder(&self, buffer: Option<&SecretBytes>, starts: bool) -> Result<CopyEncoder, Refusal> {
        let buffer = buffer.map(|buffer| buffer.to_vec()).unwrap_or_default();
        let encoder = CopyEncoder::new(self.geometry, buffer).ok_or(Refusal::INTERNAL_ERROR)?;
        Ok(if starts { encoder.with_start() } else { encoder })
    }

    /// Cuts a payload into boxes and packs a write for each.
    fn pack(
        &mut self,
        encoder: &mut CopyEncoder,
        cursor: &mut Cursor,
        payload: &[u8],
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let chunk = self.geometry.copy_payload().ok_or(Refusal::INTERNAL_ERROR)?;
        let mut elements = Vec::new();
        for part in payload.chunks(chunk.get()) {
            elements.extend(self.pack_box(encoder, cursor, part)?);
        }
        Ok(elements)
    }

    /// Packs the write of one box, or of a tombstone if there is no content.
    fn pack_box(
        &mut self,
        encoder: &mut CopyEncoder,
        cursor: &mut Cursor,
        content: &[u8],
    ) -> Result<Vec<Vec<u8>>, Refusal> {
        let sealed = boxes::seal(self.geometry, &cursor.cap, &cursor.index, content)
            .map_err(|_| Refusal::INTERNAL_ERROR)?;
        let envelope = self.seal_envelope(&InnerMessage::Write(sealed))?;
        cursor.index = cursor.index.next().map_err(|_| Refusal::INTERNAL_ERROR)?;
        Ok(encoder.push(&envelope.sealed))
    }
}

fn check_len(payload: &SecretBytes) -> Result<(), Refusal> {
    if payload.len() > PAYLOAD_MAX { Err(Refusal::INVALID_REQUEST) } else { Ok(()) }
}

/// The rest as elements, or as the buffer for the next call.
fn end(encoder: CopyEncoder, is_last: bool) -> (Vec<Vec<u8>>, Option<SecretBytes>) {
    if is_last { (encoder.finish(), None) } else { (Vec::new(), Some(encoder.into_buffer().into())) }
}

fn secret(elements: Vec<Vec<u8>>) -> Vec<SecretBytes> {
    elements.into_iter().map(SecretBytes::from).collect()
}
