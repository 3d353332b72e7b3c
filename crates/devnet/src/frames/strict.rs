//! Frames written anew in the strict form, which is then decoded as everywhere else.
//!
//! What is put right: byte strings that came as arrays of integers, ids and hashes of other lengths, keys in other cases,
//! and members given twice, of which the first counts. Where the reference does without a member, and acts in its own way,
//! something else is put in its place, and what was not there is told besides.

use std::collections::BTreeSet;

use ciborium_ll::{Encoder, Header};
use kpthin_bacap::{ReadCap, WriteCap};
use kpthin_core::wire::{IdentityHash, MessageBoxIndex, QueueId, RequestKind};

use super::cursor::{Broken, Cursor, bytes_part, is_null};
use super::ids::{Ids, Sink};
use super::shape::{self, Member, Shape};
use crate::quirks::Quirks;

/// Members that were not there, where the request holds something else in their place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// A message's destination.
    pub(crate) destination: bool,
    /// The box that a read asks for.
    pub(crate) index: bool,
    /// A message's queue.
    pub(crate) queue: Option<NoQueue>,
}

/// Why there is no queue that a message could go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoQueue {
    /// Its id has this length, which none has.
    Length(usize),
    Missing,
}

/// A frame as it is written anew.
pub(super) struct Strict<'a> {
    out: Vec<u8>,
    quirks: &'a Quirks,
    ids: &'a mut Ids,
    gaps: Gaps,
    bad_capability: bool,
}

