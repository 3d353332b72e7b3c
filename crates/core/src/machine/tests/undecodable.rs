//! What can't be used fails the call it names, and nothing else.

use super::*;
use crate::{
    error::DaemonError,
    machine::{HandshakeStep, limits::MIXNET_WINDOW},
    wire::{QueryId, ReplyFrame},
};
use alloc::{vec, vec::Vec};
use sample::{cancel, good, quick, slow, write};

/// A frame with one member, which is a map of text keys to CBOR items.
fn frame_of(member: &str, members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let text = |text: &str| {
        let mut item = vec![0x78, u8::try_from(text.len()).unwrap()];
        item.extend_from_slice(text.as_bytes());
        item
    };
    let mut body = vec![0xa1];
    body.extend(text(member));
    body.push(0xa0 + u8::try_from(members.len()).unwrap());
    for (key, value) in members {
        body.extend(text(key));
        body.extend(value);
    }
    sample::frame_of(&body)
}

fn id(query: QueryId) -> Vec<u8> {
    let mut item = vec![0x50];
    item.extend_from_slice(query.as_bytes());
    item
}

/// A reply that names its query and whose body is nonsense.
fn nonsense(frame: &RequestFrame) -> Vec<u8> {
    let name = frame.request.kind().reply_name();
    let query = ("query_id", id(frame.query_id.unwrap()));
    // Both of these are text where a number or bytes should be.
    let text = vec![0x61, b'x'];
    frame_of(
        name,
        &[query, ("counter", text.clone()), ("message_ciphertext", text.clone()), ("error_code", text)],
    )
}

#[test]
fn a_member_that_can_not_be_decoded_fails_its_call_only() {
    for request in [AnyRequest::from(quick(1)), slow(1).into(), write(1).into(), cancel(1).into()] {
        let mut rig = Rig::up();
        let (other, right) = rig.send(quick(9));
        let (call, frame) = rig.send(request);
        rig.input(&nonsense(&frame));
        rig.answer(&right);
        assert!(rig.ended_well(other));
        assert_eq!(
            (rig.disconnects.len(), rig.machine.calls.table().len()),
            (0, usize::from(rig.error(call).is_none()))
        );
    }
}

#[test]
fn the_error_is_undecodable_and_the_place_is_free() {
    let mut rig = Rig::up();
    let bad_counter = |frame: &RequestFrame| {
        let query = ("query_id", id(frame.query_id.unwrap()));
        frame_of("get_message_box_index_counter_reply", &[query, ("counter", vec![0x61, b'x'])])
    };
    for n in 0..50 {
        let (call, frame) = rig.send(quick(n));
        rig.input(&bad_counter(&frame));
        assert_eq!(rig.error(call), Some(CallError::Undecodable));
    }
    assert_eq!(rig.machine.calls.table().len(), 0);
}

#[test]
fn without_a_query_id_it_is_nobodys() {
    let mut rig = Rig::up();
    let (call, frame) = rig.send(quick(1));
    rig.input(&frame_of("get_message_box_index_counter_reply", &[("counter", vec![0x61, b'x'])]));
    rig.input(&frame_of("message_reply_event", &[("payload", vec![0x61, b'x'])]));
    assert_eq!(rig.result(call), None);
    rig.answer(&frame);
    assert!(rig.ended_well(call));
}

#[test]
fn a_reply_of_another_kind_fails_its_call() {
    for (request, other) in [
        (AnyRequest::from(quick(1)), AnyRequest::from(slow(1))),
        (write(1).into(), sample::copy(1).into()),
        (cancel(1).into(), sample::cancel_copy(1).into()),
    ] {
        let mut rig = Rig::up();
        let (call, frame) = rig.send(request);
        let wrong = RequestFrame { query_id: frame.query_id, request: other };
        assert!(matches!(good(&wrong), AnyResponse::Reply(ReplyFrame { .. })));
        rig.answer(&wrong);
        assert_eq!(rig.error(call), Some(CallError::Undecodable));
        assert_eq!(rig.disconnects, []);
    }
}

/// M5: a courier's reply of the wrong type, as newer daemons pass it on; and Q-47, what a cancel of the other kind ends.
#[test]
fn a_code_under_another_kinds_name_ends_its_call_with_that_error() {
    let refused = CallError::Daemon(DaemonError::CourierInvalidEnvelope);
    for (code, expected) in [(31, refused), (24, CallError::CancelledElsewhere)] {
        for (request, other) in [
            (AnyRequest::from(sample::copy(1)), AnyRequest::from(write(1))),
            (write(1).into(), sample::copy(1).into()),
        ] {
            let mut rig = Rig::up();
            let (call, frame) = rig.send(request.clone());
            let misnamed = RequestFrame { query_id: frame.query_id, request: other };
            rig.say(&sample::refusal(&misnamed, code));
            assert_eq!(rig.error(call).as_ref(), Some(&expected));
            assert_eq!(rig.machine.calls.table().len(), 0);
            // Its key is free again.
            let (again, frame) = rig.send(request);
            rig.answer(&frame);
            assert!(rig.ended_well(again));
        }
    }
}

