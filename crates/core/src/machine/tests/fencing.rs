//! The cancel as a fence: an operation is started again only behind the answer to its cancel.

use super::*;
use alloc::vec;
use sample::{cancel, copy, from_courier, poll, quick, refusal, write};

/// A machine whose write waits, on a second link, for the answer to its cancel; with the first start and the cancel.
fn fenced(resumed: bool) -> (Rig, CallId, RequestFrame, RequestFrame) {
    let mut rig = Rig::up();
    let (call, start) = rig.send(write(1));
    rig.replace(1, resumed);
    let cancel = rig.one();
    (rig, call, start, cancel)
}

/// The same, started again, with all that was written: the first start, the cancel and the second start.
fn started_again() -> (Rig, CallId, [RequestFrame; 3]) {
    let (mut rig, call, first, cancel) = fenced(true);
    rig.answer(&cancel);
    let second = rig.one();
    (rig, call, [first, cancel, second])
}

#[test]
fn a_queued_result_ends_the_call_and_nothing_is_started_again() {
    let (mut rig, call, start, cancel) = fenced(true);
    rig.answer(&start);
    assert!(rig.ended_well(call));
    rig.answer(&cancel);
    assert_eq!((rig.kinds(), rig.outstanding(), rig.machine.calls.knows_no_key()), (vec![], 0, true));
}

#[test]
fn a_queued_failure_ends_it_as_well() {
    let (mut rig, call, start, cancel) = fenced(true);
    rig.say(&from_courier(&start, 1));
    assert!(rig.error(call).is_some());
    rig.answer(&cancel);
    assert_eq!((rig.kinds(), rig.outstanding()), (vec![], 0));
}

#[test]
fn a_copy_whose_result_was_queued_is_never_started_twice() {
    let mut rig = Rig::up();
    let (call, start) = rig.send(copy(1));
    rig.replace(1, true);
    let cancel = rig.one();
    rig.answer(&start);
    rig.answer(&cancel);
    assert!(rig.ended_well(call));
    assert_eq!(rig.kinds(), []);
}

#[test]
fn the_answer_to_a_cancelled_start_ends_nothing() {
    let (mut rig, call, start, cancel) = fenced(true);
    rig.say(&refusal(&start, 24));
    assert_eq!((rig.kinds(), rig.result(call)), (vec![], None));
    rig.answer(&cancel);
    assert_eq!(rig.one().request, write(1).into());
}

#[test]
fn a_result_under_an_old_id_ends_the_call_and_the_newer_start_is_cancelled() {
    let (mut rig, call, [first, _, second]) = started_again();
    rig.answer(&first);
    assert!(rig.ended_well(call));
    // The newer start keeps its place and its key until it is answered.
    let places = rig.machine.calls.places()[3];
    assert_eq!((rig.one().request, places, rig.outstanding()), (cancel(1).into(), 1, 0));
    let held = rig.start(write(1));
    assert_eq!(rig.kinds(), []);
    rig.say(&refusal(&second, 24));
    assert_eq!((rig.one().request, rig.result(held)), (write(1).into(), None));
}

#[test]
fn the_last_four_ids_are_kept_and_older_ones_are_strays() {
    let mut rig = Rig::up();
    let (call, frame) = rig.send(write(1));
    let mut starts = vec![frame];
    for _ in 0..4 {
        rig.cut(DisconnectCause::Local);
        rig.redial();
        rig.handshake(1, false);
        let cancel = rig.one();
        rig.answer(&cancel);
        starts.push(rig.one());
    }
    rig.answer(&starts[0]);
    assert_eq!((rig.result(call), rig.kinds()), (None, vec![]));
    rig.answer(&starts[1]);
    assert!(rig.ended_well(call));
}

#[test]
fn another_daemon_knows_no_old_id() {
    let mut rig = Rig::up();
    let (call, start) = rig.send(write(1));
    rig.replace(2, false);
    rig.answer(&start);
    assert_eq!(rig.result(call), None);
    let cancel = rig.one();
    rig.answer(&cancel);
    assert_eq!(rig.one().request, write(1).into());
}

