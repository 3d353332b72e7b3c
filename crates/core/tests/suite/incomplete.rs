//! Requests without a member that every daemon needs, and members that don't go together.

use ciborium::Value as Cbor;
use kpthin_core::wire::{
    AnyRequest, BoxAccess, DecodeError, MemberProblem, QueryId, RequestFrame, RequestKind, Surb, SurbId,
};

use crate::{
    made::{self, Source},
    support::Message,
};

/// What has to be there (§4), besides what means something where it is not there.
const REQUIRED: [(RequestKind, &[&str]); 17] = [
    (RequestKind::SessionToken, &["client_instance_token"]),
    (RequestKind::SendMessage, &["destination_id_hash", "recipient_queue_id"]),
    (RequestKind::NewKeypair, &["seed"]),
    (RequestKind::EncryptRead, &["read_cap", "message_box_index"]),
    (RequestKind::EncryptWrite, &["plaintext", "write_cap", "message_box_index"]),
    (RequestKind::StartResendingEncryptedMessage, &["envelope_hash"]),
    (RequestKind::CancelResendingEncryptedMessage, &["envelope_hash"]),
    (RequestKind::StartResendingCopyCommand, &["write_cap"]),
    (RequestKind::CancelResendingCopyCommand, &["write_cap_hash"]),
    (RequestKind::NextMessageBoxIndex, &["message_box_index"]),
    (RequestKind::GetMessageBoxIndexCounter, &["message_box_index"]),
    (RequestKind::CreateCourierEnvelopesFromPayload, &["dest_write_cap", "dest_start_index"]),
    (RequestKind::CreateCourierEnvelopesFromTombstoneRange, &["dest_write_cap", "dest_start_index"]),
    (RequestKind::VoucherMint, &["message_write_cap"]),
    (RequestKind::VoucherInduct, &["voucher"]),
    (RequestKind::VoucherOpen, &["voucher_secret_key", "message_write_cap"]),
    (RequestKind::VoucherDeriveStream, &["voucher"]),
];

/// A frame's body after its request's members were changed.
fn changed(frame: RequestFrame, change: impl FnOnce(&mut Vec<(Cbor, Cbor)>)) -> Vec<u8> {
    let (name, value) = Message::Request(frame).member();
    let mut members = value.into_map().unwrap();
    change(&mut members);
    let mut body = Vec::new();
    ciborium::into_writer(&Cbor::Map(vec![(Cbor::Text(name), Cbor::Map(members))]), &mut body).unwrap();
    body
}

/// The place of a member, which is there.
fn find<'a>(members: &'a mut [(Cbor, Cbor)], name: &str) -> &'a mut Cbor {
    let found = members.iter_mut().find(|(key, _)| key.as_text() == Some(name));
    &mut found.unwrap_or_else(|| panic!("no {name}")).1
}

fn made(kind: RequestKind) -> RequestFrame {
    made::request(kind, &mut Source(&[1; 2_000]))
}

#[test]
fn a_request_without_a_member_says_which_and_whom_to_answer() {
    for (kind, required) in REQUIRED {
        for name in required {
            let frame = made(kind);
            let query_id = frame.query_id;
            let absent =
                changed(frame.clone(), |members| members.retain(|(key, _)| key.as_text() != Some(name)));
            let null = changed(frame, |members| *find(members, name) = Cbor::Null);
            for body in [absent, null] {
                assert_refused(kind, query_id, &body, name, MemberProblem::Missing);
            }
        }
    }
}

fn assert_refused(
    kind: RequestKind,
    query_id: Option<QueryId>,
    body: &[u8],
    member: &'static str,
    problem: MemberProblem,
) {
    let error = RequestFrame::decode(body).unwrap_err();
    assert_eq!(error, DecodeError::Member { message: kind.name(), query_id, member, problem });
    assert_eq!(error.request_kind(), Some(kind));
    assert_eq!(error.is_violation(), query_id.is_none());
}

