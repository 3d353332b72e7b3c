//! What a service says about itself: values of any type.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;

use super::DocumentError;
use crate::cbor::{MemberProblem, Reader, Value, Writer, read_bytes};

/// A service's parameters by name.
pub type Parameters = BTreeMap<String, Parameter>;

/// One CBOR item, kept as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Parameter(Vec<u8>);

impl Parameter {
    /// Takes exactly one CBOR item.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Cbor`] for anything else.
    pub fn from_cbor(item: impl Into<Vec<u8>>) -> Result<Self, DocumentError> {
        let item = item.into();
        let mut reader = Reader::new(&item);
        reader.skip()?;
        reader.end()?;
        Ok(Self(item))
    }

    /// The item, for types that have no accessor here.
    #[must_use]
    pub fn as_cbor(&self) -> &[u8] {
        &self.0
    }

    /// The value, if it is text.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        String::read(&mut Reader::new(&self.0)).ok()
    }

    /// The value, if it is an integer that is not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        u64::read(&mut Reader::new(&self.0)).ok()
    }

    /// The value, if it is a byte string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<Vec<u8>> {
        read_bytes(&mut Reader::new(&self.0)).ok()
    }

    fn of(value: &impl Value) -> Self {
        let mut item = Vec::new();
        value.write(&mut Writer::new(&mut item));
        Self(item)
    }
}

impl From<&str> for Parameter {
    fn from(text: &str) -> Self {
        Self::of(&String::from(text))
    }
}

impl From<u64> for Parameter {
    fn from(value: u64) -> Self {
        Self::of(&value)
    }
}

/// Prints text and integers as such, everything else as its length.
impl fmt::Debug for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_text(), self.as_u64()) {
            (Some(text), _) => write!(f, "{text:?}"),
            (None, Some(value)) => write!(f, "{value}"),
            (None, None) => write!(f, "{} bytes of CBOR", self.0.len()),
        }
    }
}

impl Value for Parameter {
    fn absent() -> Option<Self> {
        let mut null = Vec::new();
        Writer::new(&mut null).null();
        Some(Self(null))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        let item = reader.item()?;
        reader.charge(item.len())?;
        Ok(Self(item.to_vec()))
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.raw(&self.0);
    }
}
