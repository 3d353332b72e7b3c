//! Every wait ends or is renewed (§9.7).

use super::*;
use crate::error::Fate;
use alloc::vec;
use sample::{cancel, copy, create, document, pinned, quick, slow, write};

fn unanswered() -> Option<CallError> {
    Some(CallError::Unanswered)
}

#[test]
fn what_was_overtaken_fails_after_another_minute_and_the_link_stays() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(quick(1));
    rig.wait(s(100));
    let (second, frame) = rig.send(slow(2));
    rig.answer(&frame);
    assert!(rig.ended_well(second));
    rig.wait(s(60) - ms(1));
    assert_eq!(rig.result(first), None);
    rig.wait(ms(1));
    assert_eq!((rig.error(first), rig.disconnects.len()), (unanswered(), 0));
    rig.answer(&old);
    assert_eq!(rig.machine.calls.table().len(), 0);
}

#[test]
fn what_was_overtaken_may_still_be_answered() {
    let mut rig = Rig::up();
    let (first, old) = rig.send(quick(1));
    let (_, frame) = rig.send(quick(2));
    rig.answer(&frame);
    rig.wait(s(59));
    rig.answer(&old);
    assert!(rig.ended_well(first));
    rig.wait(s(1_000));
    assert_eq!(rig.disconnects, []);
}

#[test]
fn all_that_stand_in_front_are_overtaken_at_once_and_once() {
    let mut rig = Rig::up();
    let a = rig.start(quick(1));
    let b = rig.start(quick(2));
    let c = rig.start(quick(3));
    let d = rig.start(quick(4));
    let frames = rig.written();
    rig.answer(&frames[1]);
    rig.wait(s(30));
    rig.answer(&frames[3]);
    assert!(rig.ended_well(b) && rig.ended_well(d));
    rig.wait(s(30));
    assert_eq!((rig.error(a), rig.result(c)), (unanswered(), None));
    rig.wait(s(30));
    assert_eq!((rig.error(c), rig.disconnects.len()), (unanswered(), 0));
}

#[test]
fn what_stood_behind_an_overtaken_one_is_the_oldest_from_then_on() {
    let mut rig = Rig::up();
    let (first, _) = rig.send(quick(1));
    let (_, frame) = rig.send(quick(2));
    let (third, _) = rig.send(quick(3));
    rig.answer(&frame);
    rig.wait(s(60));
    assert_eq!(rig.error(first), unanswered());
    rig.wait(s(300) - ms(1));
    assert_eq!(rig.result(third), None);
    rig.wait(ms(1));
    assert_eq!((rig.result(third), rig.disconnects.len()), (None, 1));
}

#[test]
fn operations_overtake_nothing() {
    let mut rig = Rig::up();
    let (local, _) = rig.send(quick(1));
    let (_, frame) = rig.send(write(2));
    rig.answer(&frame);
    rig.wait(s(299));
    assert_eq!(rig.result(local), None);
}

#[test]
fn when_the_oldest_is_silent_for_five_minutes_the_link_is_replaced_and_the_second_time_it_fails() {
    let mut rig = Rig::up();
    let (oldest, _) = rig.send(slow(1));
    rig.wait(s(200));
    let (younger, _) = rig.send(quick(2));
    rig.wait(s(100) - ms(1));
    assert_eq!((rig.result(oldest), rig.disconnects.len()), (None, 0));
    rig.wait(ms(1));
    assert_eq!(rig.result(oldest), None);
    assert_eq!(rig.disconnects, [(rig.link(), DisconnectMode::Drain)]);
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.handshake(1, false);
    let [again, other] = <[RequestFrame; 2]>::try_from(rig.written()).unwrap();
    assert_eq!((&again.request, &other.request), (&slow(1).into(), &quick(2).into()));
    rig.wait(s(300));
    assert_eq!((rig.error(oldest), rig.disconnects.len()), (unanswered(), 2));
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.handshake(1, false);
    rig.answer_all();
    assert!(rig.ended_well(younger));
}

#[test]
fn the_next_one_is_the_oldest_since_the_answer_before_it() {
    let mut rig = Rig::up();
    let (_, frame) = rig.send(slow(1));
    let (second, _) = rig.send(slow(2));
    rig.wait(s(299));
    rig.answer(&frame);
    rig.wait(s(299));
    assert_eq!(rig.result(second), None);
    assert_eq!(rig.disconnects, []);
    rig.wait(s(1));
    assert_eq!((rig.result(second), rig.disconnects.len()), (None, 1));
}

#[test]
fn a_create_may_be_silent_for_an_hour() {
    let mut rig = Rig::up();
    let (call, _) = rig.send(create(1));
    rig.wait(s(3_600) - ms(1));
    assert_eq!(rig.result(call), None);
    rig.wait(ms(1));
    assert_eq!((rig.result(call), rig.disconnects.len()), (None, 1));
}

