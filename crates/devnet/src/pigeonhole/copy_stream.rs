//! Copy streams: envelopes packed into boxes, for a courier to carry out (Pigeonhole backend §6.1-6.3).
//!
//! The stream is each envelope behind its length. It is cut into elements, one for a box: flags (1) ‖ length (4) ‖ part
//! of the stream.

use std::num::NonZeroUsize;

use thiserror::Error;

use super::geometry::Geometry;
use super::messages::{CourierEnvelope, Message, ParseError, Reader};

/// The flag of the first element, which no decoder looks at.
const START: u8 = 1;
/// The flag of the last element.
const FINAL: u8 = 2;

/// Packs envelopes into elements, each the plaintext of one box.
///
/// It always keeps the last part back, at most one element, because that may become the final one.
#[derive(Debug)]
pub(crate) struct CopyEncoder {
    chunk: NonZeroUsize,
    flags: u8,
    buffer: Vec<u8>,
}

impl CopyEncoder {
    /// Continues a stream from what an earlier encoder kept back, or begins with nothing.
    ///
    /// There is none where boxes are too small for elements.
    pub(crate) fn new(geometry: Geometry, buffer: Vec<u8>) -> Option<Self> {
        Some(Self { chunk: geometry.copy_chunk()?, flags: 0, buffer })
    }

    /// Marks the next element as the first of the stream.
    pub(crate) const fn with_start(mut self) -> Self {
        self.flags = START;
        self
    }

    /// Appends an envelope and returns the elements that are complete.
    pub(crate) fn push(&mut self, envelope: &CourierEnvelope) -> Vec<Vec<u8>> {
        let bytes = envelope.encode();
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.buffer.extend(len.to_be_bytes());
        self.buffer.extend(bytes);
        self.complete()
    }

    /// Ends the stream; if nothing was kept back, nothing says that it ended.
    pub(crate) fn finish(mut self) -> Vec<Vec<u8>> {
        let mut elements = self.complete();
        if !self.buffer.is_empty() {
            self.flags |= FINAL;
            elements.push(self.cut());
        }
        elements
    }

    /// Returns everything as elements, the last possibly short, without ending the stream.
    pub(crate) fn flush(mut self) -> Vec<Vec<u8>> {
        let mut elements = self.complete();
        if !self.buffer.is_empty() {
            elements.push(self.cut());
        }
        elements
    }

    /// Returns what was kept back, for another encoder to continue with.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    fn complete(&mut self) -> Vec<Vec<u8>> {
        let mut elements = Vec::new();
        // A buffer of exactly one chunk stays: it may be the last.
        while self.buffer.len() > self.chunk.get() {
            elements.push(self.cut());
        }
        elements
    }

    /// Cuts off one element.
    fn cut(&mut self) -> Vec<u8> {
        let len = self.buffer.len().min(self.chunk.get());
        let mut element = vec![std::mem::take(&mut self.flags)];
        element.extend(u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes());
        element.extend(self.buffer.drain(..len));
        element
    }
}

/// Why a copy stream cannot be followed further.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum CopyStreamError {
    /// An element is larger than a box.
    #[error("an element of the copy stream is too large")]
    Element,
    /// An envelope is too large, or not as long as it says.
    #[error("an envelope of the copy stream is malformed")]
    Envelope,
}

/// Finds the envelopes in the boxes of a stream.
///
/// Give it one box by [`Self::push_box`], then take envelopes until there is none. It holds at most one incomplete
/// element and one incomplete envelope beside the box. After an error it is of no further use.
#[derive(Clone, Debug)]
pub(crate) struct CopyDecoder {
    geometry: Geometry,
    elements: Vec<u8>,
    stream: Vec<u8>,
    is_final: bool,
}

impl CopyDecoder {
    pub(crate) const fn new(geometry: Geometry) -> Self {
        Self { geometry, elements: Vec::new(), stream: Vec::new(), is_final: false }
    }

    /// Takes the unpadded content of the next box.
    pub(crate) fn push_box(&mut self, content: &[u8]) -> Result<(), CopyStreamError> {
        self.elements.extend(content);
        while let Some((flags, len)) = self.elements.split_first_chunk().map(header) {
            let end = len.checked_add(5).filter(|end| *end <= self.geometry.plaintext_max());
            let end = end.ok_or(CopyStreamError::Element)?;
            let Some(data) = self.elements.get(5..end) else {
                break;
            };
            self.stream.extend(data);
            self.is_final |= flags & FINAL != 0;
            drop(self.elements.drain(..end));
        }
        Ok(())
    }

    /// Returns the next complete envelope.
    pub(crate) fn next_envelope(&mut self) -> Result<Option<CourierEnvelope>, CopyStreamError> {
        let mut reader = Reader::new(&self.stream).map_err(|_| CopyStreamError::Envelope)?;
        let Ok(len) = reader.array().map(u32::from_be_bytes) else {
            return Ok(None);
        };
        let len = usize::try_from(len).ok().filter(|len| *len <= self.geometry.courier_query());
        let len = len.ok_or(CopyStreamError::Envelope)?;
        let Some(bytes) = self.stream.get(4..len + 4) else {
            return Ok(None);
        };
        let envelope = CourierEnvelope::decode_exact(bytes);
        drop(self.stream.drain(..len + 4));
        envelope.map(Some).map_err(|_: ParseError| CopyStreamError::Envelope)
    }