#[test]
fn a_greeting_that_can_not_be_decoded_is_refused_by_name() {
    let broken = [
        (HandshakeStep::Status, frame_of("connection_status_event", &[("is_connected", vec![0x01])])),
        (HandshakeStep::Document, frame_of("new_pki_document_event", &[("payload", vec![0x01])])),
        (HandshakeStep::Session, frame_of("session_token_reply", &[("resumed", vec![0x01])])),
    ];
    for (heard, (step, bytes)) in broken.iter().enumerate() {
        let mut rig = Rig::dialling();
        rig.connected();
        for response in &[status(1, true), no_document()][..heard] {
            rig.say(response);
        }
        rig.input(bytes);
        assert_eq!(rig.disconnects.len(), 1);
        rig.cut(DisconnectCause::Local);
        assert!(
            matches!(rig.down(), LinkError::HandshakeRefused { step: at, .. } if at == step),
            "{:?}",
            rig.down()
        );
    }
}

#[test]
fn an_event_that_can_not_be_decoded_later_changes_nothing() {
    let mut rig = Rig::up();
    rig.input(&frame_of("connection_status_event", &[("is_connected", vec![0x01])]));
    rig.input(&frame_of("new_pki_document_event", &[("payload", vec![0x01])]));
    rig.input(&frame_of("shutdown_event", &[]));
    assert_eq!((rig.disconnects.len(), rig.machine.status().link), (0, LinkStatus::Up));
}

/// Bodies that are no map, or not the whole of one.
fn formless() -> Vec<Vec<u8>> {
    [&[0xff_u8][..], b"", &[0xf6], &[0x81, 0x00], &[0xa1, 0x61], b"\xa1\x61x\xf6\x00", &[0x9f; 100]]
        .map(sample::frame_of)
        .to_vec()
}

#[test]
fn what_is_no_map_belongs_to_nobody_once_the_link_is_up() {
    let mut rig = Rig::up();
    let (call, asked) = rig.send(quick(1));
    formless().iter().for_each(|frame| rig.input(frame));
    rig.answer(&asked);
    assert!(rig.ended_well(call));
    assert_eq!((rig.disconnects.len(), rig.machine.status().link), (0, LinkStatus::Up));
}

#[test]
fn what_is_no_map_ends_a_handshake() {
    for bytes in formless() {
        for heard in 0..3 {
            let mut rig = Rig::dialling();
            rig.connected();
            for response in &[status(1, true), no_document()][..heard] {
                rig.say(response);
            }
            rig.input(&bytes);
            assert_eq!(rig.disconnects.len(), 1, "{bytes:?}");
            rig.cut(DisconnectCause::Local);
            assert!(matches!(rig.down(), LinkError::BadFrame(_)), "{:?}", rig.down());
        }
    }
}

/// The two events of a message, each with a member that can't be used.
fn bad_events(surb: SurbId) -> [Vec<u8>; 2] {
    let members = |member| [("surbid", id(QueryId::from(*surb.as_bytes()))), (member, vec![0x61, 0xff])];
    [
        frame_of("message_sent_event", &members("sent_at")),
        frame_of("message_reply_event", &members("unknown")),
    ]
}

#[test]
fn an_event_that_can_not_be_used_ends_its_message_and_frees_its_place() {
    let room = MIXNET_WINDOW + 1;
    for which in 0..2 {
        let mut rig = Rig::up();
        for n in 0..room {
            let (call, surb) = rig.send_message(sample::message(n as u64));
            rig.input(&bad_events(surb)[which]);
            assert_eq!(rig.error(call), Some(CallError::Undecodable));
        }
        assert_eq!((rig.machine.calls.table().len(), rig.disconnects.len()), (0, 0));
    }
}

#[test]
fn a_reply_behind_an_event_that_could_not_be_used_is_expected() {
    let mut rig = Rig::up();
    // It costs the budget nothing.
    for n in 0..2_000 {
        let (_, surb) = rig.send_message(sample::message(n));
        rig.input(&bad_events(surb)[0]);
        rig.say(&sample::echo(surb));
    }
    assert_eq!(rig.disconnects, []);
}

#[test]
fn a_courier_in_a_reply_that_nobody_awaits_says_nothing_of_the_mix_network() {
    let mut rig = Rig::up();
    rig.say(&status(1, false));
    let stray = RequestFrame { query_id: Some(QueryId::from([9; 16])), request: write(1).into() };
    rig.say(&sample::from_courier(&stray, 10));
    assert!(!rig.machine.status().mixnet);
}
