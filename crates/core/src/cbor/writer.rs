//! Writing CBOR into a vector: definite lengths, shortest heads.

use alloc::vec::Vec;

use ciborium_ll::{Encoder, Header};

/// Appends CBOR items to a vector.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    pub(crate) fn head(&mut self, header: Header) {
        // A vector accepts every byte: its writer's error type has no value.
        let Ok(()) = Encoder::from(Sink(self.out)).push(header);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(Header::Bytes(Some(bytes.len())));
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(Header::Text(Some(text.len())));
        self.out.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn map(&mut self, len: usize) {
        self.head(Header::Map(Some(len)));
    }

    pub(crate) fn array(&mut self, len: usize) {
        self.head(Header::Array(Some(len)));
    }

    pub(crate) fn null(&mut self) {
        self.head(Header::Simple(22));
    }

    /// Appends an item that is encoded already.
    pub(crate) fn raw(&mut self, item: &[u8]) {
        self.out.extend_from_slice(item);
    }
}

/// A vector as the encoder's output.
struct Sink<'a>(&'a mut Vec<u8>);

impl ciborium_io::Write for Sink<'_> {
    type Error = core::convert::Infallible;

    fn write_all(&mut self, data: &[u8]) -> Result<(), Self::Error> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }
}
