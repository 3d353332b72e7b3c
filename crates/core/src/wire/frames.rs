//! Whole frames: the outer map with its one member, in both directions.

use alloc::vec::Vec;

use super::{
    AnyReply, AnyRequest, AnyResponse, Class, ConnectionStatus, DecodeError, EventKind, FailureDetail,
    MessageIdGarbageCollected, MessageReply, MessageSent, NewPkiDocument, QueryId, ReplyFailure, RequestKind,
    SessionTokenReply, Shutdown,
    delimited::{Delimited, ERROR_CODE, QUERY_ID},
    reply::{CopyDetail, CourierDetail, EpochDetail},
};
use crate::{
    cbor::{Member, MemberFault, Reader, Unset, Value, Writer, members, skip},
    frame,
};

/// A message that is longer than a frame may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the frame would hold {len} bytes, at most {} are allowed", frame::BODY_LEN_MAX)]
#[non_exhaustive]
pub struct FrameTooLarge {
    /// The length of the body in bytes.
    pub len: usize,
}

/// A request with its query id.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestFrame {
    /// Ties the reply to the request; `None` for session control and messages (§4.0).
    pub query_id: Option<QueryId>,
    /// The request.
    pub request: AnyRequest,
}

impl RequestFrame {
    /// Appends the frame, prefix included, to `out`.
    ///
    /// # Errors
    ///
    /// [`FrameTooLarge`] above 40 MiB; `out` is then as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLarge> {
        encode_request(self.query_id, &self.request, out)
    }

    /// Reads a frame's body, without the prefix.
    ///
    /// Of several members that are set the first one counts. `None` means that there is nothing
    /// to do: no member is set, or only ones that nobody knows.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]; its [`is_violation`](DecodeError::is_violation) tells what to do about it.
    pub fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        let frame = Delimited::new(body, RequestKind::from_name);
        if let Some(flaw) = frame.flaw() {
            return Err(flaw.into());
        }
        let Some(kind) = frame.name() else { return Ok(None) };
        let message = kind.name();
        let query_id = match kind.class() {
            Class::Local | Class::Operation => Envelope::read(message, &frame)?.query_id,
            Class::Message | Class::Session => None,
        };
        let request = AnyRequest::read(kind, &mut frame.reader()).map_err(|at| at.of(message, query_id))?;
        Ok(Some(Self { query_id, request }))
    }
}

/// Appends a request's frame to `out` without taking the request.
pub(crate) fn encode_request(
    query_id: Option<QueryId>,
    request: &AnyRequest,
    out: &mut Vec<u8>,
) -> Result<(), FrameTooLarge> {
    encode(out, request.kind().name(), |writer| {
        writer.map(request.member_count() + usize::from(query_id.is_some()));
        if let Some(query_id) = query_id {
            writer.text(QUERY_ID);
            query_id.write(writer);
        }
        request.write_members(writer);
    })
}

/// The same for a request whose members have fixed lengths: its frame always fits.
pub(crate) fn encode_short_request(query_id: Option<QueryId>, request: &AnyRequest, out: &mut Vec<u8>) {
    let fits = encode_request(query_id, request, out);
    debug_assert!(fits.is_ok(), "{} has a member of any length", request.kind().name());
}

/// A reply to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyFrame {
    /// Which request is answered; a missing one can't be routed (§4.0).
    pub query_id: Option<QueryId>,
    /// What kind of request is answered.
    pub kind: RequestKind,
    /// The body, whose kind is `kind`, or the error code with what came with it.
    pub result: Result<AnyReply, ReplyFailure>,
}

