//! What the daemon reads as a request: everything that the reference's types decode (§2.1, §2.2).

use std::collections::BTreeSet;

use kpthin_core::wire::{
    AnyRequest, Class, DecodeError, MemberProblem, PresentSessionToken, QueryId, RequestFrame, RequestKind,
    SessionToken,
};

use super::cursor::{Broken, Cursor, is_null};
use super::ids::Ids;
use super::shape::{self, Shape};
use super::strict::{Gaps, Strict};
use crate::quirks::Quirks;

/// What a frame's body is.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A request with a capability that is none, for a daemon that finds that out while it decodes (§2.1, M6).
    BadCapability,
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
    /// What was not there, and does not keep it from being a request.
    pub(crate) gaps: Gaps,
}

/// Whom to answer that a request can't be used.
#[derive(Debug)]
pub(crate) struct Unusable {
    pub(crate) kind: RequestKind,
    pub(crate) query_id: Option<QueryId>,
    /// Whether it decodes, and is refused only when it is carried out: nothing has a wrong length, but a member is
    /// missing, or one too many.
    pub(crate) decodes: bool,
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
    let mut strict = Strict::new(body.len(), quirks, ids);
    if let Err(Broken(problem)) = strict.request(kind, item) {
        return Frame::Violation(format!("{}: {problem}", kind.name()));
    }
    let (gaps, bad_capability) = (strict.gaps(), strict.has_bad_capability());
    let frame = match RequestFrame::decode(strict.as_bytes()) {
        Ok(Some(RequestFrame { query_id, request })) => {
            Frame::Request(Box::new(Incoming { query_id, request, gaps }))
        }
        Ok(None) => Frame::Nothing,
        // A token that is not there is one of zeros (§3.3).
        Err(DecodeError::Member { problem: MemberProblem::Missing, .. })
            if kind == RequestKind::SessionToken =>
        {
            let client_instance_token = SessionToken::from([0; 16]);
            let request = PresentSessionToken { client_instance_token }.into();
            Frame::Request(Box::new(Incoming { query_id: None, request, gaps: Gaps::default() }))
        }
        Err(error) => unusable(kind, error, quirks),
    };
    match frame {
        Frame::Request(_) | Frame::Unusable(Unusable { decodes: true, .. }) if bad_capability => {
            Frame::BadCapability
        }
        frame => frame,
    }
}

/// Whether a member that can't be used is answered, or ends the connection (§1.3, §4.0).
fn unusable(kind: RequestKind, error: DecodeError, quirks: &Quirks) -> Frame {
    let (query_id, decodes, fatal) = match error {
        DecodeError::Member { query_id, member, problem, .. } => {
            let typed = shape::members(kind)
                .iter()
                .chain(shape::DESTINATION)
                .any(|(name, shape)| *name == member && *shape == Shape::Capability)
                || member == "destinations";
            let (decodes, fatal) = match problem {
                MemberProblem::Excluded { .. } | MemberProblem::Missing => (true, false),
                MemberProblem::Length { .. } => (false, typed && quirks.wrong_length_closes),
                _ => (false, true),
            };
            (query_id, decodes, fatal)
        }
        _ => (None, false, true),
    };
    if fatal || !matches!(kind.class(), Class::Local | Class::Operation) {
        return Frame::Violation(error.to_string());
    }
    Frame::Unusable(Unusable { kind, query_id, decodes })
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
