//! A descriptor as a document holds it: bytes that may not be one.

use alloc::{borrow::Cow, vec::Vec};

use super::{DocumentError, MixDescriptor};
use crate::cbor::{MemberProblem, Reader, Value, Writer, read_bytes};

/// One entry of a document's lists of nodes.
///
/// Is the bytes that it came in, which is what the document encodes again; what they say is decoded when asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    bytes: Cow<'a, [u8]>,
}

impl<'a> Node<'a> {
    pub(super) const fn new(bytes: Cow<'a, [u8]>) -> Self {
        Self { bytes }
    }

    /// Decodes the descriptor; `None` if the bytes are none: skip such a node.
    #[must_use]
    pub fn descriptor(&self) -> Option<MixDescriptor> {
        self.decode().ok()
    }

    /// Decodes the descriptor.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] names the member that cannot be used.
    pub fn decode(&self) -> Result<MixDescriptor, DocumentError> {
        MixDescriptor::decode(&self.bytes)
    }

    /// The bytes as they stand in the document.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<MixDescriptor> for Node<'_> {
    fn from(descriptor: MixDescriptor) -> Self {
        descriptor.encode().into()
    }
}

/// Takes bytes that may be broken.
impl From<Vec<u8>> for Node<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes: bytes.into() }
    }
}

impl Value for Node<'_> {
    fn absent() -> Option<Self> {
        Some(Vec::new().into())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        read_bytes(reader).map(Self::from)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.bytes);
    }
}
