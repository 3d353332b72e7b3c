//! From a decoded frame to whoever handles it, and what becomes of frames that cannot be decoded (§1.3, §4.0).

use kpthin_bacap as bacap;
use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, AppId, Class, DecodeError, FailureDetail, MemberProblem,
    PresentSessionToken, QueryId, ReadCap, ReplyFailure, ReplyFrame, RequestFrame, RequestKind, SessionToken,
    WriteCap,
};

use super::queue::Mixnet;
use super::{ConnId, Devnet};

/// A code of the thin-client namespace that a request is refused with (§5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u8);

impl Refusal {
    pub(super) const INVALID_REQUEST: Self = Self(3);
    pub(super) const INTERNAL_ERROR: Self = Self(4);
    pub(super) const SERVICE_UNAVAILABLE: Self = Self(10);
}

/// The members whose wrong length the reference does not survive (§4.0).
const TYPED_MEMBERS: [&str; 8] = [
    "dest_start_index",
    "dest_write_cap",
    "destinations",
    "message_box_index",
    "read_cap",
    "start_index",
    "write_cap",
    "client_instance_token",
];

impl Devnet {
    pub(super) fn handle_request(&mut self, conn: ConnId, app: AppId, frame: Option<RequestFrame>) {
        let Some(RequestFrame { query_id, request }) = frame else {
            // An empty frame costs the reference a packet (§1.3).
            if self.is_reference() {
                self.enqueue(conn, app, Mixnet::Nothing);
            }
            return;
        };
        if self.is_reference() && has_bad_capability(&request) {
            return self.cut(conn);
        }
        match request {
            AnyRequest::SessionToken(request) => self.present_token(conn, &request),
            AnyRequest::ThinClose(_) => self.close_session(conn),
            AnyRequest::SendMessage(request) => {
                let len = request.payload.len();
                self.enqueue(conn, app, Mixnet::Message(Box::new(request), len));
            }
            AnyRequest::StartResendingEncryptedMessage(request) => {
                self.enqueue(conn, app, Mixnet::Start(query_id, Box::new(request)));
            }
            AnyRequest::StartResendingCopyCommand(request) => {
                self.enqueue(conn, app, Mixnet::Copy(query_id, Box::new(request)));
            }
            local => self.handle_local(conn, app, query_id, local),
        }
    }

    /// Answers with code 3 what can be answered, and ends the connection otherwise.
    pub(super) fn handle_undecodable(&mut self, conn: ConnId, app: AppId, error: DecodeError) {
        let DecodeError::Member { message, query_id, member, problem } = error else {
            return self.cut(conn);
        };
        let Some(kind) = RequestKind::from_name(message) else { return self.cut(conn) };
        if kind == RequestKind::SessionToken && problem == MemberProblem::Missing {
            // A token that is not there is one of zeros (§3.3).
            let client_instance_token = SessionToken::from([0; 16]);
            return self.present_token(conn, &PresentSessionToken { client_instance_token });
        }
        let fatal = self.is_reference()
            && matches!(problem, MemberProblem::Length { .. })
            && TYPED_MEMBERS.contains(&member)
            && !matches!(kind, RequestKind::VoucherMint | RequestKind::VoucherOpen);
        let answerable = matches!(kind.class(), Class::Local | Class::Operation);
        if error.is_violation() || fatal || !answerable {
            return self.cut(conn);
        }
        self.refuse(app, query_id, kind, Refusal::INVALID_REQUEST);
    }

    /// Answers a request with its result.
    pub(super) fn reply(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        kind: RequestKind,
        result: Result<AnyReply, ReplyFailure>,
    ) {
        self.deliver(app, AnyResponse::Reply(ReplyFrame { query_id, kind, result }));
    }

    /// Answers a request with a code alone.
    pub(super) fn refuse(
        &mut self,
        app: AppId,
        query_id: Option<QueryId>,
        kind: RequestKind,
        refusal: Refusal,
    ) {
        let detail = match kind {
            RequestKind::StartResendingEncryptedMessage => {
                FailureDetail::Courier { courier_identity_hash: None, courier_queue_id: None }
            }
            RequestKind::StartResendingCopyCommand => {
                FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 }
            }
            _ => FailureDetail::None,
        };
        self.reply(app, query_id, kind, Err(ReplyFailure { error_code: refusal.0, detail }));
    }
}

/// Whether a capability has the right length but no key in it, which the reference finds while it decodes (§2.1).
fn has_bad_capability(request: &AnyRequest) -> bool {
    let bad_read = |cap: &Option<ReadCap>| {
        cap.as_ref().is_some_and(|cap| bacap::ReadCap::from_bytes(cap.as_bytes()).is_err())
    };
    let bad_write = |cap: &Option<WriteCap>| {
        cap.as_ref().is_some_and(|cap| bacap::WriteCap::from_bytes(cap.as_bytes()).is_err())
    };
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(request) => {
            request.destinations.iter().any(|destination| bad_write(&destination.write_cap))
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(request) => bad_write(&request.dest_write_cap),
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(request) => bad_write(&request.dest_write_cap),
        AnyRequest::EncryptRead(request) => bad_read(&request.read_cap),
        AnyRequest::EncryptWrite(request) => bad_write(&request.write_cap),
        AnyRequest::StartResendingCopyCommand(request) => bad_write(&request.write_cap),
        AnyRequest::StartResendingEncryptedMessage(request) => {
            bad_read(&request.read_cap) || bad_write(&request.write_cap)
        }
        _ => false,
    }
}
