//! The decisions of a writer, with a network that is a map.

use std::{collections::BTreeMap, time::Duration};

use kpthin_client::{
    Instant,
    record::RecordError,
    wire::{SecretBytes, WriteCap},
};
use proptest::prelude::*;

use super::{
    tasks::{Job, Tasks},
    *,
};
use crate::{
    StateError,
    testing::{renumbered, stream},
};

const LIMIT: Option<usize> = Some(20);

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

fn state() -> WriterState {
    let stream = stream();
    WriterState::new(stream.write_cap, stream.first).unwrap()
}

fn tasks() -> Tasks {
    Tasks::new(state())
}

/// The box that many steps from the beginning.
fn seq(step: u64) -> Seq {
    Seq::from(stream().first.counter() + step)
}

fn push(tasks: &mut Tasks, count: u64) {
    let from = tasks.state().next_index().counter() - stream().first.counter();
    for step in from..from + count {
        assert_eq!(tasks.push(format!("message {step}").into(), LIMIT), Ok(seq(step)));
    }
}

/// The steps of the boxes that are to be written now.
fn writes(tasks: &mut Tasks, now: Instant) -> Vec<u64> {
    std::iter::from_fn(|| tasks.next_job(now))
        .map(|job| match job {
            Job::Write { index, body } => {
                let step = index.counter() - stream().first.counter();
                assert_eq!(body, SecretBytes::from(format!("message {step}")));
                step
            }
            Job::Delete { .. } => panic!("{job:?}"),
        })
        .collect()
}

fn stored(tasks: &mut Tasks, step: u64) {
    tasks.written(seq(step).counter(), Outcome::Stored);
}

fn receipts(tasks: &mut Tasks) -> Vec<(Seq, Outcome)> {
    std::iter::from_fn(|| tasks.take_receipt()).map(|receipt| (receipt.seq, receipt.outcome)).collect()
}

#[test]
fn nothing_is_sent_before_it_is_released() {
    let mut tasks = tasks();
    push(&mut tasks, 3);
    assert!(writes(&mut tasks, at(0)).is_empty() && !tasks.has_work());
    tasks.release(seq(1)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)), [0, 1]);
    let (first, next) = (seq(0), seq(3));
    assert_eq!(tasks.release(seq(3)), Err(RangeError::NotPushed { seq: seq(3), first, next }));
}

#[test]
fn what_cannot_be_a_box_is_refused_and_changes_nothing() {
    let mut tasks = tasks();
    assert_eq!(tasks.push("hello".into(), None), Err(PushError::NoGeometry));
    assert_eq!(tasks.push("".into(), LIMIT), Err(PushError::Empty));
    assert_eq!(tasks.push(vec![1; 21].into(), LIMIT), Err(PushError::TooLong { len: 21, max: 20 }));
    assert_eq!(tasks.state(), state());
    assert_eq!(tasks.push(vec![1; 20].into(), LIMIT), Ok(seq(0)));
    // From here on the state knows the limit, so that one can push offline.
    let mut restored = Tasks::new(tasks.state());
    assert_eq!(restored.push(vec![1; 21].into(), None), Err(PushError::TooLong { len: 21, max: 20 }));
    assert_eq!(restored.push(vec![1; 20].into(), None), Ok(seq(1)));
}

#[test]
fn so_many_boxes_may_be_without_receipt() {
    let mut tasks = tasks();
    for _ in 0..4_096 {
        tasks.push("x".into(), LIMIT).unwrap();
    }
    assert_eq!(tasks.push("x".into(), LIMIT), Err(PushError::Full(4_096)));
    assert_eq!(tasks.tombstone(&(seq(0)..=seq(1))), Err(RangeError::Full(4_096)));
}

#[test]
fn a_stream_ends_with_its_last_box() {
    let mut last = state();
    last.next = renumbered(&last.next, u64::MAX);
    assert_eq!(Tasks::new(last).push("x".into(), LIMIT), Err(PushError::Exhausted));
}