impl<'a> Strict<'a> {
    pub(super) fn new(len: usize, quirks: &'a Quirks, ids: &'a mut Ids) -> Self {
        Self { out: Vec::with_capacity(len), quirks, ids, gaps: Gaps::default(), bad_capability: false }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    pub(super) const fn gaps(&self) -> Gaps {
        self.gaps
    }

    /// Whether a capability was met that is none, and the daemon looks.
    pub(super) const fn has_bad_capability(&self) -> bool {
        self.bad_capability
    }

    pub(super) fn request(&mut self, kind: RequestKind, item: &[u8]) -> Result<(), Broken> {
        self.head(Header::Map(Some(1)));
        self.text(kind.name());
        self.head(Header::Map(None));
        let given = self.members(item, shape::members(kind))?;
        self.fill(kind, &given);
        self.head(Header::Break);
        Ok(())
    }

    /// Puts something in the place of what a daemon does without.
    fn fill(&mut self, kind: RequestKind, given: &BTreeSet<&str>) {
        match kind {
            RequestKind::SendMessage => {
                if !given.contains("destination_id_hash") {
                    self.gaps.destination = true;
                    self.text("destination_id_hash");
                    self.bytes(&[0; IdentityHash::LEN]);
                }
                if !given.contains("recipient_queue_id") {
                    let _ = self.gaps.queue.get_or_insert(NoQueue::Missing);
                    self.text("recipient_queue_id");
                    self.bytes(&[0]);
                }
            }
            RequestKind::StartResendingEncryptedMessage
                if given.contains("read_cap") && !given.contains("message_box_index") =>
            {
                self.gaps.index = true;
                self.text("message_box_index");
                self.bytes(&[0; MessageBoxIndex::LEN]);
            }
            _ => {}
        }
    }

    /// Writes the members of a map that are known, the first of each, and tells which of them say something.
    fn members(&mut self, item: &[u8], members: &[Member]) -> Result<BTreeSet<&'static str>, Broken> {
        let mut cursor = Cursor(item);
        let len = cursor.map()?;
        let (mut met, mut given) = (BTreeSet::new(), BTreeSet::new());
        let mut read = 0;
        while cursor.more(len, read)? {
            let key = cursor.key()?.unwrap_or_default();
            let value = cursor.item()?;
            read += 1;
            let exact = members.iter().find(|(name, _)| *name == key);
            let folded = || members.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key));
            if let Some((name, shape)) = exact.or_else(folded).copied()
                && met.insert(name)
                && !is_null(value)
                && self.member(name, value, shape)?
            {
                given.insert(name);
            }
        }
        Ok(given)
    }

    /// Writes a member, unless what it holds is as good as nothing; tells whether it did.
    fn member(&mut self, name: &str, item: &[u8], shape: Shape) -> Result<bool, Broken> {
        let bytes = match shape {
            Shape::Capability | Shape::Destinations | Shape::Scalar => None,
            Shape::Bytes | Shape::Hash | Shape::Id | Shape::Index | Shape::Queue => read_bytes(item)?,
        };
        match (shape, &bytes) {
            (Shape::Queue, Some(bytes)) if !(1..=QueueId::LEN_MAX).contains(&bytes.len()) => {
                self.gaps.queue = Some(NoQueue::Length(bytes.len()));
                return Ok(false);
            }
            (Shape::Index, Some(bytes)) if bytes.len() != MessageBoxIndex::LEN => return Ok(false),
            _ => self.text(name),
        }
        match (bytes, shape) {
            (None, Shape::Destinations) => self.destinations(item)?,
            (None, Shape::Capability) => {
                self.bad_capability |= self.quirks.bad_capability_closes && is_bad_capability(item);
                self.out.extend_from_slice(item);
            }
            (None, _) => self.out.extend_from_slice(item),
            (Some(bytes), Shape::Hash) => self.bytes(&self.fixed::<32>(bytes)),
            (Some(bytes), Shape::Id) if self.quirks.cut_ids => self.bytes(&self.fixed::<16>(bytes)),
            (Some(bytes), Shape::Id) => {
                let name = self.ids.name(&bytes);
                self.bytes(&name);
            }
            (Some(bytes), _) => self.bytes(&bytes),
        }
        Ok(true)
    }

    /// Pads with zeros or cuts as a fixed array of the reference does, if that is how the daemon is.
    fn fixed<const N: usize>(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.quirks.cut_ids {
            bytes.resize(N, 0);
        }
        bytes
    }

    fn destinations(&mut self, item: &[u8]) -> Result<(), Broken> {
        let mut cursor = Cursor(item);
        let Header::Array(len) = cursor.head()? else {
            self.out.extend_from_slice(item);
            return Ok(());
        };
        self.head(Header::Array(None));
        let mut read = 0;
        while cursor.more(len, read)? {
            let element = cursor.item()?;
            read += 1;
            self.head(Header::Map(None));
            if !is_null(element) {
                let _ = self.members(element, shape::DESTINATION)?;
            }
            self.head(Header::Break);
        }
        self.head(Header::Break);
        Ok(())
    }

    fn head(&mut self, header: Header) {
        let Ok(()) = Encoder::from(Sink(&mut self.out)).push(header);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.head(Header::Bytes(Some(bytes.len())));
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.head(Header::Text(Some(text.len())));
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// The bytes of a byte string or of an array of small integers; none if it is something else.
fn read_bytes(item: &[u8]) -> Result<Option<Vec<u8>>, Broken> {
    let mut cursor = Cursor(item);
    let len = match cursor.head()? {
        Header::Bytes(len) => return cursor.string(len, bytes_part).map(Some),
        Header::Array(len) => len,
        _ => return Ok(None),
    };
    let mut bytes = Vec::new();
    while cursor.more(len, bytes.len())? {
        match cursor.head()? {
            Header::Positive(byte) => {
                bytes.push(u8::try_from(byte).map_err(|_| Broken("an integer above 255 among bytes"))?);
            }
            // The zero value of an integer.
            Header::Simple(22 | 23) => bytes.push(0),
            _ => return Err(Broken("something else than integers among bytes")),
        }
    }
    Ok(Some(bytes))
}

/// Whether a byte string has a capability's length, but is none.
fn is_bad_capability(item: &[u8]) -> bool {
    match read_bytes(item) {
        Ok(Some(bytes)) if bytes.len() == ReadCap::LEN => ReadCap::from_bytes(&bytes).is_err(),
        Ok(Some(bytes)) if bytes.len() == WriteCap::LEN => WriteCap::from_bytes(&bytes).is_err(),
        _ => false,
    }
}
