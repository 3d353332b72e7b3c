//! Requests as clients may send them: also ones that lack something.

use ciborium::Value;

use super::*;

/// A request, which of its members are not sent, and which byte strings are sent besides.
#[derive(Clone)]
pub(super) struct Sent {
    request: AnyRequest,
    without: Vec<&'static str>,
    besides: Vec<(&'static str, Vec<u8>)>,
}

impl<R: Into<AnyRequest>> From<R> for Sent {
    fn from(request: R) -> Self {
        Self { request: request.into(), without: Vec::new(), besides: Vec::new() }
    }
}

/// A request without a member that it should have.
pub(super) fn without(request: impl Into<Sent>, member: &'static str) -> Sent {
    let mut sent = request.into();
    sent.without.push(member);
    sent
}

/// A request with a member that it should not have.
pub(super) fn with(request: impl Into<Sent>, member: &'static str, bytes: &[u8]) -> Sent {
    let mut sent = request.into();
    sent.besides.push((member, bytes.to_vec()));
    sent
}

/// A quick call that is refused at once.
pub(super) fn refused() -> Sent {
    without(NextMessageBoxIndex { message_box_index: MessageBoxIndex::from([0; 104]) }, "message_box_index")
}

impl Sent {
    pub(super) const fn kind(&self) -> RequestKind {
        self.request.kind()
    }

    /// The frame, with its prefix.
    pub(super) fn frame(self, query_id: Option<QueryId>) -> Vec<u8> {
        let mut bytes = Vec::new();
        RequestFrame { query_id, request: self.request }.encode(&mut bytes).unwrap();
        if self.without.is_empty() && self.besides.is_empty() {
            return bytes;
        }
        let outer: Value = ciborium::from_reader(&bytes[4..]).unwrap();
        let (name, members) = outer.into_map().unwrap().remove(0);
        let mut members = members.into_map().unwrap();
        for missing in self.without {
            let len = members.len();
            members.retain(|(key, _)| key.as_text() != Some(missing));
            assert_eq!(members.len(), len - 1, "{missing}");
        }
        members
            .extend(self.besides.into_iter().map(|(name, bytes)| (Value::from(name), Value::Bytes(bytes))));
        let mut body = Vec::new();
        ciborium::into_writer(&Value::Map(vec![(name, Value::Map(members))]), &mut body).unwrap();
        raw(&body)
    }
}
