//! A walk over CBOR items that copies nothing and believes no length (§1.2).

use ciborium_ll::{Decoder, Header};

/// Nesting levels of one item, the same as the reference decoder's (§1.2).
const DEPTH_MAX: usize = 32;
/// Elements of one array or pairs of one map, the same as the reference decoder's (§1.2).
const CONTAINER_LEN_MAX: usize = 131_072;

/// Bytes that are no item, or one beyond the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken(pub(super) &'static str);

type Result<T> = std::result::Result<T, Broken>;

/// What is left of some bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    /// Reads one head, passing over the tags in front of it.
    pub(super) fn head(&mut self) -> Result<Header> {
        loop {
            let mut decoder = Decoder::from(self.0);
            let header = decoder.pull().map_err(|error| match error {
                ciborium_ll::Error::Io(_) => Broken("the item goes on after the last byte"),
                ciborium_ll::Error::Syntax(_) => Broken("a head that may not stand there"),
            })?;
            let used = decoder.offset();
            self.0 = self.0.get(used..).unwrap_or_default();
            if !matches!(header, Header::Tag(_)) {
                return Ok(header);
            }
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(len).ok_or(Broken("a string goes on after the last byte"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// The content of a string whose head was just read, joined if it comes in parts.
    pub(super) fn string(
        &mut self,
        len: Option<usize>,
        is_part: fn(&Header) -> Option<usize>,
    ) -> Result<Vec<u8>> {
        if let Some(len) = len {
            return self.take(len).map(<[u8]>::to_vec);
        }
        let mut joined = Vec::new();
        loop {
            match self.head()? {
                Header::Break => return Ok(joined),
                header => {
                    let len = is_part(&header).ok_or(Broken("a part of another kind in a string"))?;
                    joined.extend_from_slice(self.take(len)?);
                }
            }
        }
    }

    /// A map key if it is text, in whatever form; other keys are passed over.
    ///
    /// A key that is a byte string is an error, as in the reference (§2.1).
    pub(super) fn key(&mut self) -> Result<Option<String>> {
        let before = *self;
        match self.head()? {
            Header::Text(len) => {
                let text = String::from_utf8(self.string(len, text_part)?);
                text.map(Some).map_err(|_| Broken("a key that is no UTF-8"))
            }
            Header::Bytes(_) => Err(Broken("a key that is a byte string")),
            _ => {
                *self = before;
                self.skip(DEPTH_MAX)?;
                Ok(None)
            }
        }
    }

    /// Begins a map, and tells how many pairs it declares.
    pub(super) fn map(&mut self) -> Result<Option<usize>> {
        match self.head()? {
            Header::Map(len) => check_len(len),
            _ => Err(Broken("no map")),
        }
    }

    /// Whether a container has another element after `read` of them; passes over the break of an indefinite one.
    pub(super) fn more(&mut self, len: Option<usize>, read: usize) -> Result<bool> {
        if let Some(len) = len {
            return Ok(read < len);
        }
        let before = *self;
        if matches!(self.head()?, Header::Break) {
            return Ok(false);
        }
        *self = before;
        if read < CONTAINER_LEN_MAX { Ok(true) } else { Err(TOO_LONG) }
    }

    /// Takes one whole item, which stands in a map, as the bytes it is written in.
    pub(super) fn item(&mut self) -> Result<&'a [u8]> {
        let before = self.0;
        self.skip(DEPTH_MAX - 1)?;
        let used = before.len() - self.0.len();
        Ok(before.get(..used).unwrap_or_default())
    }

    fn skip(&mut self, depth: usize) -> Result<()> {
        let (len, items) = match self.head()? {
            Header::Positive(_) | Header::Negative(_) | Header::Float(_) | Header::Simple(_) => return Ok(()),
            Header::Bytes(Some(len)) | Header::Text(Some(len)) => return self.take(len).map(drop),
            Header::Bytes(None) => return self.string(None, bytes_part).map(drop),
            Header::Text(None) => return self.string(None, text_part).map(drop),
            Header::Array(len) => (check_len(len)?, 1),
            Header::Map(len) => (check_len(len)?, 2),
            Header::Break | Header::Tag(_) => return Err(Broken("a head that may not stand there")),
        };
        let depth = depth.checked_sub(1).ok_or(Broken("nested deeper than 32 levels"))?;
        let mut read = 0;
        while self.more(len, read)? {
            for _ in 0..items {
                self.skip(depth)?;
            }
            read += 1;
        }
        Ok(())
    }
}

const TOO_LONG: Broken = Broken("a container longer than 131072 elements");

fn check_len(len: Option<usize>) -> Result<Option<usize>> {
    if len.is_some_and(|len| len > CONTAINER_LEN_MAX) { Err(TOO_LONG) } else { Ok(len) }
}

pub(super) fn bytes_part(header: &Header) -> Option<usize> {
    match header {
        Header::Bytes(len) => *len,
        _ => None,
    }
}

fn text_part(header: &Header) -> Option<usize> {
    match header {
        Header::Text(len) => *len,
        _ => None,
    }
}

/// Whether an item is null or undefined, perhaps behind tags.
pub(super) fn is_null(item: &[u8]) -> bool {
    matches!(Cursor(item).head(), Ok(Header::Simple(22 | 23)))
}