#[test]
fn twelve_boxes_are_on_their_way_and_receipts_come_in_order() {
    let mut tasks = tasks();
    push(&mut tasks, 16);
    tasks.release(seq(15)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)), (0..12).collect::<Vec<_>>());
    stored(&mut tasks, 1);
    assert_eq!(writes(&mut tasks, at(0)), [12], "the first one holds nobody up");
    assert!(receipts(&mut tasks).is_empty());
    stored(&mut tasks, 0);
    assert_eq!(writes(&mut tasks, at(0)), [13]);
    assert_eq!(receipts(&mut tasks), [(seq(0), Outcome::Stored), (seq(1), Outcome::Stored)]);
}

#[test]
fn the_first_box_that_is_not_written_holds_up_those_that_are_far_behind() {
    let mut tasks = tasks();
    push(&mut tasks, 80);
    tasks.release(seq(79)).unwrap();
    let mut written = writes(&mut tasks, at(0));
    while let Some(last) = written.last().copied().filter(|last| *last > 0) {
        for step in written.drain(..).filter(|step| *step > 0) {
            stored(&mut tasks, step);
        }
        written = writes(&mut tasks, at(0));
        assert!(written.first().is_none_or(|next| *next == last + 1));
    }
    assert_eq!(tasks.state().tasks.len(), 80, "none has its receipt");
    stored(&mut tasks, 0);
    assert_eq!(writes(&mut tasks, at(0)), (64..76).collect::<Vec<_>>());
}

#[test]
fn a_box_that_fails_holds_those_behind_it_and_goes_out_again_with_the_same_content() {
    let mut tasks = tasks();
    push(&mut tasks, 15);
    tasks.release(seq(14)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)).len(), 12);
    tasks.failed(at(0), seq(2).counter());
    tasks.failed(at(0), seq(3).counter());
    for step in [0, 1, 4, 5, 6, 7, 8, 9, 10, 11] {
        stored(&mut tasks, step);
    }
    assert!(writes(&mut tasks, at(4)).is_empty(), "a pause comes first");
    assert_eq!(tasks.due(at(4)), Some(at(5)));
    assert_eq!(writes(&mut tasks, at(5)), [2], "alone");
    tasks.failed(at(5), seq(2).counter());
    assert_eq!(tasks.due(at(5)), Some(at(15)), "the pause is twice as long");
    assert_eq!(writes(&mut tasks, at(15)), [2]);
    stored(&mut tasks, 2);
    assert_eq!(writes(&mut tasks, at(15)), [3, 12, 13, 14]);
}

#[test]
fn what_runs_when_the_flow_is_lost_runs_again() {
    let mut tasks = tasks();
    push(&mut tasks, 1);
    tasks.release(seq(0)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)), [0]);
    tasks.abandon();
    assert_eq!(writes(&mut tasks, at(0)), [0]);
}

#[test]
fn a_box_that_was_deleted_meanwhile_stops_nobody() {
    let mut tasks = tasks();
    push(&mut tasks, 2);
    tasks.release(seq(1)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)), [0, 1]);
    tasks.written(seq(0).counter(), Outcome::Tombstoned);
    stored(&mut tasks, 1);
    assert_eq!(receipts(&mut tasks), [(seq(0), Outcome::Tombstoned), (seq(1), Outcome::Stored)]);
    assert!(tasks.push("more".into(), LIMIT).is_ok());
}

#[test]
fn a_conflict_stops_the_writer_also_after_a_restart() {
    let mut tasks = tasks();
    push(&mut tasks, 3);
    tasks.release(seq(2)).unwrap();
    assert_eq!(writes(&mut tasks, at(0)), [0, 1, 2]);
    tasks.written(seq(1).counter(), Outcome::Conflict);
    assert_eq!(tasks.push("x".into(), LIMIT), Err(PushError::Stopped));
    assert_eq!(tasks.tombstone(&(seq(0)..=seq(0))), Err(RangeError::Stopped));
    stored(&mut tasks, 0);
    assert_eq!(receipts(&mut tasks), [(seq(0), Outcome::Stored), (seq(1), Outcome::Conflict)]);
    assert!(tasks.is_silent() && !tasks.has_work());

    let mut restored = Tasks::new(WriterState::from_bytes(&tasks.state().to_bytes()).unwrap());
    assert_eq!(writes(&mut restored, at(0)), [1, 2], "it comes to the same box again");
}