#[test]
fn a_destination_is_whole_too() {
    let kind = RequestKind::CreateCourierEnvelopesFromMultiPayload;
    for name in ["write_cap", "start_index"] {
        let frame = made(kind);
        let query_id = frame.query_id;
        let body = changed(frame, |members| {
            let destinations = find(members, "destinations").as_array_mut().unwrap();
            *find(destinations[0].as_map_mut().unwrap(), name) = Cbor::Null;
        });
        assert_refused(kind, query_id, &body, "destinations", MemberProblem::Missing);
    }
}

#[test]
fn an_envelope_has_exactly_one_capability_and_a_read_its_index() {
    let kind = RequestKind::StartResendingEncryptedMessage;
    let [read, write] = [&[1; 2_000][..], &[2; 2_000]].map(|bytes| made::request(kind, &mut Source(bytes)));
    let refused = |frame: &RequestFrame, member, problem, change: fn(&mut Vec<(Cbor, Cbor)>)| {
        assert_refused(kind, frame.query_id, &changed(frame.clone(), change), member, problem);
    };
    refused(&read, "message_box_index", MemberProblem::Missing, |members| {
        *find(members, "message_box_index") = Cbor::Null;
    });
    refused(&read, "read_cap or write_cap", MemberProblem::Missing, |members| {
        *find(members, "read_cap") = Cbor::Null;
    });
    refused(&read, "write_cap", MemberProblem::Excluded { by: "read_cap" }, |members| {
        members.push((Cbor::from("write_cap"), Cbor::Bytes(vec![1; 168])));
    });
    refused(&read, "message_box_index", MemberProblem::Length { len: 103, expected: 104 }, |members| {
        *find(members, "message_box_index") = Cbor::Bytes(vec![1; 103]);
    });
    // A write does without it.
    let body = changed(write, |members| *find(members, "message_box_index") = Cbor::Null);
    let Ok(Some(RequestFrame { request: AnyRequest::StartResendingEncryptedMessage(start), .. })) =
        RequestFrame::decode(&body)
    else {
        panic!("refused")
    };
    assert!(matches!(start.access, BoxAccess::Write { message_box_index: None, .. }));
}

#[test]
fn a_surb_is_named_by_both_of_its_members() {
    let id = [7; 16];
    for (with_surb, surbid, expected) in [
        (true, Some(id), Surb::Named(SurbId::from(id))),
        (true, None, Surb::Unnamed),
        (false, Some(id), Surb::None),
        (false, None, Surb::None),
    ] {
        let body = changed(made(RequestKind::SendMessage), |members| {
            members.retain(|(key, _)| !matches!(key.as_text(), Some("with_surb" | "surbid")));
            members.push((Cbor::from("with_surb"), Cbor::Bool(with_surb)));
            let surbid = surbid.map_or(Cbor::Null, |id| Cbor::Bytes(id.to_vec()));
            members.push((Cbor::from("surbid"), surbid));
        });
        let Ok(Some(RequestFrame { request: AnyRequest::SendMessage(send), .. })) =
            RequestFrame::decode(&body)
        else {
            panic!("refused")
        };
        assert_eq!((send.surb, send.surb.id()), (expected, surbid.filter(|_| with_surb).map(SurbId::from)));
    }
}

#[test]
fn half_a_courier_is_none() {
    for name in ["courier_identity_hash", "courier_queue_id"] {
        let frame = made(RequestKind::StartResendingCopyCommand);
        let AnyRequest::StartResendingCopyCommand(whole) = &frame.request else { panic!("another request") };
        assert!(whole.courier.is_some());
        let body = changed(frame, |members| members.retain(|(key, _)| key.as_text() != Some(name)));
        let Ok(Some(RequestFrame { request: AnyRequest::StartResendingCopyCommand(half), .. })) =
            RequestFrame::decode(&body)
        else {
            panic!("refused")
        };
        assert_eq!(half.courier, None);
    }
}