impl ReplyFrame {
    fn read<K: Copy>(kind: RequestKind, frame: &Delimited<'_, K>) -> Result<Option<Self>, DecodeError> {
        let message = kind.reply_name();
        let Envelope { query_id, error_code } = Envelope::read(message, frame)?;
        let of = |at: MemberFault| at.of(message, query_id);
        let reader = &mut frame.reader();
        let result = match error_code {
            None | Some(0) => match AnyReply::read(kind, reader).map_err(of)? {
                Some(reply) => Ok(reply),
                None => return Ok(None),
            },
            Some(error_code) => {
                Err(ReplyFailure { error_code, detail: read_detail(kind, reader).map_err(of)? })
            }
        };
        Ok(Some(Self { query_id, kind, result }))
    }

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLarge> {
        encode(out, self.kind.reply_name(), |writer| {
            let extra = match &self.result {
                Ok(reply) => reply.member_count(),
                Err(failure) => failure.member_count(self.kind),
            };
            writer.map(extra + 2);
            writer.text(QUERY_ID);
            self.query_id.write(writer);
            writer.text(ERROR_CODE);
            match &self.result {
                Ok(reply) => {
                    0u8.write(writer);
                    reply.write_members(writer);
                }
                Err(failure) => {
                    failure.error_code.write(writer);
                    failure.write_members(self.kind, writer);
                }
            }
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all others carry a code alone")]
fn read_detail(kind: RequestKind, reader: &mut Reader<'_>) -> Result<FailureDetail, MemberFault> {
    Ok(match kind {
        RequestKind::StartResendingEncryptedMessage => {
            let CourierDetail { courier_identity_hash, courier_queue_id } = CourierDetail::read_map(reader)?;
            FailureDetail::Courier { courier_identity_hash, courier_queue_id }
        }
        RequestKind::StartResendingCopyCommand => {
            let CopyDetail { replica_error_code, failed_envelope_index } = CopyDetail::read_map(reader)?;
            FailureDetail::Copy { replica_error_code, failed_envelope_index }
        }
        RequestKind::GetPkiDocument => FailureDetail::Epoch(EpochDetail::read_map(reader)?.epoch),
        _ => {
            members(reader, |_, value| skip(value))?;
            FailureDetail::None
        }
    })
}

impl ReplyFailure {
    /// The members a strict client can't do without, although they say nothing.
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others may be left out")]
    const fn hollow(kind: RequestKind) -> Option<&'static str> {
        match kind {
            RequestKind::GetPkiDocument => Some("payload"),
            RequestKind::GetDirectoryAuthorities => Some("authorities"),
            _ => None,
        }
    }

    fn member_count(&self, kind: RequestKind) -> usize {
        usize::from(Self::hollow(kind).is_some())
            + match self.detail {
                FailureDetail::Copy { .. } | FailureDetail::Courier { .. } => 2,
                FailureDetail::Epoch(_) => 1,
                FailureDetail::None => 0,
            }
    }

    fn write_members(&self, kind: RequestKind, writer: &mut Writer<'_>) {
        if let Some(member) = Self::hollow(kind) {
            writer.text(member);
            if kind == RequestKind::GetPkiDocument { writer.bytes(&[]) } else { writer.array(0) }
        }
        match self.detail.clone() {
            FailureDetail::Copy { replica_error_code, failed_envelope_index } => {
                CopyDetail { replica_error_code, failed_envelope_index }.write_members(Unset::Null, writer);
            }
            FailureDetail::Courier { courier_identity_hash, courier_queue_id } => {
                CourierDetail { courier_identity_hash, courier_queue_id }.write_members(Unset::Null, writer);
            }
            FailureDetail::Epoch(epoch) => EpochDetail { epoch }.write_members(Unset::Null, writer),
            FailureDetail::None => {}
        }
    }
}

/// The members of the outer response map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Event(EventKind),
    Reply(RequestKind),
}

impl Name {
    fn from_name(name: &str) -> Option<Self> {
        if let Some(event) = EventKind::from_name(name) {
            return Some(Self::Event(event));
        }
        let kind = RequestKind::from_name(name.strip_suffix("_reply")?)?;
        matches!(kind.class(), Class::Local | Class::Operation).then_some(Self::Reply(kind))
    }
}

impl AnyResponse {
    /// Appends the frame, prefix included, to `out`.
    ///
    /// # Errors
    ///
    /// [`FrameTooLarge`] above 40 MiB; `out` is then as before.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), FrameTooLarge> {
        match self {
            Self::ConnectionStatus(event) => encode_event(out, EventKind::ConnectionStatus, event),
            Self::MessageIdGarbageCollected(event) => {
                encode_event(out, EventKind::MessageIdGarbageCollected, event)
            }
            Self::MessageReply(event) => encode_event(out, EventKind::MessageReply, event),
            Self::MessageSent(event) => encode_event(out, EventKind::MessageSent, event),
            Self::NewPkiDocument(event) => encode_event(out, EventKind::NewPkiDocument, event),
            Self::Reply(reply) => reply.encode(out),
            Self::SessionToken(reply) => encode_event(out, EventKind::SessionToken, reply),
            Self::Shutdown(event) => encode_event(out, EventKind::Shutdown, event),
        }
    }

    /// Reads a frame's body, without the prefix.
    ///
    /// Of several members that are set the first one counts. `None` means that there is nothing
    /// to do: no member is set, or only ones that nobody knows.
    ///
    /// # Errors
    ///
    /// [`DecodeError`]. Its frame is lost, and nothing behind it.
    pub fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        Self::read(&Self::delimit(body))
    }

