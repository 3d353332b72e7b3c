//! What may be outstanding at once, and in which order it goes.

use super::*;
use crate::machine::limits::{COPIES_MAX, LOCAL_WINDOW_MAX, MIXNET_WINDOW, QUICK_WINDOW, SLOW_WINDOW};
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
fn the_local_windows_begin_small_and_one_holds_the_other_not_back() {
    let mut rig = Rig::up();
    for n in 0..10 {
        rig.start(slow(n));
    }
    for n in 0..10 {
        rig.start(quick(n));
    }
    let kinds = rig.kinds();
    assert_eq!(kinds.len(), SLOW_WINDOW + QUICK_WINDOW);
    assert_eq!(kinds.iter().filter(|kind| **kind == slow(0).into_kind()).count(), SLOW_WINDOW);
}

#[test]
fn an_answer_within_half_a_second_lets_a_window_grow_by_one() {
    for (request, window) in [(AnyRequest::from(quick(1)), QUICK_WINDOW), (slow(1).into(), SLOW_WINDOW)] {
        let mut rig = Rig::up();
        for _ in 0..100 {
            rig.start(request.clone());
        }
        let first = rig.written();
        assert_eq!(first.len(), window);
        rig.wait(ms(500));
        for frame in &first {
            rig.answer(frame);
        }
        assert_eq!(rig.written().len(), 2 * window, "one for each answer and one more each");
    }
}

#[test]
fn a_slower_answer_takes_it_back_to_where_it_began() {
    let mut rig = Rig::up();
    for n in 0..100 {
        rig.start(quick(n));
    }
    let mut frames = rig.written();
    for frame in mem::take(&mut frames) {
        rig.answer(&frame);
    }
    frames.extend(rig.written());
    assert_eq!(frames.len(), 8);
    rig.wait(ms(501));
    rig.answer(&frames[0]);
    assert_eq!(rig.kinds(), []);
    for frame in &frames[1..4] {
        rig.answer(frame);
    }
    assert_eq!(rig.kinds(), []);
    rig.answer(&frames[4]);
    assert_eq!(rig.written().len(), 1);
}

#[test]
fn a_new_link_begins_with_the_first_windows() {
    let mut rig = Rig::up();
    for n in 0..300 {
        rig.start(quick(n));
    }
    for _ in 0..40 {
        let frame = rig.frames.remove(0);
        rig.answer(&frame);
    }
    assert!(rig.written().len() > QUICK_WINDOW);
    rig.replace(1, true);
    assert_eq!(rig.written().len(), QUICK_WINDOW);
}

#[test]
fn a_fast_daemon_is_not_held_back_and_the_window_has_a_cap() {
    let mut rig = Rig::up();
    let mut answered = 0;
    let mut widest = 0;
    while answered < 3 * LOCAL_WINDOW_MAX {
        while rig.machine.slots.len() < LOCAL_WINDOW_MAX {
            rig.machine.start(rig.now, quick(1), None);
        }
        rig.drain();
        let frames = rig.written();
        widest = widest.max(frames.len());
        for frame in frames {
            rig.machine.handle_input(rig.now, rig.link(), &sample::frame(&good(&frame)));
            answered += 1;
        }
        rig.results.clear();
    }
    assert_eq!(widest, LOCAL_WINDOW_MAX);
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