#[test]
fn an_explicit_cancel_is_a_local_call_too() {
    let mut rig = Rig::up();
    let (explicit, _) = rig.send(cancel(1));
    rig.wait(s(300));
    assert_eq!((rig.result(explicit), rig.disconnects.len()), (None, 1));
    // Its link is answer enough, as wherever there is none.
    rig.cut(DisconnectCause::EndOfFile);
    assert!(rig.ended_well(explicit));

    let mut rig = Rig::up();
    let (explicit, _) = rig.send(cancel(1));
    let (_, frame) = rig.send(quick(1));
    rig.answer(&frame);
    rig.wait(s(60));
    assert_eq!((rig.error(explicit), rig.disconnects.len()), (unanswered(), 0));
}

#[test]
fn an_operation_is_renewed_after_ten_connected_minutes() {
    let mut rig = Rig::up();
    let (call, old) = rig.send(write(1));
    rig.wait(s(300));
    rig.say(&status(1, false));
    rig.wait(s(100_000));
    rig.say(&status(1, true));
    rig.wait(s(300) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    let first = rig.one();
    assert_eq!(first.request, cancel(1).into());
    rig.say(&sample::refusal(&old, 24));
    rig.answer(&first);
    let second = rig.one();
    assert_eq!(second.request, old.request);
    assert_ne!(second.query_id, old.query_id);
    rig.wait(s(600));
    let third = rig.one();
    assert_eq!(third.request, cancel(1).into());
    rig.answer(&third);
    let fourth = rig.one();
    rig.answer(&fourth);
    assert!(rig.ended_well(call));
}

#[test]
fn a_replayed_operation_has_its_ten_minutes_again() {
    let mut rig = Rig::up();
    rig.send(write(1));
    rig.wait(s(599));
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    rig.wait(s(1_000));
    rig.handshake(1, false);
    let cancel = rig.one();
    rig.answer(&cancel);
    rig.one();
    rig.wait(s(600) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    assert_eq!(rig.one().request, cancel.request);
}

#[test]
fn a_copy_whose_courier_leaves_the_document_ends() {
    let mut rig = Rig::up();
    rig.say(&document(1, 7));
    let (gone, _) = rig.send(pinned(1, 7));
    let (free, _) = rig.send(copy(2));
    rig.say(&document(2, 7));
    assert_eq!(rig.result(gone), None);
    rig.say(&document(3, 8));
    assert_eq!(rig.error(gone), Some(CallError::CourierGone));
    assert_eq!(rig.one().request, sample::cancel_copy(1).into());
    assert_eq!(rig.result(free), None);
}

#[test]
fn a_copy_at_a_courier_that_no_document_knows_is_not_even_sent() {
    let mut rig = Rig::up();
    rig.say(&document(1, 7));
    let call = rig.start(pinned(1, 8));
    assert_eq!((rig.error(call), rig.kinds()), (Some(CallError::CourierGone), vec![]));
    let mut rig = Rig::up();
    let (call, _) = rig.send(pinned(1, 8));
    rig.say(&document(1, 7));
    assert_eq!(rig.error(call), Some(CallError::CourierGone));
}

#[test]
fn an_answer_with_courier_members_says_that_the_mix_network_is_there() {
    let mut rig = Rig::up();
    rig.say(&status(1, false));
    let (_, frame) = rig.send(write(1));
    rig.say(&sample::refusal(&frame, 4));
    assert!(!rig.machine.status().mixnet, "a rejection at once names no courier");
    let (_, frame) = rig.send(write(1));
    rig.say(&sample::from_courier(&frame, 24));
    assert!(!rig.machine.status().mixnet, "a cancelled start names its courier without having met it");
    let (_, frame) = rig.send(write(1));
    rig.say(&sample::from_courier(&frame, 1));
    assert!(rig.machine.status().mixnet);
    assert!(rig.events.contains(&Event::Mixnet { connected: true }));
}

#[test]
fn nothing_is_silent_while_there_is_no_link() {
    let mut rig = Rig::up();
    let (local, _) = rig.send(quick(1));
    rig.cut(DisconnectCause::EndOfFile);
    rig.redial();
    for _ in 0..100 {
        rig.machine.handle_connect_failed(rig.now, rig.link(), "no");
        rig.drain();
        rig.redial();
        rig.wait(s(60));
    }
    assert_eq!(rig.result(local), None);
    let late = rig.start_until(quick(2), Some(rig.now + s(5)));
    rig.wait(s(5));
    assert_eq!(rig.error(late), Some(CallError::TimedOut(Fate::NotSent)));
}