    /// Takes a frame's body apart without reading it.
    pub(crate) fn delimit(body: &[u8]) -> Delimited<'_, Name> {
        Delimited::new(body, Name::from_name)
    }

    /// Reads what was taken apart.
    pub(crate) fn read(frame: &Delimited<'_, Name>) -> Result<Option<Self>, DecodeError> {
        if let Some(flaw) = frame.flaw() {
            return Err(flaw.into());
        }
        let event = match frame.name() {
            None => return Ok(None),
            Some(Name::Reply(kind)) => return Ok(ReplyFrame::read(kind, frame)?.map(Self::Reply)),
            Some(Name::Event(event)) => event,
        };
        let reader = &mut frame.reader();
        let response = match event {
            EventKind::ConnectionStatus => ConnectionStatus::read_map(reader).map(Self::ConnectionStatus),
            EventKind::MessageIdGarbageCollected => {
                MessageIdGarbageCollected::read_map(reader).map(Self::MessageIdGarbageCollected)
            }
            EventKind::MessageReply => MessageReply::read_map(reader).map(Self::MessageReply),
            EventKind::MessageSent => MessageSent::read_map(reader).map(Self::MessageSent),
            EventKind::NewPkiDocument => NewPkiDocument::read_map(reader).map(Self::NewPkiDocument),
            EventKind::SessionToken => SessionTokenReply::read_map(reader).map(Self::SessionToken),
            EventKind::Shutdown => Shutdown::read_map(reader).map(Self::Shutdown),
        };
        response.map(Some).map_err(|at| at.of(event.name(), None))
    }
}

/// The members that frame a request or a reply.
struct Envelope {
    query_id: Option<QueryId>,
    error_code: Option<u8>,
}

impl Envelope {
    fn read<K: Copy>(message: &'static str, frame: &Delimited<'_, K>) -> Result<Self, DecodeError> {
        let fault = |member| {
            move |problem| DecodeError::Member { message, query_id: frame.query_id(), member, problem }
        };
        Ok(Self {
            query_id: frame.read_query_id().map_err(fault(QUERY_ID))?,
            error_code: frame.read_error_code().map_err(fault(ERROR_CODE))?,
        })
    }
}

impl MemberFault {
    const fn of(self, message: &'static str, query_id: Option<QueryId>) -> DecodeError {
        DecodeError::Member { message, query_id, member: self.member, problem: self.problem }
    }
}

fn encode_event(out: &mut Vec<u8>, kind: EventKind, event: &impl Value) -> Result<(), FrameTooLarge> {
    encode(out, kind.name(), |writer| event.write(writer))
}

fn encode(
    out: &mut Vec<u8>,
    member: &'static str,
    write: impl FnOnce(&mut Writer<'_>),
) -> Result<(), FrameTooLarge> {
    frame::append(out, |out| {
        let mut writer = Writer::new(out);
        writer.map(1);
        writer.text(member);
        write(&mut writer);
    })
    .map_err(|len| FrameTooLarge { len })
}
