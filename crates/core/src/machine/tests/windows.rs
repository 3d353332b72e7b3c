//! The windows of local calls, which follow the daemon's speed.

use super::*;
use crate::machine::{
    Config, Role,
    limits::{COMPANION_WINDOW, LOCAL_WINDOW_MAX, QUICK_WINDOW, SLOW_WINDOW},
};
use sample::{quick, read, slow};

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
    assert_eq!(kinds.iter().filter(|kind| **kind == RequestKind::EncryptWrite).count(), SLOW_WINDOW);
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
        while rig.machine.calls.table().len() < LOCAL_WINDOW_MAX {
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
fn a_companion_has_one_slow_call_and_ten_operations_outstanding_however_fast_the_daemon_is() {
    let mut rig = Rig::with(Config { role: Role::Companion, ..Config::default() }, [7; 32]);
    rig.handshake(1, false);
    for n in 0..20 {
        rig.start(slow(n));
        rig.start(read(n));
    }
    let count = |kinds: &[RequestKind], kind| kinds.iter().filter(|found| **found == kind).count();
    let frames = rig.written();
    let kinds: alloc::vec::Vec<_> = frames.iter().map(|frame| frame.request.kind()).collect();
    assert_eq!(count(&kinds, RequestKind::EncryptWrite), 1);
    assert_eq!(count(&kinds, RequestKind::StartResendingEncryptedMessage), COMPANION_WINDOW);
    for frame in frames.iter().filter(|frame| frame.request.kind() == RequestKind::EncryptWrite) {
        rig.answer(frame);
    }
    assert_eq!(rig.kinds(), [RequestKind::EncryptWrite], "fast answers let nothing grow");
}
