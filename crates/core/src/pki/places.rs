//! Where nodes and replicas stand in a document, which is all that is kept of them.
//!
//! The types here are read, and never written: who makes a document has [`DocumentContent`](super::DocumentContent).

use alloc::vec::Vec;
use core::ops::Range;

use ciborium_ll::Header;

use super::{Node, ReplicaDescriptor};
use crate::cbor::{Budget, MemberProblem, Reader, Value, Writer, read_list};

/// Offsets of a list's items: four bytes for each, of which there may be one per byte.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places(Vec<u32>);

/// Offsets of byte strings, empty ones where there is `null`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct NodePlaces(pub(super) Places);

/// Offsets of maps.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct ReplicaPlaces(pub(super) Places);

/// Offsets of byte strings in lists of lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LayerPlaces {
    nodes: Places,
    /// Where each layer ends among the nodes.
    ends: Vec<u32>,
}

/// A byte string that is looked at, and not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Passed;

impl Places {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn get(&self, at: usize) -> Option<u32> {
        self.0.get(at).copied()
    }
}

impl LayerPlaces {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) const fn nodes(&self) -> &Places {
        &self.nodes
    }

    /// Where a layer's nodes are among all.
    pub(super) fn layer(&self, at: usize) -> Option<Range<usize>> {
        let end = |at: usize| self.ends.get(at).and_then(|end| usize::try_from(*end).ok());
        Some(at.checked_sub(1).map_or(Some(0), end)?..end(at)?)
    }
}

/// Reads a byte string or `null`; where it stands.
fn byte_string(reader: &mut Reader<'_>) -> Result<u32, MemberProblem> {
    let place = offset(reader);
    if !reader.take_null()? {
        Passed::read(reader)?;
    }
    Ok(place)
}

/// A document has 16 MiB at most, so this is where it is.
fn offset(reader: &Reader<'_>) -> u32 {
    u32::try_from(reader.offset()).unwrap_or(u32::MAX)
}

macro_rules! read_only {
    ($type:ty, $read:expr) => {
        impl Value for $type {
            fn absent() -> Option<Self> {
                Some(Self::default())
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
                $read(reader)
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.null();
            }
        }
    };
}

read_only!(Passed, |reader: &mut Reader<'_>| {
    let mut ahead = *reader;
    if !matches!(ahead.header()?, Header::Bytes(_)) {
        return Err(MemberProblem::WrongType { expected: "byte string" });
    }
    reader.skip()?;
    Ok(Self)
});

read_only!(NodePlaces, |reader: &mut Reader<'_>| {
    let mut places = Places::default();
    read_list(&mut places.0, reader, byte_string)?;
    Ok(Self(places))
});

read_only!(ReplicaPlaces, |reader: &mut Reader<'_>| {
    let mut places = Places::default();
    read_list(&mut places.0, reader, |reader| {
        let place = offset(reader);
        reader.skip()?;
        Ok(place)
    })?;
    Ok(Self(places))
});

read_only!(LayerPlaces, |reader: &mut Reader<'_>| {
    let Self { mut nodes, mut ends } = Self::default();
    read_list(&mut ends, reader, |reader| {
        if !reader.take_null()? {
            read_list(&mut nodes.0, reader, byte_string)?;
        }
        Ok(u32::try_from(nodes.len()).unwrap_or(u32::MAX))
    })?;
    Ok(Self { nodes, ends })
});

/// What stands at a place.
fn item_at(document: &[u8], place: u32) -> &[u8] {
    let rest = usize::try_from(place).ok().and_then(|place| document.get(place..)).unwrap_or_default();
    Reader::new(rest).item().unwrap_or_default()
}

/// The node at a place.
pub(super) fn node_at(document: &[u8], place: u32) -> Node<'_> {
    let mut reader = Reader::new(item_at(document, place));
    let bytes = match reader.header() {
        Ok(Header::Bytes(len)) => reader.bytes(len).unwrap_or_default(),
        Ok(_) | Err(_) => Default::default(),
    };
    Node::new(bytes)
}

/// The replica at a place, for which no more than `most` may be allocated.
pub(super) fn replica_within(
    document: &[u8],
    place: u32,
    most: Budget,
) -> Result<ReplicaDescriptor, MemberProblem> {
    let item = item_at(document, place);
    let mut reader = Reader::with_budget(item, Budget::alone(item.len()).min(most));
    if reader.take_null()? { Err(MemberProblem::Missing) } else { ReplicaDescriptor::read(&mut reader) }
}

/// The replica at a place, if that is one.
pub(super) fn replica_at(document: &[u8], place: u32) -> Option<ReplicaDescriptor> {
    replica_within(document, place, Budget::alone(document.len())).ok()
}