    /// Tells whether the final element was among the boxes, after which no box belongs to the stream.
    pub(crate) const fn is_final(&self) -> bool {
        self.is_final
    }

    /// Returns how many bytes wait for more, or are left over if the stream has ended.
    pub(crate) const fn remaining(&self) -> usize {
        self.elements.len() + self.stream.len()
    }
}

/// Reads flags and length of an element.
fn header((header, _): (&[u8; 5], &[u8])) -> (u8, usize) {
    let [flags, a, b, c, d] = *header;
    (flags, usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::pigeonhole::testing::{entries, hex, hex_list};

    const FILE: &str = include_str!("../../tests/vectors/copy_stream.json");

    fn geometry(entry: &Value) -> Geometry {
        let plaintext_max = entry["max_plaintext_payload_length"].as_u64().unwrap();
        Geometry::new(usize::try_from(plaintext_max).unwrap() + 451).unwrap()
    }

    #[test]
    fn encodes_as_the_reference() {
        for entry in entries(FILE, "encode", 18) {
            let flag = |name: &str| entry[name].as_bool().unwrap();
            let mut encoder = CopyEncoder::new(geometry(&entry), hex(&entry, "buffer_in")).unwrap();
            if flag("is_start") {
                encoder = encoder.with_start();
            }
            let mut elements = Vec::new();
            for envelope in hex_list(&entry, "envelopes") {
                elements.extend(encoder.push(&CourierEnvelope::decode_exact(&envelope).unwrap()));
            }
            let mut buffer = None;
            match (flag("is_last"), entry["mode"].as_str().unwrap()) {
                (true, _) => elements.extend(encoder.finish()),
                (false, "single") => elements.extend(encoder.flush()),
                (false, "multi") => buffer = Some(encoder.into_buffer()),
                (false, other) => panic!("{other}"),
            }
            assert_eq!(elements, hex_list(&entry, "elements"), "{}", entry["name"]);
            let expected = entry["buffer_out"].is_string().then(|| hex(&entry, "buffer_out"));
            assert_eq!(buffer, expected, "{}", entry["name"]);
        }
    }

    #[test]
    fn decodes_as_the_reference() {
        for entry in entries(FILE, "decode", 19) {
            let mut decoder = CopyDecoder::new(geometry(&entry));
            let mut hashes = Vec::new();
            let result = decode(&mut decoder, &hex_list(&entry, "boxes"), &mut hashes);
            let name = &entry["name"];
            assert_eq!(result.is_err(), entry["error"].is_string(), "{name}");
            assert_eq!(hashes, hex_list(&entry, "envelope_hashes"), "{name}");
            assert_eq!(hashes.len() as u64, entry["envelopes"].as_u64().unwrap(), "{name}");
            assert_eq!(decoder.is_final(), entry["final"].as_bool().unwrap(), "{name}");
            assert_eq!(decoder.remaining() as u64, entry["remaining"].as_u64().unwrap(), "{name}");
        }
    }

    fn decode(
        decoder: &mut CopyDecoder,
        boxes: &[Vec<u8>],
        hashes: &mut Vec<Vec<u8>>,
    ) -> Result<(), CopyStreamError> {
        for content in boxes {
            decoder.push_box(content)?;
            while let Some(envelope) = decoder.next_envelope()? {
                hashes.push(envelope.hash().0.to_vec());
            }
        }
        Ok(())
    }

    #[test]
    fn payloads_take_as_many_boxes_as_in_the_reference() {
        let real = entries(FILE, "encode", 18).pop().unwrap();
        let real = CourierEnvelope::decode_exact(&hex_list(&real, "envelopes")[0]).unwrap();
        for entry in entries(FILE, "chunking", 10) {
            let number = |name: &str| usize::try_from(entry[name].as_u64().unwrap()).unwrap();
            let geometry = geometry(&entry);
            let mut envelope = real.clone();
            envelope.ciphertext.resize(geometry.mkem_envelope(), 0);

            let payload = vec![0; number("payload_length")];
            let chunk = geometry.copy_payload().unwrap().get();
            assert_eq!(chunk, number("chunk_length"));
            let chunks = payload.chunks(chunk);
            assert_eq!(chunks.len(), number("destination_boxes"));
            assert_eq!(chunks.clone().last().map_or(0, <[u8]>::len), number("last_chunk"));

            let mut encoder = CopyEncoder::new(geometry, Vec::new()).unwrap();
            let mut elements: Vec<_> = chunks.flat_map(|_| encoder.push(&envelope)).collect();
            elements.extend(encoder.finish());
            assert_eq!(elements.len(), number("elements"));
            let stream: usize = elements.iter().map(|element| element.len() - 5).sum();
            assert_eq!(stream, number("stream_bytes"));
        }
    }

    #[test]
    fn tiny_boxes_hold_no_copy_stream() {
        assert!(CopyEncoder::new(Geometry::new(451 + 5).unwrap(), Vec::new()).is_none());
        assert!(CopyEncoder::new(Geometry::new(451 + 6).unwrap(), Vec::new()).is_some());
    }
}
