//! What the daemon reads as a request: everything that the reference's types decode (§2.1, §2.2).
//!
//! A frame is written anew in the strict form, and that is then decoded as everywhere else: byte strings that came as
//! arrays of integers, ids and hashes of other lengths, keys in other cases, and members given twice, of which the first
//! counts.

use std::collections::BTreeSet;

use ciborium_ll::{Encoder, Header};
use kpthin_core::wire::{
    AnyRequest, Class, DecodeError, MemberProblem, PresentSessionToken, QueryId, QueueId, RequestFrame,
    RequestKind, SessionToken,
};

use super::cursor::{Broken, Cursor, bytes_part, is_null};
use super::ids::{Ids, Sink};
use super::shape::{self, Member, Shape};
use crate::quirks::Quirks;

/// What a frame's body is.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A map without any request in it.
    Nothing,
    /// Null or undefined.
    Null,
    /// A request.
    Request(Box<Incoming>),
    /// A request with a member that can't be used, to be answered with a code.
    Unusable(Unusable),
    /// Nothing that can be answered: the connection ends, for this reason.
    Violation(String),
}

/// A request as it came.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) query_id: Option<QueryId>,
    pub(crate) request: AnyRequest,
    /// How long the recipient's queue id is, where it is none that a message could go to.
    pub(crate) odd_queue: Option<usize>,
}

/// Whom to answer that a request can't be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) kind: RequestKind,
    pub(crate) query_id: Option<QueryId>,
}

/// Reads the body of a frame.
pub(crate) fn decode(body: &[u8], quirks: &Quirks, ids: &mut Ids) -> Frame {
    if let [0xf6 | 0xf7] = body {
        return Frame::Null;
    }
    let (kind, item) = match acted_on(body) {
        Ok(Some(found)) => found,
        Ok(None) => return Frame::Nothing,
        Err(Broken(problem)) => return Frame::Violation(format!("no CBOR map: {problem}")),
    };
    let mut strict = Strict { out: Vec::with_capacity(body.len()), quirks, ids, odd_queue: None };
    if let Err(Broken(problem)) = strict.request(kind, item) {
        return Frame::Violation(format!("{}: {problem}", kind.name()));
    }
    match RequestFrame::decode(&strict.out) {
        Ok(Some(RequestFrame { query_id, request })) => {
            Frame::Request(Box::new(Incoming { query_id, request, odd_queue: strict.odd_queue }))
        }
        Ok(None) => Frame::Nothing,
        // A token that is not there is one of zeros (§3.3).
        Err(DecodeError::Member { problem: MemberProblem::Missing, .. })
            if kind == RequestKind::SessionToken =>
        {
            let client_instance_token = SessionToken::from([0; 16]);
            let request = PresentSessionToken { client_instance_token }.into();
            Frame::Request(Box::new(Incoming { query_id: None, request, odd_queue: None }))
        }
        Err(error) => unusable(kind, error, quirks),
    }
}

/// Whether a member that can't be used is answered, or ends the connection (§1.3, §4.0).
fn unusable(kind: RequestKind, error: DecodeError, quirks: &Quirks) -> Frame {
    let (query_id, fatal) = match error {
        DecodeError::Member { query_id, member, problem, .. } => {
            let typed = shape::members(kind)
                .iter()
                .chain(shape::DESTINATION)
                .any(|(name, shape)| *name == member && *shape == Shape::Capability)
                || member == "destinations";
            let too_long_or_short = matches!(problem, MemberProblem::Length { .. }) && typed;
            let usable = matches!(problem, MemberProblem::Length { .. } | MemberProblem::Missing);
            (query_id, !usable || (too_long_or_short && quirks.wrong_length_closes))
        }
        _ => (None, true),
    };
    if fatal || !matches!(kind.class(), Class::Local | Class::Operation) {
        return Frame::Violation(error.to_string());
    }
    Frame::Unusable(Unusable { kind, query_id })
}

