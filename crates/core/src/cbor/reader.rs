//! Reading CBOR from a slice, with limits and without copying definite strings.
#![expect(clippy::wildcard_enum_match_arm, reason = "headers that do not fit are all refused alike")]

use alloc::{borrow::Cow, string::String, vec::Vec};

use ciborium_ll::{Decoder, Header};

use super::{Budget, CONTAINER_LEN_MAX, DEPTH_MAX};

/// Bytes that are not one CBOR item, or one beyond the accepted limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
#[non_exhaustive]
pub struct CborError {
    /// How many bytes of the item stand before the offending one.
    pub offset: usize,
    /// What is wrong there.
    pub problem: CborProblem,
}

/// What [`CborError`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CborProblem {
    /// A container holds more than 131,072 elements or pairs.
    #[error("container longer than 131072 elements")]
    ContainerTooLong,
    /// A text string is not UTF-8.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// The item is not a map, and only a map makes sense here.
    #[error("not a map")]
    NotAMap,
    /// A header, a break or a string segment that may not stand here.
    #[error("syntax error")]
    Syntax,
    /// More than 32 levels of nesting.
    #[error("nested deeper than 32 levels")]
    TooDeep,
    /// A frame of more than 1,048,576 items.
    #[error("more than 1048576 items")]
    TooManyItems,
    /// What the item says would take more memory than an item of its length may.
    #[error("too much memory for its length")]
    OverBudget,
    /// More bytes than what they are may have.
    #[error("too long")]
    TooLong,
    /// Bytes follow the item.
    #[error("trailing bytes")]
    Trailing,
    /// The item goes on after the last byte.
    #[error("unexpected end")]
    UnexpectedEnd,
}

