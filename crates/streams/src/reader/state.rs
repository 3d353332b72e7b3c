//! What a reader has to keep.

use std::fmt;

use kpthin_bacap as bacap;
use kpthin_client::{
    record::{Head, RecordError, RecordReader, RecordWriter},
    wire::{MessageBoxIndex, ReadCap, SecretBytes},
};

use super::coverage::Coverage;
use crate::{error::StateError, steps};

const HEAD: Head = Head { magic: *b"KPTS", kind: b'r', version: 1 };

/// The position of a reader, and what it knows about the box there.
///
/// # When to save it
///
/// With each item, in the same transaction: [`Delivery::after`](crate::Delivery::after) is the state
/// to save. A reader that waits learns about retention too, so saving
/// [`StreamReader::state`](crate::StreamReader::state) once a day makes
/// [`skip_expired`](crate::StreamReader::skip_expired) surer; nothing depends on it.
///
/// # Examples
///
/// ```
/// use kpthin_streams::ReaderState;
/// # use kpthin_bacap::WriteCap;
/// # use kpthin_client::wire::ReadCap;
/// # let cap = WriteCap::from_seed(&[7; 32]).read_cap();
/// # let (read_cap, first) = (ReadCap::from(cap.to_bytes()), cap.index().to_bytes().into());
///
/// let state = ReaderState::new(read_cap, first)?;
/// let bytes = state.to_bytes(); // secret: whoever has them can read the stream
/// assert_eq!(ReaderState::from_bytes(&bytes)?, state);
/// # Ok::<(), kpthin_streams::StateError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderState {
    pub(crate) read_cap: ReadCap,
    pub(crate) index: MessageBoxIndex,
    pub(crate) coverage: Coverage,
}

impl ReaderState {
    /// A reader that begins at a box.
    ///
    /// # Errors
    ///
    /// - [`StateError::Capability`]: the capability is none.
    /// - [`StateError::ForeignIndex`]: the index is not one of its stream's. That is found out if it
    ///   lies before the capability's own, or at most 4,096 boxes behind it.
    pub fn new(read_cap: ReadCap, index: MessageBoxIndex) -> Result<Self, StateError> {
        let _ = bacap::ReadCap::from_bytes(read_cap.as_bytes())?;
        steps::check(&read_cap, &index)?;
        Ok(Self { read_cap, index, coverage: Coverage::default() })
    }

    /// The stream.
    #[must_use]
    pub const fn read_cap(&self) -> &ReadCap {
        &self.read_cap
    }

    /// The box that is to be read next.
    #[must_use]
    pub const fn index(&self) -> &MessageBoxIndex {
        &self.index
    }

    /// The bytes to store. Whoever has them can read the stream from here on.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, Self::LEN);
        self.put(&mut writer);
        writer.finish()
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`StateError::Record`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = HEAD.open(bytes)?;
        let state = Self::take(&mut reader)?;
        reader.end()?;
        Ok(state)
    }

    pub(crate) const LEN: usize = 136 + 104 + 2 * 9;

    /// The body: capability, index, two epochs that may be missing.
    pub(crate) fn put(&self, writer: &mut RecordWriter) {
        writer.put(self.read_cap.as_bytes());
        writer.put(self.index.as_bytes());
        for epoch in self.coverage.parts() {
            writer.put_u8(u8::from(epoch.is_some()));
            writer.put_u64(epoch.unwrap_or_default());
        }
    }

    pub(crate) fn take(reader: &mut RecordReader<'_>) -> Result<Self, RecordError> {
        let read_cap = ReadCap::from(*reader.array::<136>()?);
        let index = MessageBoxIndex::from(*reader.array::<104>()?);
        let mut epoch = || match (reader.u8()?, reader.u64()?) {
            (0, 0) => Ok(None),
            (1, epoch) => Ok(Some(epoch)),
            _ => Err(RecordError::Damaged),
        };
        let coverage = Coverage::from_parts(epoch()?, epoch()?);
        Ok(Self { read_cap, index, coverage })
    }
}

impl fmt::Debug for ReaderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReaderState(#{})", self.index.counter())
    }
}
