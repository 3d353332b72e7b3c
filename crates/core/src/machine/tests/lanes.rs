//! What may be outstanding at once, and in which order it goes.

use super::*;
use crate::machine::limits::{COPIES_MAX, MIXNET_WINDOW};
use alloc::{vec, vec::Vec};
use sample::{copy, create, echo, message, not_sent, posted, quick, read, refusal, sent, slow, write};

#[test]
fn sixteen_operations_and_messages_are_outstanding_and_the_next_waits() {
    let mut rig = Rig::up();
    for n in 0..20 {
        if n % 2 == 0 {
            rig.start(write(n));
        } else {
            rig.start(message(n));
        }
    }
    let frames = rig.written();
    assert_eq!((frames.len(), rig.queued()), (MIXNET_WINDOW, 4));
    rig.answer(&frames[0]);
    assert_eq!(rig.written().len(), 1);
    rig.say(&refusal(&frames[2], 12));
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn a_message_gives_its_place_back_at_its_sent_event_and_only_once() {
    let ends: [fn(SurbId) -> AnyResponse; 4] = [|surb| sent(surb, 0), |surb| sent(surb, 0), not_sent, echo];
    for (which, end) in ends.into_iter().enumerate() {
        let mut rig = Rig::up();
        let request = if which == 1 { posted } else { message };
        for n in 0..40 {
            rig.start(request(n));
        }
        let first = rig.written();
        for (ended, frame) in first.iter().enumerate() {
            rig.say(&end(surb(frame)));
            assert_eq!(rig.written().len(), 1, "{which}: after {ended}");
            // Its reply, if one comes at all, gives nothing back a second time.
            rig.say(&echo(surb(frame)));
            assert_eq!(rig.kinds(), []);
        }
    }
}

#[test]
fn the_end_of_the_link_empties_the_window() {
    let mut rig = Rig::up();
    let calls: Vec<_> = (0..16).map(|n| rig.start(write(n))).collect();
    rig.written();
    rig.cut(DisconnectCause::EndOfFile);
    for call in calls {
        rig.cancel(call);
    }
    for n in 100..116 {
        rig.start(write(n));
    }
    rig.redial();
    rig.handshake(1, true);
    let kinds = rig.kinds();
    assert_eq!(kinds.iter().filter(|kind| **kind == write(0).into_kind()).count(), 16);
}

#[test]
fn a_message_of_an_earlier_link_gives_no_place_back() {
    for end in [not_sent, echo, |surb| sent(surb, 0)] {
        let mut rig = Rig::up();
        let (_, surb) = rig.send_message(message(1));
        rig.replace(1, true);
        for n in 0..20 {
            rig.start(write(n));
        }
        assert_eq!(rig.written().len(), MIXNET_WINDOW);
        rig.say(&end(surb));
        assert_eq!(rig.kinds(), []);
    }
}

#[test]
fn four_copies_are_outstanding_and_hold_nobody_else_back() {
    let mut rig = Rig::up();
    for n in 0..6 {
        rig.start(copy(n));
    }
    rig.start(write(1));
    let kinds = rig.kinds();
    assert_eq!(kinds.len(), COPIES_MAX + 1);
    assert_eq!(kinds[COPIES_MAX], write(1).into_kind());
}

#[test]
fn a_copy_that_ends_lets_the_next_one_go() {
    let mut rig = Rig::up();
    for n in 0..6 {
        rig.start(copy(n));
    }
    let frames = rig.written();
    rig.answer(&frames[2]);
    assert_eq!(rig.one().request, copy(4).into());
}

#[test]
fn never_two_creates_at_once() {
    let mut rig = Rig::up();
    let first = rig.start(create(1));
    rig.start(create(2));
    rig.start(quick(1));
    let frames = rig.written();
    assert_eq!(frames.len(), 2);
    rig.say(&refusal(&frames[0], 4));
    assert!(rig.error(first).is_some());
    assert_eq!(rig.kinds(), [create(2).into_kind()]);
}

#[test]
fn the_order_is_that_of_the_starts() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let requests: [AnyRequest; 6] = [
        write(1).into(),
        quick(2).into(),
        message(3).into(),
        slow(4).into(),
        read(5).into(),
        create(6).into(),
    ];
    for request in &requests {
        rig.start(request.clone());
    }
    rig.stuck = false;
    rig.drain();
    let expected: Vec<_> = requests.iter().map(AnyRequest::kind).collect();
    assert_eq!(rig.kinds(), expected);
}

#[test]
fn what_waits_for_room_asks_for_no_wake_up() {
    let mut rig = Rig::up();
    for n in 0..20 {
        rig.start(write(n));
        rig.start(copy(n));
        rig.start(slow(n));
        rig.start(quick(n));
        rig.start(create(n));
    }
    rig.written();
    assert!(rig.queued() > 50);
    let at = rig.wake_at.unwrap();
    assert!(at >= rig.now + s(60), "{:?}", at.saturating_since(rig.now));
    rig.wait(s(59));
    assert_eq!(rig.kinds(), vec![]);
}

#[test]
fn the_status_counts_calls_and_not_frames() {
    let mut rig = Rig::up();
    rig.stuck = true;
    let (a, b) = (rig.start(write(1)), rig.start(quick(1)));
    assert_eq!((rig.queued(), rig.outstanding()), (2, 2));
    rig.stuck = false;
    rig.drain();
    assert_eq!((rig.queued(), rig.outstanding()), (0, 2));
    rig.stuck = true;
    rig.cancel(a);
    let held = rig.start(write(1));
    assert_eq!((rig.queued(), rig.outstanding()), (1, 2));
    rig.cancel(held);
    rig.cancel(b);
    assert_eq!((rig.queued(), rig.outstanding()), (0, 0));
}

trait IntoKind {
    fn into_kind(self) -> RequestKind;
}

impl<T: Into<AnyRequest>> IntoKind for T {
    fn into_kind(self) -> RequestKind {
        self.into().kind()
    }
}