/// A cursor over one CBOR item and what follows it.
///
/// Every method either advances past what it read or returns an error and leaves the position
/// unspecified. Nothing is allocated for a length that was merely declared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
    depth_left: usize,
    budget: Budget,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self::with_budget(bytes, Budget::alone(bytes.len()))
    }

    /// The same, with another budget of memory than follows from the length.
    pub(crate) const fn with_budget(bytes: &'a [u8], budget: Budget) -> Self {
        Self { rest: bytes, len: bytes.len(), depth_left: DEPTH_MAX, budget }
    }

    /// Takes what is going to be allocated out of the budget.
    pub(crate) const fn charge(&mut self, bytes: usize) -> Result<(), CborError> {
        if self.budget.charge(bytes) { Ok(()) } else { Err(self.error(CborProblem::OverBudget)) }
    }

    /// What is left of the budget.
    pub(crate) const fn budget(&self) -> Budget {
        self.budget
    }

    /// How many bytes stand before what is read next.
    pub(crate) const fn offset(&self) -> usize {
        self.len.saturating_sub(self.rest.len())
    }

    /// How many bytes are left.
    pub(crate) const fn rest_len(&self) -> usize {
        self.rest.len()
    }

    /// Counts a container whose head was just read: its elements may nest one level less.
    pub(crate) const fn inside(self) -> Self {
        Self { depth_left: self.depth_left.saturating_sub(1), ..self }
    }

    /// Goes into a container whose head was just read.
    pub(crate) fn enter(&mut self) -> Result<(), CborError> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return Err(self.error(CborProblem::TooDeep));
        };
        self.depth_left = left;
        Ok(())
    }

    /// Comes back out of it.
    pub(crate) const fn leave(&mut self) {
        self.depth_left += 1;
    }

    const fn error(&self, problem: CborProblem) -> CborError {
        CborError { offset: self.offset(), problem }
    }

    /// Reads one header, passing over the tags in front of it.
    pub(crate) fn header(&mut self) -> Result<Header, CborError> {
        loop {
            let header = self.raw_header()?;
            if !matches!(header, Header::Tag(_)) {
                return Ok(header);
            }
        }
    }

    fn raw_header(&mut self) -> Result<Header, CborError> {
        if let Some(header) = self.short_header() {
            return Ok(header);
        }
        let mut decoder = Decoder::from(self.rest);
        match decoder.pull() {
            Ok(header) => {
                let used = decoder.offset();
                self.rest = self.rest.get(used..).unwrap_or_default();
                Ok(header)
            }
            Err(ciborium_ll::Error::Io(_)) => Err(self.error(CborProblem::UnexpectedEnd)),
            Err(ciborium_ll::Error::Syntax(_)) => Err(self.error(CborProblem::Syntax)),
        }
    }

    /// Reads a head of one to three bytes, which is nearly all there are, without the detour
    /// through the decoder's reader: it takes a third of the time.
    fn short_header(&mut self) -> Option<Header> {
        let (initial, rest) = self.rest.split_first()?;
        let (value, rest) = match (initial & 0x1f, rest) {
            (value @ 0..=23, rest) => (u16::from(value), rest),
            (24, [value, rest @ ..]) => (u16::from(*value), rest),
            (25, [high, low, rest @ ..]) => (u16::from_be_bytes([*high, *low]), rest),
            _ => return None,
        };
        let header = match initial >> 5 {
            0 => Header::Positive(value.into()),
            2 => Header::Bytes(Some(value.into())),
            3 => Header::Text(Some(value.into())),
            4 => Header::Array(Some(value.into())),
            5 => Header::Map(Some(value.into())),
            _ => return None,
        };
        self.rest = rest;
        Some(header)
    }

    /// Takes `len` bytes, which a header declared.
    fn take(&mut self, len: usize) -> Result<&'a [u8], CborError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(self.error(CborProblem::UnexpectedEnd));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// The content of a byte string whose header was just read.
    pub(crate) fn bytes(&mut self, len: Option<usize>) -> Result<Cow<'a, [u8]>, CborError> {
        if let Some(len) = len {
            return Ok(Cow::Borrowed(self.take(len)?));
        }
        let mut len = 0;
        { *self }.each_segment(|segment| len += segment.len())?;
        self.charge(len)?;
        let mut joined = Vec::with_capacity(len);
        self.each_segment(|segment| joined.extend_from_slice(segment))?;
        Ok(Cow::Owned(joined))
    }

    /// The content of a text string whose header was just read.
    pub(crate) fn text(&mut self, len: Option<usize>) -> Result<Cow<'a, str>, CborError> {
        if let Some(len) = len {
            return self.text_segment(len).map(Cow::Borrowed);
        }
        let mut len = 0;
        { *self }.each_text_segment(|segment| len += segment.len())?;
        self.charge(len)?;
        let mut joined = String::with_capacity(len);
        self.each_text_segment(|segment| joined.push_str(segment))?;
        Ok(Cow::Owned(joined))
    }

    /// As [`bytes`](Self::bytes), to be kept.
    pub(crate) fn owned_bytes(&mut self, len: Option<usize>) -> Result<Vec<u8>, CborError> {
        Ok(match self.bytes(len)? {
            Cow::Borrowed(bytes) => {
                self.charge(bytes.len())?;
                bytes.to_vec()
            }
            Cow::Owned(bytes) => bytes,
        })
    }

    /// As [`text`](Self::text), to be kept.
    pub(crate) fn owned_text(&mut self, len: Option<usize>) -> Result<String, CborError> {
        Ok(match self.text(len)? {
            Cow::Borrowed(text) => {
                self.charge(text.len())?;
                text.into()
            }
            Cow::Owned(text) => text,
        })
    }

    fn text_segment(&mut self, len: usize) -> Result<&'a str, CborError> {
        let at = self.error(CborProblem::InvalidUtf8);
        core::str::from_utf8(self.take(len)?).map_err(|_| at)
    }

    /// Passes over the segments of a byte string whose header was just read.
    fn each_segment(&mut self, mut visit: impl FnMut(&'a [u8])) -> Result<(), CborError> {
        loop {
            match self.raw_header()? {
                Header::Bytes(Some(len)) => visit(self.take(len)?),
                Header::Break => return Ok(()),
                _ => return Err(self.error(CborProblem::Syntax)),
            }
        }
    }

    /// The same for a text string, each segment of which is one for itself.
    fn each_text_segment(&mut self, mut visit: impl FnMut(&'a str)) -> Result<(), CborError> {
        loop {
            match self.raw_header()? {
                Header::Text(Some(len)) => visit(self.text_segment(len)?),
                Header::Break => return Ok(()),
                _ => return Err(self.error(CborProblem::Syntax)),
            }
        }
    }

    /// Whether the next item is `null` or `undefined`; such an item is passed over.
    pub(crate) fn take_null(&mut self) -> Result<bool, CborError> {
        if !matches!(self.rest.first(), Some(0xc0..=0xdb | 0xf6 | 0xf7 | 0xf8)) {
            return Ok(false);
        }
        let before = *self;
        if matches!(self.header()?, Header::Simple(22 | 23)) {
            return Ok(true);
        }
        *self = before;
        Ok(false)
    }

    /// Whether a container of declared length `len` has another element after `read` of them.
    ///
    /// For an indefinite container this passes over its break.
    pub(crate) fn more(&mut self, len: Option<usize>, read: usize) -> Result<bool, CborError> {
        if read >= CONTAINER_LEN_MAX && len.is_none_or(|len| len > read) {
            let before = *self;
            if len.is_none() && matches!(self.raw_header(), Ok(Header::Break)) {
                return Ok(false);
            }
            *self = before;
            return Err(self.error(CborProblem::ContainerTooLong));
        }
        if let Some(len) = len {
            return Ok(read < len);
        }
        let before = *self;
        if matches!(self.raw_header()?, Header::Break) {
            return Ok(false);
        }
        *self = before;
        Ok(true)
    }

    /// Passes over one whole item and checks that it is well formed and within the limits.
    pub(crate) fn skip(&mut self) -> Result<(), CborError> {
        self.skip_nested(self.depth_left)
    }

    fn skip_nested(&mut self, depth: usize) -> Result<(), CborError> {
        let header = self.header()?;
        let (len, items) = match header {
            Header::Positive(_) | Header::Negative(_) | Header::Float(_) | Header::Simple(_) => {
                return Ok(());
            }
            Header::Bytes(Some(len)) => return self.take(len).map(drop),
            Header::Text(Some(len)) => return self.text_segment(len).map(drop),
            Header::Bytes(None) => return self.each_segment(|_| ()),
            Header::Text(None) => return self.each_text_segment(|_| ()),
            Header::Array(len) => (len, 1),
            Header::Map(len) => (len, 2),
            Header::Break | Header::Tag(_) => return Err(self.error(CborProblem::Syntax)),
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Err(self.error(CborProblem::TooDeep));
        };
        if len.is_some_and(|len| len > CONTAINER_LEN_MAX) {
            return Err(self.error(CborProblem::ContainerTooLong));
        }
        let mut read = 0;
        while self.more(len, read)? {
            for _ in 0..items {
                self.skip_nested(depth)?;
            }
            read += 1;
        }
        Ok(())
    }

    /// Takes one whole item as the bytes it is written in.
    pub(crate) fn item(&mut self) -> Result<&'a [u8], CborError> {
        let before = self.rest;
        self.skip()?;
        let used = before.len() - self.rest.len();
        Ok(before.get(..used).unwrap_or_default())
    }

    /// Checks that nothing is left.
    pub(crate) const fn end(&self) -> Result<(), CborError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(CborProblem::Trailing)) }
    }

    /// Starts a map: its declared length, or why this is none.
    pub(crate) fn map(&mut self) -> Result<Option<usize>, CborError> {
        let before = *self;
        match self.header()? {
            Header::Map(len) if len.is_some_and(|len| len > CONTAINER_LEN_MAX) => {
                Err(before.error(CborProblem::ContainerTooLong))
            }
            Header::Map(len) => Ok(len),
            _ => Err(before.error(CborProblem::NotAMap)),
        }
    }

    /// Reads a map key if it is text; any other key is passed over and yields `None`.
    pub(crate) fn key(&mut self) -> Result<Option<Cow<'a, str>>, CborError> {
        let before = *self;
        if let Header::Text(len) = self.header()? {
            return self.text(len).map(Some);
        }
        *self = before;
        self.skip()?;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn skip(bytes: &[u8]) -> Result<(), CborProblem> {
        let mut reader = Reader::new(bytes);
        reader.skip().and_then(|()| reader.end()).map_err(|error| error.problem)
    }

    #[test]
    fn nesting_is_accepted_to_thirty_two_levels() {
        let nested = |levels: usize| {
            let mut bytes = vec![0x81; levels];
            bytes.push(0x00);
            bytes
        };
        assert_eq!(skip(&nested(32)), Ok(()));
        assert_eq!(skip(&nested(33)), Err(CborProblem::TooDeep));
        assert_eq!(skip(&nested(100_000)), Err(CborProblem::TooDeep));
    }

    #[test]
    fn a_declared_length_reserves_nothing() {
        for bytes in [
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff][..],
            &[0x7b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(skip(bytes), Err(CborProblem::UnexpectedEnd));
        }
        assert_eq!(skip(&[0x9a, 0x00, 0x02, 0x00, 0x01]), Err(CborProblem::ContainerTooLong));
    }

    #[test]
    fn the_container_limit_is_inclusive_for_both_forms() {
        let fill = |len: usize, indefinite: bool| {
            let mut bytes = if indefinite {
                vec![0x9f]
            } else {
                let mut head = vec![0x9a];
                head.extend_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
                head
            };
            bytes.resize(bytes.len() + len, 0x00);
            if indefinite {
                bytes.push(0xff);
            }
            bytes
        };
        for indefinite in [false, true] {
            assert_eq!(skip(&fill(131_072, indefinite)), Ok(()));
            let over = skip(&fill(131_073, indefinite));
            assert_eq!(over, Err(CborProblem::ContainerTooLong));
        }
    }

    #[test]
    fn broken_items_are_refused() {
        assert_eq!(skip(&[]), Err(CborProblem::UnexpectedEnd));
        assert_eq!(skip(&[0xff]), Err(CborProblem::Syntax));
        assert_eq!(skip(&[0x1c]), Err(CborProblem::Syntax));
        assert_eq!(skip(&[0x00, 0x00]), Err(CborProblem::Trailing));
        assert_eq!(skip(&[0x61, 0xff]), Err(CborProblem::InvalidUtf8));
        assert_eq!(skip(&[0x5f, 0x61, 0x61, 0xff]), Err(CborProblem::Syntax));
        assert_eq!(skip(&[0x9f, 0x00]), Err(CborProblem::UnexpectedEnd));
        assert_eq!(skip(&[0xa1, 0x00]), Err(CborProblem::UnexpectedEnd));
        assert_eq!(skip(&[0xbf, 0x00, 0xff]), Err(CborProblem::Syntax));
    }

    #[test]
    fn segments_are_joined() {
        let mut reader = Reader::new(&[0x5f, 0x41, 1, 0x42, 2, 3, 0xff]);
        let Ok(Header::Bytes(len)) = reader.header() else { panic!("no byte string") };
        assert_eq!(reader.bytes(len).unwrap().as_ref(), [1, 2, 3]);
    }
}