#[test]
fn boxes_are_deleted_behind_what_writes_them_and_each_has_a_receipt() {
    let mut tasks = tasks();
    push(&mut tasks, 2);
    tasks.release(seq(1)).unwrap();
    tasks.tombstone(&(seq(0)..=seq(1))).unwrap();
    push(&mut tasks, 1);
    assert_eq!(writes(&mut tasks, at(0)), [0, 1]);
    stored(&mut tasks, 0);
    assert!(tasks.next_job(at(0)).is_none(), "the second one is not written yet");
    stored(&mut tasks, 1);
    let job = tasks.next_job(at(0));
    assert!(matches!(&job, Some(Job::Delete { index, count: 2 }) if *index == stream().index(0)), "{job:?}");
    tasks.deleted(seq(0).counter(), 1);
    tasks.failed(at(0), seq(1).counter());
    let saved = tasks.state();
    assert_eq!(receipts(&mut tasks).len(), 3, "two writes, one deletion");
    assert_eq!(tasks.due(at(0)), Some(at(5)));
    let job = tasks.next_job(at(5));
    assert!(matches!(&job, Some(Job::Delete { index, count: 1 }) if *index == stream().index(1)), "{job:?}");
    tasks.deleted(seq(1).counter(), 1);
    assert_eq!(receipts(&mut tasks), [(seq(1), Outcome::Deleted)]);
    assert_eq!(tasks.state().tasks.len(), 1, "the box that was not released");

    // A crash before the receipts: everything again, in the same order.
    let mut restored = Tasks::new(WriterState::from_bytes(&saved.to_bytes()).unwrap());
    assert_eq!(writes(&mut restored, at(0)), [0, 1, 2]);
}

#[test]
fn only_what_was_pushed_is_deleted() {
    let mut tasks = tasks();
    push(&mut tasks, 2);
    let (first, next) = (seq(0), seq(2));
    assert_eq!(tasks.tombstone(&(seq(1)..=seq(2))), Err(RangeError::NotPushed { seq: seq(2), first, next }));
    let before = Seq::from(seq(0).counter() - 1);
    assert_eq!(tasks.tombstone(&(before..=seq(0))), Err(RangeError::NotPushed { seq: before, first, next }));
    let reversed = tasks.tombstone(&(seq(1)..=seq(0)));
    assert_eq!(reversed, Err(RangeError::Empty));
}

#[test]
fn long_ranges_go_in_parts() {
    let mut tasks = tasks();
    push(&mut tasks, 20);
    tasks.release(seq(19)).unwrap();
    for step in 0..20 {
        let _ = writes(&mut tasks, at(0));
        stored(&mut tasks, step);
    }
    assert_eq!(receipts(&mut tasks).len(), 20);
    tasks.tombstone(&(seq(0)..=seq(19))).unwrap();
    let mut parts = Vec::new();
    while let Some(Job::Delete { index, count }) = tasks.next_job(at(0)) {
        tasks.deleted(index.counter(), count.into());
        parts.push(count);
    }
    assert_eq!(parts, [8, 8, 4]);
    let expected: Vec<_> = (0..20).map(|step| (seq(step), Outcome::Deleted)).collect();
    assert_eq!(receipts(&mut tasks), expected);
    assert!(tasks.state().tasks.is_empty());
}

