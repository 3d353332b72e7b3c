//! A cursor over bytes that believes no length.

use super::{INPUT_LEN_MAX, ParseError};

/// The bytes a decoder has not looked at yet.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts at the front of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.len() > INPUT_LEN_MAX {
            return Err(ParseError::TooLong);
        }
        Ok(Self(bytes))
    }

    /// Takes a field of fixed length.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(ParseError::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    /// Takes one byte.
    pub(crate) fn byte(&mut self) -> Result<u8, ParseError> {
        self.array().map(u8::from_be_bytes)
    }

    /// Takes a length of four bytes and as many bytes as it says.
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ParseError> {
        let len = self.array().map(u32::from_be_bytes)?;
        let len = usize::try_from(len).map_err(|_| ParseError::Short)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(ParseError::Short)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// Tells whether everything was taken.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
