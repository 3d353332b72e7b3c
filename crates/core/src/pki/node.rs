//! A descriptor as a document holds it: bytes that may not be one.

use alloc::vec::Vec;

use super::{DocumentError, MixDescriptor};
use crate::{
    cbor::{MemberProblem, Reader, Value, Writer},
    wire::Blob,
};

/// One entry of a document's lists of nodes.
///
/// Keeps the bytes it came in, which is what the document encodes again, next to what they say.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    bytes: Blob,
    descriptor: Result<MixDescriptor, DocumentError>,
}

impl Node {
    /// The descriptor, or `None` if the bytes are none: skip such a node.
    #[must_use]
    pub fn descriptor(&self) -> Option<&MixDescriptor> {
        self.descriptor.as_ref().ok()
    }

    /// Why there is no descriptor.
    #[must_use]
    pub fn error(&self) -> Option<DocumentError> {
        self.descriptor.as_ref().err().copied()
    }

    /// The bytes as they stand in the document.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<MixDescriptor> for Node {
    fn from(descriptor: MixDescriptor) -> Self {
        Self { bytes: descriptor.encode().into(), descriptor: Ok(descriptor) }
    }
}

/// Takes bytes that may be broken.
impl From<Vec<u8>> for Node {
    fn from(bytes: Vec<u8>) -> Self {
        Self { descriptor: MixDescriptor::decode(&bytes), bytes: bytes.into() }
    }
}

impl Value for Node {
    fn absent() -> Option<Self> {
        Some(Vec::new().into())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        Blob::read(reader).map(|bytes| bytes.into_vec().into())
    }

    fn write(&self, writer: &mut Writer<'_>) {
        self.bytes.write(writer);
    }
}