#[test]
fn a_state_survives_being_stored_and_nothing_else_is_taken_for_one() {
    let mut tasks = tasks();
    push(&mut tasks, 2);
    tasks.release(seq(1)).unwrap();
    tasks.tombstone(&(seq(0)..=seq(1))).unwrap();
    let bytes = tasks.state().to_bytes();
    assert_eq!(WriterState::from_bytes(&bytes).unwrap(), tasks.state());
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(WriterState::from_bytes(&changed).is_err(), "byte {at}");
        assert!(WriterState::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
    let stream = stream();
    let other = crate::ReaderState::new(stream.read_cap, stream.first).unwrap().to_bytes();
    assert_eq!(WriterState::from_bytes(&other), Err(StateError::Record(RecordError::OtherKind)));
    let no_pair = WriterState::new(WriteCap::from([3; 168]), stream.write_cap.index());
    assert!(matches!(no_pair, Err(StateError::Capability(_))), "{no_pair:?}");
}

#[test]
fn nothing_secret_is_printed() {
    let mut tasks = tasks();
    push(&mut tasks, 1);
    let expected = format!("WriterState(#{}, 1 tasks)", seq(1).counter());
    assert_eq!(format!("{:?}", tasks.state()), expected);
}

/// What can happen to a writer.
#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Save,
    /// Releases what is in the saved state.
    Release,
    Start,
    /// A job ends: what was sent may have arrived, and the program may or may not learn of it.
    End {
        arrived: bool,
        known: bool,
    },
    Receipt,
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Push),
        3 => Just(Step::Save),
        3 => Just(Step::Release),
        4 => Just(Step::Start),
        6 => (any::<bool>(), any::<bool>()).prop_map(|(arrived, known)| Step::End { arrived, known }),
        3 => Just(Step::Receipt),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    /// Whatever happens in whichever order: no box gets two contents, no receipt lies, and what was
    /// released is stored in the end.
    #[test]
    fn no_box_gets_two_contents_and_nothing_released_is_lost(steps in prop::collection::vec(step(), 1..200)) {
        let mut tasks = tasks();
        let mut saved = tasks.state().to_bytes();
        let mut saved_up_to = None;
        let mut released: BTreeMap<u64, SecretBytes> = BTreeMap::new();
        let mut pushed: BTreeMap<u64, SecretBytes> = BTreeMap::new();
        let mut network: BTreeMap<u64, SecretBytes> = BTreeMap::new();
        let mut jobs = Vec::new();
        let mut now = at(0);
        let mut made = 0;
        for step in steps {
            now = now + Duration::from_secs(60);
            match step {
                Step::Push => {
                    made += 1;
                    let body = SecretBytes::from(format!("body {made}"));
                    if let Ok(seq) = tasks.push(body.clone(), LIMIT) {
                        pushed.insert(seq.counter(), body);
                    }
                }
                Step::Save => {
                    saved = tasks.state().to_bytes();
                    saved_up_to = pushed.last_key_value().map(|(counter, _)| *counter);
                }
                Step::Release => if let Some(counter) = saved_up_to {
                    tasks.release(Seq::from(counter)).unwrap();
                    released.extend(pushed.range(..=counter).map(|(at, body)| (*at, body.clone())));
                },
                Step::Start => jobs.extend(tasks.next_job(now)),
                Step::End { arrived, known } => if !jobs.is_empty() {
                    let Job::Write { index, body } = jobs.remove(0) else { panic!("nothing is deleted") };
                    let counter = index.counter();
                    prop_assert!(released.contains_key(&counter), "sent before it was released");
                    if arrived {
                        let holds = network.entry(counter).or_insert_with(|| body.clone());
                        prop_assert_eq!(&*holds, &body);
                    }
                    match (arrived, known) {
                        (true, true) => tasks.written(counter, Outcome::Stored),
                        _ => tasks.failed(now, counter),
                    }
                },
                Step::Receipt => if let Some(receipt) = tasks.take_receipt() {
                    prop_assert_eq!(receipt.outcome, Outcome::Stored);
                    prop_assert!(network.contains_key(&receipt.seq.counter()));
                },
                Step::Crash => {
                    tasks = Tasks::new(WriterState::from_bytes(&saved).unwrap());
                    jobs.clear();
                    // What was not saved is bound to nothing, and was never sent.
                    pushed.retain(|counter, _| saved_up_to.is_some_and(|up_to| *counter <= up_to));
                    released.clone_from(&pushed);
                }
            }
        }
        jobs.clear();
        tasks.abandon();
        while let Some(Job::Write { index, body }) = tasks.next_job(now + Duration::from_secs(3_600)) {
            let holds = network.entry(index.counter()).or_insert_with(|| body.clone());
            prop_assert_eq!(&*holds, &body);
            tasks.written(index.counter(), Outcome::Stored);
        }
        for (counter, body) in &released {
            prop_assert_eq!(network.get(counter), Some(body));
        }
    }
}
