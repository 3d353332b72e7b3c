//! Messages to services: always with a SURB, never twice (§4.4).

use super::*;
use crate::wire::{MessageSent, Surb};
use alloc::{string::String, vec};
use sample::{bytes, echo, message, not_sent, posted, sent};

fn body(frame: &RequestFrame) -> &crate::wire::SendMessage {
    let AnyRequest::SendMessage(message) = &frame.request else { panic!("no message") };
    message
}

#[test]
fn every_message_carries_a_surb_of_the_machines_own_and_no_query_id() {
    let mut rig = Rig::up();
    let mut surbs = alloc::collections::BTreeSet::new();
    for n in 0..8 {
        let mut request = if n % 2 == 0 { message(n) } else { posted(n) };
        if n % 3 == 0 {
            request.surb = Surb::Named(bytes(n).into());
        }
        let (_, frame) = rig.send(request);
        assert_eq!((body(&frame).surb.id().is_some(), frame.query_id), (true, None));
        assert_ne!(body(&frame).surb, Surb::Named(bytes(n).into()));
        assert!(surbs.insert(surb(&frame)));
    }
}

#[test]
fn a_message_ends_with_its_reply() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.say(&sent(surb, 0));
    assert_eq!(rig.result(call), None);
    rig.say(&echo(surb));
    let AnyResponse::MessageReply(reply) = echo(surb) else { panic!("no reply") };
    assert_eq!(rig.result(call), Some(Ok(AnyReply::SendMessage(reply))));
}

#[test]
fn a_message_without_reply_ends_when_it_has_left() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(posted(1));
    rig.say(&sent(surb, 5));
    let AnyResponse::MessageSent(event) = sent(surb, 5) else { panic!("no event") };
    assert_eq!(rig.result(call), Some(Ok(AnyReply::MessageSent(event))));
}

#[test]
fn if_its_sent_event_was_lost_the_reply_says_that_it_left() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(posted(1));
    rig.say(&echo(surb));
    assert!(matches!(rig.result(call), Some(Ok(AnyReply::MessageSent(_)))));
}

#[test]
fn a_message_that_could_not_leave_fails_with_the_daemons_text() {
    for request in [message(1), posted(1)] {
        let mut rig = Rig::up();
        let (call, surb) = rig.send_message(request);
        rig.say(&not_sent(surb));
        assert_eq!(rig.error(call), Some(CallError::SendFailed("no".into())));
        assert_eq!(rig.machine.calls.table().len(), 0);
    }
}

/// Newer daemons send it with every message that left (M2).
#[test]
fn an_empty_error_text_is_none() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.say(&AnyResponse::MessageSent(MessageSent {
        surbid: Some(surb),
        reply_eta: 5,
        err: Some(String::new()),
        ..MessageSent::default()
    }));
    assert_eq!(rig.result(call), None);
    rig.say(&echo(surb));
    assert!(matches!(rig.result(call), Some(Ok(AnyReply::SendMessage(_)))));
}

#[test]
fn without_a_sent_event_it_fails_after_two_minutes() {
    let mut rig = Rig::up();
    let (call, _) = rig.send_message(message(1));
    rig.wait(s(120) - ms(1));
    assert_eq!(rig.result(call), None);
    rig.wait(ms(1));
    assert_eq!((rig.error(call), rig.kinds()), (Some(CallError::Unanswered), vec![]));
}

#[test]
fn while_the_mix_network_is_down_it_waits_to_be_sent() {
    let mut rig = Rig::up();
    rig.say(&status(1, false));
    let (call, surb) = rig.send_message(message(1));
    rig.wait(s(10_000));
    assert_eq!(rig.result(call), None);
    rig.say(&sent(surb, 0));
    assert!(rig.machine.status().mixnet, "what could be sent says that it is there");
    rig.wait(s(30));
    assert_eq!(rig.error(call), Some(CallError::Unanswered));
}

#[test]
fn after_its_sent_event_it_has_the_estimate_and_30_s() {
    let mut rig = Rig::up();
    let (call, surb) = rig.send_message(message(1));
    rig.wait(s(100));
    rig.say(&sent(surb, 4_000_000_000));
    rig.say(&sent(surb, 400_000_000_000));
    rig.wait(s(34) - ms(1));
    assert_eq!(rig.result(call), None);
    rig.wait(ms(1));
    assert_eq!(rig.error(call), Some(CallError::Unanswered));
}

#[test]
fn a_negative_or_endless_estimate_does_no_harm() {
    for (eta, patience) in [(-1, 30), (i64::MIN, 30), (i64::MAX, 3_630)] {
        let mut rig = Rig::up();
        let (call, surb) = rig.send_message(message(1));
        rig.say(&sent(surb, eta));
        rig.wait(s(patience) - ms(1));
        assert_eq!(rig.result(call), None);
        rig.wait(ms(1));
        assert_eq!(rig.error(call), Some(CallError::Unanswered));
    }
}

#[test]
fn its_clocks_stand_while_the_link_is_not_up() {
    for left in [true, false] {
        let mut rig = Rig::up();
        let (call, surb) = rig.send_message(message(1));
        if left {
            rig.say(&sent(surb, 0));
        }
        rig.wait(s(20));
        rig.cut(DisconnectCause::EndOfFile);
        rig.redial();
        rig.wait(s(3_000));
        rig.handshake(1, true);
        // The link is probed meanwhile.
        for _ in 0..if left { 1 } else { 19 } {
            rig.wait(s(5));
            rig.behind_cancels();
        }
        rig.wait(s(5) - ms(1));
        assert_eq!(rig.result(call), None);
        rig.wait(ms(1));
        assert_eq!(rig.error(call), Some(CallError::Unanswered));
    }
}

#[test]
fn a_second_sent_event_is_no_progress() {
    let mut rig = Rig::up();
    let (_, surb) = rig.send_message(message(1));
    for _ in 0..1_025 {
        rig.say(&sent(surb, 0));
    }
    assert_eq!(rig.disconnects, []);
    rig.say(&sent(surb, 0));
    assert_eq!(rig.disconnects.len(), 1);
}
