//! How state is stored: magic, kind, version, body, checksum.
//!
//! What a program keeps between its runs is written by one of these and read by the other. A record
//! that was cut, changed or made by something else is refused; it never becomes half a state.

use blake2::{Blake2b, Digest, digest::consts::U8};
use kpthin_core::wire::SecretBytes;

const CHECKSUM_LEN: usize = 8;

/// Why bytes are no record of the kind that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// They were changed or cut, or never were one.
    #[error("the bytes are damaged, or were not made by this library")]
    Damaged,
    /// They hold something else that this library stores.
    #[error("the bytes hold something of another kind")]
    OtherKind,
    /// A later version of this library made them.
    #[error("version {0} of the format is not known")]
    Version(u8),
}

/// What a kind of record begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the head of a record has these parts and no others")]
pub struct Head {
    /// Names the family of records.
    pub magic: [u8; 4],
    /// Names the kind within the family.
    pub kind: u8,
    /// The version of the kind's body.
    pub version: u8,
}

impl Head {
    const LEN: usize = 6;

    /// Checks a record's frame and returns its body.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the bytes are not a whole record with this head.
    pub fn open(self, bytes: &[u8]) -> Result<RecordReader<'_>, RecordError> {
        let (magic, [kind, version, ..]) = bytes.split_first_chunk().ok_or(RecordError::Damaged)? else {
            return Err(RecordError::Damaged);
        };
        if *magic != self.magic {
            return Err(RecordError::Damaged);
        }
        if *version != self.version {
            return Err(RecordError::Version(*version));
        }
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_LEN>().ok_or(RecordError::Damaged)?;
        if checksum(body) != *sum {
            return Err(RecordError::Damaged);
        }
        if *kind != self.kind {
            return Err(RecordError::OtherKind);
        }
        Ok(RecordReader { rest: body.get(Self::LEN..).ok_or(RecordError::Damaged)? })
    }
}

/// Writes a record.
///
/// # Examples
///
/// ```
/// use kpthin_client::record::{Head, RecordWriter};
///
/// const NOTE: Head = Head { magic: *b"APPN", kind: b'n', version: 1 };
///
/// let mut writer = RecordWriter::new(NOTE, 8 + 4 + 5);
/// writer.put_u64(7);
/// writer.put_counted(b"hello");
/// let bytes = writer.finish();
///
/// let mut reader = NOTE.open(&bytes)?;
/// assert_eq!(reader.u64()?, 7);
/// assert_eq!(reader.counted()?, b"hello");
/// reader.end()?;
/// # Ok::<(), kpthin_client::record::RecordError>(())
/// ```
#[derive(Debug)]
pub struct RecordWriter {
    bytes: SecretVec,
}

/// Bytes that are wiped if they are dropped half-way.
type SecretVec = zeroize::Zeroizing<Vec<u8>>;

impl RecordWriter {
    /// Begins a record whose body has `len` bytes.
    ///
    /// A longer one works as well, and leaves an unwiped copy behind where it had to grow.
    #[must_use]
    pub fn new(head: Head, len: usize) -> Self {
        let mut bytes = SecretVec::new(Vec::with_capacity(Head::LEN + len + CHECKSUM_LEN));
        bytes.extend_from_slice(&head.magic);
        bytes.extend_from_slice(&[head.kind, head.version]);
        Self { bytes }
    }

    /// Appends bytes whose number the reader knows.
    pub fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends one byte.
    pub fn put_u8(&mut self, value: u8) {
        self.put(&[value]);
    }

    /// Appends a number, most significant byte first.
    pub fn put_u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    /// Appends bytes behind their number, which has four bytes.
    ///
    /// # Panics
    ///
    /// For 4 GiB and more.
    pub fn put_counted(&mut self, bytes: &[u8]) {
        #[expect(clippy::expect_used, reason = "documented; a wrong count would be worse")]
        let len = u32::try_from(bytes.len()).expect("less than 4 GiB in one string");
        self.put(&len.to_be_bytes());
        self.put(bytes);
    }

    /// Appends the checksum and returns the record.
    #[must_use]
    pub fn finish(mut self) -> SecretBytes {
        let sum = checksum(&self.bytes);
        self.put(&sum);
        SecretBytes::from(std::mem::take(&mut *self.bytes))
    }
}

/// Reads the body of a record, in the order in which it was written.
pub struct RecordReader<'a> {
    rest: &'a [u8],
}

impl<'a> RecordReader<'a> {
    /// Takes `N` bytes.
    ///
    /// # Errors
    ///
    /// [`RecordError::Damaged`] if there are fewer; so it is for all the others.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], RecordError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(RecordError::Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Takes one byte.
    ///
    /// # Errors
    ///
    /// [`RecordError::Damaged`] if there is none.
    pub fn u8(&mut self) -> Result<u8, RecordError> {
        self.array().map(|[byte]| *byte)
    }

    /// Takes a number.
    ///
    /// # Errors
    ///
    /// [`RecordError::Damaged`] if there is none.
    pub fn u64(&mut self) -> Result<u64, RecordError> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Takes bytes that stand behind their number.
    ///
    /// # Errors
    ///
    /// [`RecordError::Damaged`] if there are fewer than the number says.
    pub fn counted(&mut self) -> Result<&'a [u8], RecordError> {
        let len = u32::from_be_bytes(*self.array()?);
        let len = usize::try_from(len).map_err(|_| RecordError::Damaged)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(RecordError::Damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    ///
    /// [`RecordError::Damaged`] if something is.
    pub const fn end(self) -> Result<(), RecordError> {
        if self.rest.is_empty() { Ok(()) } else { Err(RecordError::Damaged) }
    }
}

impl std::fmt::Debug for RecordReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RecordReader({} bytes left)", self.rest.len())
    }
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM_LEN] {
    Blake2b::<U8>::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Head = Head { magic: *b"TEST", kind: b'a', version: 3 };

    fn record() -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, 0);
        writer.put(&[1, 2]);
        writer.put_u8(3);
        writer.put_u64(u64::MAX);
        writer.put_counted(b"five!");
        writer.finish()
    }

    #[test]
    fn what_was_put_is_taken() {
        let bytes = record();
        let mut reader = HEAD.open(&bytes).unwrap();
        assert_eq!(reader.array(), Ok(&[1, 2]));
        assert_eq!(reader.u8(), Ok(3));
        assert_eq!(reader.u64(), Ok(u64::MAX));
        assert_eq!(reader.counted(), Ok(&b"five!"[..]));
        assert_eq!(reader.u8(), Err(RecordError::Damaged));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn another_kind_a_later_version_and_another_family_are_told_apart() {
        let bytes = record();
        let opened = |head: Head| head.open(&bytes).map(drop);
        assert_eq!(opened(Head { kind: b'b', ..HEAD }), Err(RecordError::OtherKind));
        assert_eq!(opened(Head { version: 2, ..HEAD }), Err(RecordError::Version(3)));
        assert_eq!(opened(Head { magic: *b"REST", ..HEAD }), Err(RecordError::Damaged));
    }

    #[test]
    fn a_count_beyond_the_end_and_a_rest_are_damage() {
        let mut writer = RecordWriter::new(HEAD, 0);
        writer.put(&100u32.to_be_bytes());
        let bytes = writer.finish();
        assert_eq!(HEAD.open(&bytes).unwrap().counted(), Err(RecordError::Damaged));
        assert_eq!(HEAD.open(&bytes).unwrap().end(), Err(RecordError::Damaged));
    }
}
