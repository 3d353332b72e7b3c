//! Requests in which members are missing or spelled otherwise.

use kpthin_core::wire::{AnyRequest, RequestKind};

use super::*;

#[test]
fn keys_in_another_case_are_known_and_the_exact_one_goes_first() {
    let seed = |fill| bytes(&[fill; 32]);
    let members = [("SEED", seed(1)), ("Query_Id", bytes(&[9; 16]))];
    let body = frame(RequestKind::NewKeypair, &members);
    let Frame::Request(incoming) = read(&body, &Quirks::default()) else { panic!() };
    assert_eq!(member(&incoming.request, "seed"), Some(vec![1; 32]));
    assert!(incoming.query_id.is_some());
    // Of two that are meant for one member the first counts.
    let members = [("seed", seed(1)), ("seed", seed(2)), ("Seed", seed(3))];
    let Frame::Request(incoming) = read(&frame(RequestKind::NewKeypair, &members), &Quirks::default()) else {
        panic!()
    };
    assert_eq!(member(&incoming.request, "seed"), Some(vec![1; 32]));
}

/// A request of the core's samples, without one of its members.
fn without(kind: RequestKind, name: &str) -> Vec<u8> {
    let members: &[(&str, Vec<u8>)] = &match kind {
        RequestKind::SendMessage => vec![
            ("with_surb", vec![0xf5]),
            ("surbid", bytes(&[4; 16])),
            ("destination_id_hash", bytes(&[5; 32])),
            ("recipient_queue_id", bytes(b"+echo")),
        ],
        _ => vec![
            ("query_id", bytes(&[9; 16])),
            ("read_cap", bytes(&kpthin_bacap::WriteCap::from_seed(&[1; 32]).read_cap().to_bytes())),
            ("message_box_index", bytes(&[6; 104])),
            ("envelope_hash", bytes(&[7; 32])),
        ],
    };
    let left: Vec<_> = members.iter().filter(|(member, _)| *member != name).cloned().collect();
    assert_eq!(left.len(), members.len() - usize::from(!name.is_empty()));
    frame(kind, &left)
}

#[test]
fn what_the_reference_does_without_is_a_gap() {
    let (message, start) = (RequestKind::SendMessage, RequestKind::StartResendingEncryptedMessage);
    let none = Gaps::default();
    for (kind, name, gaps) in [
        (message, "", none),
        (message, "destination_id_hash", Gaps { destination: true, ..none }),
        (message, "recipient_queue_id", Gaps { queue: Some(NoQueue::Missing), ..none }),
        (start, "", none),
        (start, "message_box_index", Gaps { index: true, ..none }),
    ] {
        for quirks in [Quirks::default(), Quirks::reference()] {
            let Frame::Request(incoming) = read(&without(kind, name), &quirks) else { panic!("{name}") };
            assert_eq!(incoming.gaps, gaps, "{name}");
        }
    }
    let Frame::Request(incoming) = read(&without(message, "surbid"), &Quirks::default()) else { panic!() };
    let AnyRequest::SendMessage(send) = &incoming.request else { panic!() };
    assert_eq!((send.surb, incoming.gaps), (Surb::Unnamed, none));
}

#[test]
fn what_nobody_does_without_is_refused_with_whom_to_answer() {
    let kind = RequestKind::StartResendingEncryptedMessage;
    for name in ["read_cap", "envelope_hash"] {
        for quirks in [Quirks::default(), Quirks::reference()] {
            let Frame::Unusable(unusable) = read(&without(kind, name), &quirks) else { panic!("{name}") };
            assert_eq!((unusable.kind, unusable.decodes), (kind, true));
            assert_eq!(unusable.query_id.unwrap().as_bytes(), &[9; 16]);
        }
    }
}

/// An incomplete request is not looked into, except for capabilities that are none.
#[test]
fn a_capability_that_is_none_is_found_in_an_incomplete_request_too() {
    let mut off_curve = [0; 136];
    off_curve[0] = 2;
    let body =
        frame(RequestKind::EncryptRead, &[("query_id", bytes(&[9; 16])), ("read_cap", bytes(&off_curve))]);
    assert!(matches!(read(&body, &Quirks::default()), Frame::Unusable(_)));
    assert!(matches!(read(&body, &Quirks::reference()), Frame::BadCapability));
}