#[test]
fn a_fence_that_the_daemon_passes_over_opens() {
    let (mut rig, call, _, _) = fenced(false);
    let (_, frame) = rig.send(quick(1));
    rig.answer(&frame);
    rig.wait(s(60) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    assert_eq!((rig.one().request, rig.result(call)), (write(1).into(), None));
}

#[test]
fn a_fence_that_is_lost_with_its_link_is_put_up_again() {
    let (mut rig, call, _, _) = fenced(true);
    rig.replace(1, true);
    let cancel = rig.one();
    assert_eq!(cancel.request, sample::cancel(1).into());
    rig.answer(&cancel);
    let start = rig.one();
    rig.answer(&start);
    assert!(rig.ended_well(call));
}

#[test]
fn a_call_that_is_given_up_at_its_fence_has_no_second_cancel() {
    let (mut rig, call, _, cancel) = fenced(true);
    rig.cancel(call);
    assert_eq!(rig.kinds(), []);
    rig.answer(&cancel);
    rig.wait(s(100));
    assert_eq!((rig.kinds(), rig.outstanding(), rig.machine.calls.knows_no_key()), (vec![], 0, true));
}

#[test]
fn an_old_cancel_that_is_read_late_does_not_end_the_call_but_for_the_fourth_time() {
    let (mut rig, call, _, _) = fenced(false);
    // The cancel is not answered before its link ends.
    rig.replace(1, false);
    let cancel = rig.one();
    rig.answer(&cancel);
    let mut start = rig.one();
    for _ in 0..3 {
        rig.say(&refusal(&start, 24));
        assert_eq!(rig.result(call), None);
        let again = rig.one();
        assert_eq!(again.request, write(1).into());
        assert_ne!(again.query_id, start.query_id);
        start = again;
    }
    assert_eq!(rig.machine.calls.places(), rig.machine.calls.recounted_places());
    rig.say(&refusal(&start, 24));
    assert_eq!(rig.error(call), Some(CallError::CancelledElsewhere));
}

#[test]
fn while_an_old_cancel_may_be_read_the_first_renewal_comes_early() {
    let (mut rig, _, _, _) = fenced(false);
    rig.replace(1, false);
    assert_eq!(rig.behind_cancels().len(), 1);
    rig.wait(s(120) - ms(1));
    assert_eq!(rig.kinds(), []);
    rig.wait(ms(1));
    assert_eq!(rig.one().request, cancel(1).into());
}

#[test]
fn without_an_unanswered_cancel_on_an_earlier_link_it_was_somebody_else() {
    let (mut rig, call, [_, _, second]) = started_again();
    rig.say(&refusal(&second, 24));
    assert_eq!(rig.error(call), Some(CallError::CancelledElsewhere));

    // Nor does another daemon read what was written to the one before.
    let (mut rig, call, _, _) = fenced(false);
    rig.replace(2, false);
    let cancel = rig.one();
    rig.answer(&cancel);
    let start = rig.one();
    rig.say(&refusal(&start, 24));
    assert_eq!(rig.error(call), Some(CallError::CancelledElsewhere));
}

#[test]
fn a_polling_read_keeps_its_turn_behind_its_fence() {
    let mut rig = Rig::up();
    for n in 1..=2 {
        rig.start(poll(n));
    }
    rig.written();
    rig.replace(1, true);
    let cancels = rig.written();
    rig.start(poll(3));
    rig.start(poll(4));
    rig.written();
    // Behind the answers both want their places, and one place is left.
    cancels.iter().for_each(|cancel| rig.answer(cancel));
    assert_eq!(rig.one().request, poll(1).into());
}

#[test]
fn after_a_link_that_the_daemon_may_still_have_the_first_renewal_comes_early() {
    for (cause, minutes) in [(DisconnectCause::Local, 2), (DisconnectCause::EndOfFile, 10)] {
        let mut rig = Rig::up();
        rig.send(write(1));
        rig.cut(cause);
        rig.redial();
        rig.handshake(1, false);
        assert_eq!(rig.behind_cancels().len(), 1);
        rig.wait(s(minutes * 60) - ms(1));
        assert_eq!(rig.kinds(), []);
        rig.wait(ms(1));
        assert_eq!(rig.behind_cancels().len(), 1);
        rig.wait(s(600) - ms(1));
        assert_eq!(rig.kinds(), [], "and the next ones do not");
    }
}
