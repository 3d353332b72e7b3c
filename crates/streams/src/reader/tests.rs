//! The decisions of a reader, told the answers by hand.

use std::{collections::VecDeque, time::Duration};

use kpthin_client::{
    Asked, CallError, DaemonError, Fate, Instant, Read,
    record::RecordError,
    wire::{MessageBoxIndex, SecretBytes},
};
use proptest::prelude::*;

use super::{lookahead::Lookahead, *};
use crate::{
    StateError, StreamError, steps,
    testing::{renumbered, stream},
};

fn at(seconds: u64) -> Instant {
    Instant::from_origin(Duration::from_secs(seconds))
}

fn state() -> ReaderState {
    let stream = stream();
    ReaderState::new(stream.read_cap, stream.first).unwrap()
}

fn lookahead() -> Lookahead {
    Lookahead::new(state(), Pauses::default())
}

/// How many steps a box is from the beginning.
fn steps_to(index: &MessageBoxIndex) -> u64 {
    index.counter() - stream().first.counter()
}

fn asks(lookahead: &mut Lookahead, now: Instant, wanted: bool) -> Vec<u64> {
    std::iter::from_fn(|| lookahead.next_ask(now, wanted)).map(|index| steps_to(&index)).collect()
}

/// The answer for a box, in replica epoch 10.
fn answer(
    lookahead: &mut Lookahead,
    now: Instant,
    step: u64,
    read: fn(SecretBytes, MessageBoxIndex) -> Read,
) {
    let index = stream().index(step);
    let next = steps::next(&index).unwrap();
    let read = read(SecretBytes::from(format!("message {step}")), next.clone());
    let asked = asked(read, next, Some(10));
    lookahead.answer(now, index.counter(), Ok(asked));
}

fn asked(read: Read, next: MessageBoxIndex, replica_epoch: Option<u64>) -> Asked {
    Asked::new(read, next, replica_epoch)
}

fn message(plaintext: SecretBytes, next: MessageBoxIndex) -> Read {
    Read::Message { plaintext, next }
}

fn unwritten(_: SecretBytes, _: MessageBoxIndex) -> Read {
    Read::NotWritten
}

fn tombstone(_: SecretBytes, next: MessageBoxIndex) -> Read {
    Read::Tombstone { next }
}

