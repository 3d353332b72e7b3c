//! Every frame of the vectors has the outcome that its manifest gives.

use kpthin_core::wire::{
    AnyReply, AnyRequest, AnyResponse, DecodeError, FailureDetail, MemberProblem, ReplyFrame, RequestFrame,
};
use serde_json::Value as Json;

use crate::support::{Message, assert_same, bytes, frames, json, list, text, typed};

/// What became of a file.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// Its frames say this, by member.
    Accepted(Vec<String>),
    /// A member cannot be used, and the query id says whom to tell.
    Answerable { member: &'static str },
    /// A frame that says nothing.
    Ignored,
    /// A frame whose end is missing.
    Incomplete,
    /// A prefix beyond the limit.
    Overlong,
    /// A daemon closes the link.
    Violation,
}

fn verdict(direction: &str, bytes: &[u8]) -> Verdict {
    let Ok((bodies, left)) = frames(bytes) else { return Verdict::Overlong };
    if left > 0 {
        assert!(bodies.is_empty());
        return Verdict::Incomplete;
    }
    let mut members = Vec::new();
    for body in bodies {
        match Message::decode(direction, &body) {
            Ok(Some(message)) => members.push(message.member().0),
            Ok(None) => return Verdict::Ignored,
            Err(DecodeError::Member {
                query_id: Some(_),
                member,
                problem:
                    MemberProblem::Excluded { .. } | MemberProblem::Length { .. } | MemberProblem::Missing,
                ..
            }) => return Verdict::Answerable { member },
            Err(error) => {
                assert!(error.is_violation());
                return Verdict::Violation;
            }
        }
    }
    Verdict::Accepted(members)
}

fn entries() -> Vec<Json> {
    let entries = list(&json("frames/manifest.json")["files"]).to_vec();
    assert_eq!(entries.len(), 254);
    entries
}

fn of_entry(entry: &Json) -> Verdict {
    verdict(text(&entry["direction"]), &bytes(&format!("frames/{}", text(&entry["file"]))))
}

fn with_outcome(outcome: &str) -> Vec<Json> {
    let mut entries = entries();
    entries.retain(|entry| entry["expect"]["outcome"] == outcome);
    entries
}

fn accepted(member: &str) -> Verdict {
    Verdict::Accepted(vec![member.to_owned()])
}

/// What is missing from requests that are well formed, but refused by every daemon (§4.6).
fn incomplete(file: &str) -> Option<&'static str> {
    match file {
        "go/request-encrypt_read-null.bin" => Some("read_cap"),
        "go/request-encrypt_write-null-plaintext.bin" => Some("plaintext"),
        _ => None,
    }
}

#[test]
fn valid_frames_say_what_the_manifest_says() {
    for entry in with_outcome("accept") {
        let (file, direction) = (text(&entry["file"]), text(&entry["direction"]));
        let expect = &entry["expect"];
        if let Some(member) = incomplete(file) {
            assert_eq!(of_entry(&entry), Verdict::Answerable { member }, "{file}");
            continue;
        }
        if let Some(members) = expect["members"].as_array() {
            let members = members.iter().map(text).map(str::to_owned).collect();
            assert_eq!(of_entry(&entry), Verdict::Accepted(members), "{file}");
            continue;
        }
        let (bodies, left) = frames(&bytes(&format!("frames/{file}"))).unwrap();
        assert_eq!((bodies.len(), left), (1, 0), "{file}");
        let message =
            Message::decode(direction, &bodies[0]).unwrap_or_else(|e| panic!("{file}: {e}")).unwrap();

        let (member, value) = message.member();
        assert_eq!(member, text(&expect["member"]), "{file}");
        if let Some(expected) = expect.get("value") {
            assert_same(file, &typed(expected), &value);
        }
        assert_eq!(Message::decode(direction, &message.encode()), Ok(Some(message)), "{file}");
    }
}

#[test]
fn every_kind_of_message_is_among_the_vectors() {
    let mut members: Vec<_> = with_outcome("accept")
        .iter()
        .filter(|entry| text(&entry["file"]).starts_with("go/"))
        .map(|entry| format!("{} {}", text(&entry["direction"]), text(&entry["expect"]["member"])))
        .collect();
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.iter().filter(|member| member.starts_with("request")).count(), 21);
    assert_eq!(members.iter().filter(|member| member.starts_with("response")).count(), 25);
}

