//! What happens at the limits.

use std::time::Duration;

use kpthin_core::{
    error::CallError,
    machine::{CallId, limits},
    wire::CreateCourierEnvelopesFromPayload,
};
use kpthin_tests::{How, Pair, Scripted, sample};

const SECOND: Duration = Duration::from_secs(1);

fn create(n: u64, len: usize) -> CreateCourierEnvelopesFromPayload {
    CreateCourierEnvelopesFromPayload {
        payload: vec![7; len].into(),
        dest_write_cap: sample::write_cap(n),
        dest_start_index: sample::bytes::<104>(n).into(),
        is_start: true,
        is_last: true,
    }
}

#[test]
fn calls_beyond_the_limit_are_refused_and_a_place_that_is_free_is_given_again() {
    let mut daemon = Scripted::honest();
    daemon.down = true;
    let mut pair = Pair::new(1, daemon);
    let max = limits::OUTSTANDING_CALLS_MAX as u64;
    let calls: Vec<CallId> = (0..max).map(|n| pair.start(sample::keypair(n))).collect();
    pair.drain();
    assert!(calls.iter().all(|call| pair.completion(*call).is_none()));
    for n in 0..3 {
        let refused = pair.start(sample::keypair(max + n));
        pair.drain();
        assert_eq!(pair.result(refused), Err(CallError::TooManyCalls));
    }
    pair.cancel(calls[7]);
    let accepted = pair.start(sample::keypair(max + 9));
    pair.drain();
    assert_eq!(pair.completion(accepted), None);

    pair.daemon.down = false;
    assert!(pair.settle(600 * SECOND));
    assert!(pair.result(accepted).is_ok());
    pair.assert_at_rest();
}

#[test]
fn so_many_calls_survive_lost_links() {
    let mut pair = Pair::up(2, Scripted::new(|talk, frame| talk.answer_after(SECOND, frame)));
    let max = limits::OUTSTANDING_CALLS_MAX as u64;
    let calls: Vec<CallId> = (0..max)
        .map(|n| if n % 8 == 0 { pair.start(sample::write(n)) } else { pair.start(sample::keypair(n)) })
        .collect();
    for _ in 0..5 {
        pair.run_for(12 * SECOND);
        pair.cut_now(How::Reset);
    }
    assert!(pair.settle(3_600 * SECOND));
    assert!(calls.into_iter().all(|call| pair.result(call).is_ok()));
    pair.assert_at_rest();
}

#[test]
fn bytes_beyond_the_limit_are_refused_unless_they_come_alone() {
    let mut daemon = Scripted::honest();
    daemon.down = true;
    let mut pair = Pair::new(3, daemon);
    let mib = 1 << 20;
    let fitting = limits::HELD_REQUEST_BYTES_MAX / (10 * mib);
    let mut held: Vec<CallId> = (0..fitting as u64).map(|n| pair.start(create(n, 10 * mib))).collect();
    let refused = pair.start(create(99, 10 * mib));
    pair.drain();
    assert_eq!(pair.result(refused), Err(CallError::TooManyCalls));
    assert!(held.iter().all(|call| pair.completion(*call).is_none()));
    held.drain(..).for_each(|call| pair.cancel(call));
    let again = pair.start(create(100, 10 * mib));
    pair.drain();
    assert_eq!(pair.completion(again), None, "the bytes of cancelled calls are still counted");
}