/// Finds the request that the reference acts on if there are several (§2.2).
fn acted_on(body: &[u8]) -> Result<Option<(RequestKind, &[u8])>, Broken> {
    let mut cursor = Cursor(body);
    let len = cursor.map()?;
    let (mut met, mut found): (BTreeSet<RequestKind>, Option<(RequestKind, &[u8])>) = Default::default();
    let mut read = 0;
    while cursor.more(len, read)? {
        let kind = cursor.key()?.and_then(|key| request_kind(&key));
        let item = cursor.item()?;
        read += 1;
        let Some(kind) = kind.filter(|kind| met.insert(*kind) && !is_null(item)) else { continue };
        if found.is_none_or(|(before, _)| rank(kind) < rank(before)) {
            found = Some((kind, item));
        }
    }
    if cursor.0.is_empty() { Ok(found) } else { Err(Broken("bytes behind the item")) }
}

fn request_kind(key: &str) -> Option<RequestKind> {
    let folded = || RequestKind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(key));
    RequestKind::from_name(key).or_else(folded)
}

/// The lowest one is acted on.
fn rank(kind: RequestKind) -> (u8, RequestKind) {
    let class = match (kind, kind.class()) {
        (RequestKind::ThinClose, _) => 0,
        (_, Class::Session) => 1,
        (_, Class::Local) => 2,
        (_, Class::Message) => 3,
        (_, Class::Operation) => 4,
    };
    (class, kind)
}

/// A frame as it is written anew.
struct Strict<'a> {
    out: Vec<u8>,
    quirks: &'a Quirks,
    ids: &'a mut Ids,
    odd_queue: Option<usize>,
}

impl Strict<'_> {
    fn request(&mut self, kind: RequestKind, item: &[u8]) -> Result<(), Broken> {
        self.head(Header::Map(Some(1)));
        self.text(kind.name());
        self.map(item, shape::members(kind))
    }

    /// Writes the members of a map that are known, the first of each.
    fn map(&mut self, item: &[u8], members: &[Member]) -> Result<(), Broken> {
        let mut cursor = Cursor(item);
        let len = cursor.map()?;
        let mut met = BTreeSet::new();
        self.head(Header::Map(None));
        let mut read = 0;
        while cursor.more(len, read)? {
            let key = cursor.key()?.unwrap_or_default();
            let value = cursor.item()?;
            read += 1;
            let exact = members.iter().find(|(name, _)| *name == key);
            let folded = || members.iter().find(|(name, _)| name.eq_ignore_ascii_case(&key));
            if let Some((name, shape)) = exact.or_else(folded).copied()
                && met.insert(name)
            {
                self.text(name);
                self.value(value, shape)?;
            }
        }
        self.head(Header::Break);
        Ok(())
    }

    fn value(&mut self, item: &[u8], shape: Shape) -> Result<(), Broken> {
        let bytes = match shape {
            Shape::Capability | Shape::Scalar => None,
            Shape::Destinations => return self.destinations(item),
            Shape::Bytes | Shape::Hash | Shape::Id | Shape::Queue => read_bytes(item)?,
        };
        match (bytes, shape) {
            (None, _) => self.out.extend_from_slice(item),
            (Some(bytes), Shape::Hash) => self.bytes(&self.fixed::<32>(bytes)),
            (Some(bytes), Shape::Id) if self.quirks.cut_ids => self.bytes(&self.fixed::<16>(bytes)),
            (Some(bytes), Shape::Id) => {
                let name = self.ids.name(&bytes);
                self.bytes(&name);
            }
            (Some(bytes), Shape::Queue) if !(1..=QueueId::LEN_MAX).contains(&bytes.len()) => {
                self.odd_queue = Some(bytes.len());
                self.head(Header::Simple(22));
            }
            (Some(bytes), _) => self.bytes(&bytes),
        }
        Ok(())
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
            if is_null(element) {
                self.head(Header::Map(Some(0)));
            } else {
                self.map(element, shape::DESTINATION)?;
            }
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