#[test]
fn frames_that_say_nothing_are_ignored() {
    for entry in with_outcome("ignore") {
        let expected = match text(&entry["file"]) {
            // The manifest leaves it open to treat this one as a violation.
            "malformed/response-null.bin" => Verdict::Violation,
            // Well formed; it is the machine that finds nobody to hand it to.
            "malformed/response-query-id-null.bin" => accepted("new_keypair_reply"),
            _ => Verdict::Ignored,
        };
        assert_eq!(of_entry(&entry), expected, "{}", entry["file"]);
    }
}

#[test]
fn invalid_requests_can_be_answered() {
    for entry in with_outcome("invalid_request") {
        let file = text(&entry["file"]).strip_prefix("malformed/request-").unwrap();
        let expected = match file.strip_suffix(".bin").unwrap() {
            // These decode: what is wrong with them only the daemon's work shows.
            "read-cap-off-curve" => accepted("encrypt_read"),
            "write-cap-mismatch" => accepted("encrypt_write"),
            "index-0" | "index-103" | "index-105" => Verdict::Answerable { member: "message_box_index" },
            "read-cap-0" | "read-cap-135" | "read-cap-137" => Verdict::Answerable { member: "read_cap" },
            "seed-0" | "seed-31" | "seed-33" | "seed-null" => Verdict::Answerable { member: "seed" },
            "voucher-cap-short" => Verdict::Answerable { member: "message_write_cap" },
            "both-caps" | "write-cap-0" | "write-cap-167" | "write-cap-169" => {
                Verdict::Answerable { member: "write_cap" }
            }
            other => panic!("{other} is new"),
        };
        assert_eq!(of_entry(&entry), expected, "{file}");
    }
}

#[test]
fn violations_end_the_link() {
    for entry in with_outcome("violation") {
        let file = text(&entry["file"]);
        let expected = if entry["reference_go_decoder"]["result"] == "length over limit" {
            Verdict::Overlong
        } else {
            Verdict::Violation
        };
        assert_eq!(of_entry(&entry), expected, "{file}");
    }
}

#[test]
fn incomplete_frames_wait_for_more() {
    for entry in with_outcome("incomplete") {
        assert_eq!(of_entry(&entry), Verdict::Incomplete, "{}", entry["file"]);
    }
}

/// What we do where the manifest leaves a choice.
#[test]
fn open_questions_are_answered_always_the_same_way() {
    for entry in with_outcome("choice") {
        let file = text(&entry["file"]).strip_prefix("malformed/").unwrap();
        let expected = match file.strip_suffix(".bin").unwrap() {
            "request-bytes-key"
            | "request-query-id-missing"
            | "request-query-id-null"
            | "request-tag-on-value" => accepted("new_keypair"),
            // Of several members the first one counts.
            "request-two-members" => accepted("new_keypair"),
            "request-two-members-local" => Verdict::Answerable { member: "read_cap" },
            "response-two-members" => accepted("shutdown_event"),
            "request-duplicate-key-null-first" | "request-duplicate-key-null-second" => {
                accepted("thin_close")
            }
            "request-max-count-huge" => accepted("create_courier_envelopes_from_tombstone_range"),
            "response-status-err-text" | "response-status-without-geometry" => {
                accepted("connection_status_event")
            }
            "request-key-case" => Verdict::Ignored,
            "response-error-code-missing" | "response-success-with-null-caps" => {
                Verdict::Answerable { member: "write_cap" }
            }
            "response-read-cap-short" => Verdict::Answerable { member: "read_cap" },
            "request-depth-40"
            | "request-duplicate-inner-key"
            | "request-query-id-0"
            | "request-query-id-1"
            | "request-query-id-15"
            | "request-query-id-17"
            | "request-query-id-32"
            | "request-query-id-array"
            | "request-token-null"
            | "response-query-id-15"
            | "response-sent-at-float"
            | "response-sent-at-tag0" => Verdict::Violation,
            other => panic!("{other} is new"),
        };
        assert_eq!(of_entry(&entry), expected, "{file}");
    }
}