fn take_message(lookahead: &mut Lookahead) -> Option<String> {
    match lookahead.take()?.unwrap().item {
        Item::Message(text) => Some(String::from_utf8_lossy(&text).into_owned()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_more_is_found_the_more_is_asked_for_up_to_eight() {
    let mut lookahead = lookahead();
    let mut rounds = Vec::new();
    for _ in 0..5 {
        let round = asks(&mut lookahead, at(0), true);
        for step in &round {
            answer(&mut lookahead, at(0), *step, message);
            assert_eq!(take_message(&mut lookahead), Some(format!("message {step}")));
        }
        rounds.push(round.len());
    }
    assert_eq!(rounds, [1, 2, 8, 8, 8]);
}

#[test]
fn an_unwritten_head_is_asked_for_alone_and_only_when_somebody_waits_and_it_is_due() {
    let mut lookahead = lookahead();
    assert_eq!(asks(&mut lookahead, at(0), false), [0], "whether it is written is not known");
    answer(&mut lookahead, at(2), 0, unwritten);
    let due = lookahead.due(at(0)).unwrap();
    assert!(due <= at(1), "{due:?}: from the start of the look, not from its end");
    assert_eq!(asks(&mut lookahead, at(2), false), [0; 0]);
    assert_eq!(asks(&mut lookahead, at(2), true), [0]);
    answer(&mut lookahead, at(3), 0, unwritten);
    assert_eq!(asks(&mut lookahead, at(3), true), [0; 0]);
    let due = lookahead.due(at(3)).unwrap();
    assert!(due > at(3) && due <= at(4), "{due:?}");
    assert_eq!(asks(&mut lookahead, due, true), [0]);
    answer(&mut lookahead, due, 0, message);
    assert_eq!(asks(&mut lookahead, due, false), [1, 2], "what was found makes for reading ahead");
}

#[test]
fn what_comes_out_of_order_is_handed_out_in_order() {
    let mut lookahead = lookahead();
    for step in [0, 1] {
        assert!(asks(&mut lookahead, at(0), true).contains(&step));
        answer(&mut lookahead, at(0), step, message);
        assert!(lookahead.take().is_some());
    }
    assert_eq!(asks(&mut lookahead, at(0), true), [3, 4, 5], "the second is asked for already");
    answer(&mut lookahead, at(0), 5, message);
    answer(&mut lookahead, at(0), 3, tombstone);
    answer(&mut lookahead, at(0), 4, unwritten);
    assert!(lookahead.take().is_none() && !lookahead.is_ready());
    answer(&mut lookahead, at(0), 2, message);
    assert_eq!(take_message(&mut lookahead).as_deref(), Some("message 2"));
    let delivery = lookahead.take().unwrap().unwrap();
    assert_eq!((delivery.item, steps_to(delivery.after.index())), (Item::Tombstone, 4));
    assert!(lookahead.take().is_none(), "the fourth was not there");
    assert_eq!(asks(&mut lookahead, at(0), true), [4, 6]);
    answer(&mut lookahead, at(0), 4, message);
    assert_eq!(take_message(&mut lookahead).as_deref(), Some("message 4"));
    assert_eq!(take_message(&mut lookahead).as_deref(), Some("message 5"), "it was found before");
}

#[test]
fn a_box_that_takes_long_does_not_keep_others_from_being_looked_at_until_they_are_far_ahead() {
    let mut lookahead = lookahead();
    let mut asked = Vec::new();
    for step in [0, 1, 2] {
        asked.extend(asks(&mut lookahead, at(0), true));
        asked.retain(|it| *it != step);
        answer(&mut lookahead, at(0), step, message);
        assert!(lookahead.take().is_some());
    }
    asked.extend(asks(&mut lookahead, at(0), true));
    let mut last = 0;
    while let Some(step) = asked.pop() {
        if step != 3 {
            answer(&mut lookahead, at(0), step, message);
        }
        last = last.max(step);
        let more = asks(&mut lookahead, at(0), true);
        assert!(more.len() <= 1, "one for each that is found");
        asked.extend(more);
    }
    assert_eq!(last, 3 + 31);
    assert!(!lookahead.is_ready());
    answer(&mut lookahead, at(0), 3, message);
    for step in 3..=last {
        assert_eq!(take_message(&mut lookahead), Some(format!("message {step}")));
    }
}

#[test]
fn what_was_asked_for_and_lost_is_asked_for_again() {
    let mut lookahead = lookahead();
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
    lookahead.abandon();
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
}

#[test]
fn an_error_that_does_not_pass_is_handed_out_once_and_the_reader_stays() {
    let mut lookahead = lookahead();
    let error = CallError::Daemon(DaemonError::BacapDecryptionFailed);
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
    lookahead.answer(at(0), stream().first.counter(), Err(error.clone()));
    assert_eq!(asks(&mut lookahead, at(60), true), [0; 0], "not before it was handed out");
    assert_eq!(lookahead.take(), Some(Err(StreamError::Call(error))));
    assert_eq!(asks(&mut lookahead, at(60), true), [0]);
    answer(&mut lookahead, at(60), 0, message);
    assert_eq!(take_message(&mut lookahead).as_deref(), Some("message 0"));
}

#[test]
fn what_the_network_makes_good_by_itself_passes_and_a_bad_box_does_not() {
    use kpthin_client::ReplicaError as R;
    for (error, passes) in [
        (CallError::Daemon(DaemonError::CourierInvalidEpoch), true),
        (CallError::Daemon(DaemonError::MkemDecryptionFailed), true),
        (CallError::Daemon(DaemonError::ServiceUnavailable), true),
        (CallError::Replica(R::ReplicationFailed), true),
        (CallError::Replica(R::InternalError), true),
        (CallError::Daemon(DaemonError::BacapDecryptionFailed), false),
        (CallError::Daemon(DaemonError::InvalidTombstoneSignature), false),
        (CallError::Daemon(DaemonError::InvalidRequest), false),
    ] {
        let mut lookahead = lookahead();
        assert_eq!(asks(&mut lookahead, at(0), true), [0]);
        lookahead.answer(at(0), stream().first.counter(), Err(error.clone()));
        assert_eq!(lookahead.trouble().is_some(), passes, "{error}");
        assert_eq!(lookahead.take().is_some(), !passes, "{error}");
    }
}

#[test]
fn an_error_that_passes_is_only_seen_by_whoever_looks() {
    let mut lookahead = lookahead();
    let error = CallError::LinkLost(Fate::MaybeExecuted);
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
    lookahead.answer(at(0), stream().first.counter(), Err(error.clone()));
    assert_eq!((lookahead.take(), lookahead.trouble()), (None, Some(&error)));
    assert_eq!(asks(&mut lookahead, at(60), true), [0]);
    answer(&mut lookahead, at(60), 0, unwritten);
    assert_eq!(lookahead.trouble(), None);
}

#[test]
fn a_daemon_that_steps_elsewhere_is_found_out() {
    let mut lookahead = lookahead();
    let counter = stream().first.counter();
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
    let elsewhere = stream().index(2);
    lookahead.answer(at(0), counter, Ok(asked(message("m".into(), elsewhere.clone()), elsewhere, None)));
    assert_eq!(lookahead.take(), Some(Err(StreamError::IndexMismatch { counter })));
    assert_eq!(lookahead.state().unwrap().index(), &stream().first);
}

#[test]
fn a_gap_is_passed_when_it_is_taken_and_not_before() {
    let mut lookahead = lookahead();
    let counter = stream().first.counter();
    assert!(lookahead.declare_gap(counter, 3, Some(12)));
    assert_eq!(lookahead.state().unwrap(), state(), "a crash now finds the gap again");
    assert_eq!(asks(&mut lookahead, at(0), true), [0; 0]);
    let delivery = lookahead.take().unwrap().unwrap();
    assert_eq!((delivery.item, delivery.counter), (Item::Gap { boxes: 3 }, counter));
    assert_eq!(steps_to(delivery.after.index()), 3);
    assert_eq!(asks(&mut lookahead, at(0), true), [3]);
}

#[test]
fn a_box_that_was_found_meanwhile_is_no_gap() {
    let mut lookahead = lookahead();
    assert_eq!(asks(&mut lookahead, at(0), true), [0]);
    answer(&mut lookahead, at(0), 0, message);
    assert!(!lookahead.declare_gap(stream().first.counter(), 3, Some(12)));
    assert_eq!(take_message(&mut lookahead).as_deref(), Some("message 0"));
    assert!(!lookahead.declare_gap(stream().first.counter(), 3, Some(12)), "it is not the head any more");
}

#[test]
fn the_last_box_of_all_is_read_and_then_the_stream_is_at_its_end() {
    let mut last = state();
    last.index = renumbered(&last.index, u64::MAX);
    let mut lookahead = Lookahead::new(last, Pauses::default());
    let index = lookahead.next_ask(at(0), true).unwrap();
    let asked = asked(message("end".into(), index.clone()), index, None);
    lookahead.answer(at(0), u64::MAX, Ok(asked));
    assert_eq!(lookahead.take(), Some(Err(StreamError::Exhausted)));
    assert_eq!(lookahead.next_ask(at(0), true), None);
}

#[test]
fn a_state_survives_being_stored_and_nothing_else_is_taken_for_one() {
    let mut state = state();
    state.coverage.delivered(Some(2_950));
    let bytes = state.to_bytes();
    assert_eq!(ReaderState::from_bytes(&bytes), Ok(state));
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(ReaderState::from_bytes(&changed).is_err(), "byte {at}");
        assert!(ReaderState::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
    let other = WriterStateBytes::get();
    assert_eq!(ReaderState::from_bytes(&other), Err(StateError::Record(RecordError::OtherKind)));
}

struct WriterStateBytes;

impl WriterStateBytes {
    fn get() -> SecretBytes {
        let stream = stream();
        crate::WriterState::new(stream.write_cap, stream.first).unwrap().to_bytes()
    }
}

#[test]
fn capabilities_and_indexes_that_do_not_belong_together_are_refused() {
    let stream = stream();
    let first = stream.first.counter();
    let new = |index| ReaderState::new(stream.read_cap.clone(), index);
    assert!(new(stream.index(4)).is_ok());
    for counter in [first - 1, first + 4] {
        let error = StateError::ForeignIndex { counter, first };
        assert_eq!(new(renumbered(&stream.index(3), counter)), Err(error));
    }
    let no_key = kpthin_client::wire::ReadCap::from([2; 136]);
    assert!(matches!(ReaderState::new(no_key, stream.first), Err(StateError::Capability(_))));
}

#[test]
fn nothing_secret_is_printed() {
    assert_eq!(format!("{:?}", state()), format!("ReaderState(#{})", stream().first.counter()));
}

/// What can happen to a reader.
#[derive(Clone, Copy, Debug)]
enum Step {
    Ask,
    /// The answer that came in at this place among those outstanding.
    Answer(usize),
    /// The writer writes another box.
    Write,
    /// The program takes an item, and stores it with the state; or dies before that.
    Take {
        stored: bool,
    },
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Ask),
        4 => (0..8usize).prop_map(Step::Answer),
        2 => Just(Step::Write),
        4 => prop::bool::weighted(0.9).prop_map(|stored| Step::Take { stored }),
        1 => Just(Step::Crash),
    ]
}

proptest! {
    /// Whatever happens in whichever order, the program stores the messages of the stream in order,
    /// each once.
    #[test]
    fn no_message_is_lost_or_repeated(steps in prop::collection::vec(step(), 1..200)) {
        let mut lookahead = lookahead();
        let (mut written, mut now) = (0, at(0));
        let mut outstanding = VecDeque::new();
        let mut stored = (Vec::new(), state().to_bytes());
        let restart = |bytes: &[u8]| Lookahead::new(ReaderState::from_bytes(bytes).unwrap(), Pauses::default());
        for step in steps {
            now = now + Duration::from_secs(7);
            match step {
                Step::Ask => outstanding.extend(asks(&mut lookahead, now, true)),
                Step::Answer(place) => {
                    let place = place % outstanding.len().max(1);
                    if let Some(step) = outstanding.remove(place) {
                        answer(&mut lookahead, now, step, if step < written { message } else { unwritten });
                    }
                }
                Step::Write => written += 1,
                Step::Take { stored: true } => if let Some(item) = lookahead.take() {
                    let delivery = item.unwrap();
                    stored.0.push(delivery.item);
                    stored.1 = delivery.after.to_bytes();
                },
                Step::Take { stored: false } => if lookahead.take().is_some() {
                    lookahead = restart(&stored.1);
                    outstanding.clear();
                },
                Step::Crash => {
                    lookahead = restart(&stored.1);
                    outstanding.clear();
                }
            }
        }
        let expected: Vec<_> = (0..stored.0.len())
            .map(|step| Item::Message(format!("message {step}").into()))
            .collect();
        prop_assert_eq!(stored.0, expected);
    }
}