fn request(file: &str) -> AnyRequest {
    let (bodies, _) = frames(&bytes(&format!("frames/go/request-{file}.bin"))).unwrap();
    RequestFrame::decode(&bodies[0]).unwrap().unwrap().request
}

fn reply(file: &str) -> ReplyFrame {
    let (bodies, _) = frames(&bytes(&format!("frames/go/response-{file}.bin"))).unwrap();
    match AnyResponse::decode(&bodies[0]) {
        Ok(Some(AnyResponse::Reply(reply))) => reply,
        other => panic!("{other:?}"),
    }
}

#[test]
fn flags_and_the_reply_index_survive() {
    let AnyRequest::StartResendingEncryptedMessage(read) =
        request("start_resending_encrypted_message-read-flags")
    else {
        panic!("another request");
    };
    assert_eq!(read.reply_index, Some(1));
    assert!(read.no_retry_on_box_id_not_found && read.no_idempotent_box_already_exists);
    assert!(read.access.is_read());
}

#[test]
fn an_empty_plaintext_is_there() {
    let AnyRequest::EncryptWrite(write) = request("encrypt_write-tombstone") else {
        panic!("another request")
    };
    assert_eq!(write.plaintext, []);
}

#[test]
fn the_largest_counter_survives() {
    let Ok(AnyReply::GetMessageBoxIndexCounter(reply)) = reply("get_message_box_index_counter_reply").result
    else {
        panic!("another reply");
    };
    assert_eq!(reply.counter, u64::MAX);
}

#[test]
fn a_failed_copy_says_where() {
    let detail = |file| reply(file).result.unwrap_err();
    let failed = detail("start_resending_copy_command_reply-failed");
    assert_eq!(failed.error_code, 26);
    let expected = FailureDetail::Copy { replica_error_code: 10, failed_envelope_index: 3 };
    assert_eq!(failed.detail, expected);
    let expected = FailureDetail::Copy { replica_error_code: 0, failed_envelope_index: 0 };
    assert_eq!(detail("start_resending_copy_command_reply-failed-no-verdict").detail, expected);
}

#[test]
fn a_rejection_names_no_courier_and_an_outcome_does() {
    let courier = |file| match reply(file).result.unwrap_err().detail {
        FailureDetail::Courier { courier_identity_hash, courier_queue_id } => {
            (courier_identity_hash.is_some(), courier_queue_id.map(|queue| queue.to_string()))
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(courier("start_resending_encrypted_message_reply-rejected"), (false, None));
    let used = (true, Some("courier".to_owned()));
    assert_eq!(courier("start_resending_encrypted_message_reply-cancelled"), used);
}

#[test]
fn a_response_that_cannot_be_used_still_says_whose_it_is() {
    let id = [7; 16];
    // {"new_keypair_reply": {<members>}}
    let frame = |members: [&[u8]; 2]| {
        let mut body = b"\xa1\x71new_keypair_reply\xa2".to_vec();
        members.iter().for_each(|member| body.extend_from_slice(member));
        body
    };
    let query_id = [&b"\x68query_id\x50"[..], &id].concat();
    for broken in [
        &b"\x6aerror_code\x19\x01\x00"[..],
        b"\x6aerror_code\x61a",
        b"\x69write_cap\x41\x00",
        b"\x69write_cap\xa1\x00\x00",
    ] {
        for members in [[&*query_id, broken], [broken, &query_id]] {
            match AnyResponse::decode(&frame(members)) {
                Err(DecodeError::Member { query_id, message, .. }) => {
                    assert_eq!(query_id, Some(id.into()));
                    assert_eq!(message, "new_keypair_reply");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_frame_may_nest_thirty_two_levels_its_outer_map_included() {
    let nested = |levels: usize| {
        let mut body = b"\xa1\x61x".to_vec();
        body.resize(body.len() + levels - 1, 0x81);
        body.push(0x00);
        body
    };
    assert_eq!(AnyResponse::decode(&nested(32)), Ok(None));
    assert_eq!(RequestFrame::decode(&nested(32)), Ok(None));
    for levels in [33, 100_000] {
        assert!(matches!(AnyResponse::decode(&nested(levels)), Err(DecodeError::Cbor(_))));
        assert!(matches!(RequestFrame::decode(&nested(levels)), Err(DecodeError::Cbor(_))));
    }
}
