//! The decisions of a copy job.

use kpthin_client::{
    pki::ServiceAddress,
    wire::{IdentityHash, QueueId},
};
use proptest::prelude::*;

use super::{plan::boxes_max, *};
use crate::{StateError, steps, testing::stream};

/// Bytes of a destination box in these tests.
const CHUNK: u64 = 10;

fn state() -> CopyState {
    let stream = stream();
    let courier =
        ServiceAddress { node: IdentityHash::from([1; 32]), queue: QueueId::new("courier").unwrap() };
    CopyState {
        temporary: stream.write_cap,
        next: stream.first,
        courier,
        chunk: CHUNK,
        sources: Vec::new(),
        sealed: (0, 0),
        started: false,
        buffer: SecretBytes::default(),
        elements: VecDeque::new(),
        epoch: None,
        stage: Stage::Open,
    }
}

fn payload(len: usize) -> Source {
    let stream = stream();
    let bytes: Vec<u8> = (0..len).map(|at| at.to_le_bytes()[0]).collect();
    Source { write_cap: stream.write_cap, start: stream.first, content: Content::Payload(bytes.into()) }
}

fn tombstones(count: u32) -> Source {
    Source { content: Content::Tombstones(count), ..payload(0) }
}

/// Seals everything that there is to seal; which boxes each call was for, and whether it was the last.
fn seal_all(state: &mut CopyState) -> Vec<(u64, u64, bool)> {
    let first = stream().first.counter();
    std::iter::from_fn(|| {
        let batch = state.next_batch().unwrap()?;
        state.batch_sealed(&batch, vec!["element".into()], Some("rest".into()));
        Some((batch.start.counter() - first, batch.next.counter() - first, batch.is_last))
    })
    .collect()
}

#[test]
fn calls_are_cut_to_four_boxes_and_the_last_one_ends_the_stream() {
    let mut state = state();
    state.append(payload(95)).unwrap();
    state.append(tombstones(5)).unwrap();
    state.stage = Stage::Closed;
    let calls = seal_all(&mut state);
    assert_eq!(calls, [(0, 4, false), (4, 8, false), (8, 10, false), (0, 4, false), (4, 5, true)]);
    assert_eq!((state.stage, state.elements.len()), (Stage::Sealed, 5));
}

#[test]
fn every_byte_is_sealed_once_and_in_order() {
    let mut state = state();
    state.append(payload(95)).unwrap();
    state.stage = Stage::Closed;
    let mut bytes = Vec::new();
    while let Some(batch) = state.next_batch().unwrap() {
        let Part::Payload(part) = &batch.part else { panic!("{batch:?}") };
        bytes.extend_from_slice(part);
        state.batch_sealed(&batch, Vec::new(), None);
    }
    assert!(Content::Payload(bytes.into()) == payload(95).content);
}

#[test]
fn a_job_that_is_closed_late_ends_with_an_empty_call() {
    let mut state = state();
    state.append(payload(25)).unwrap();
    assert_eq!(seal_all(&mut state), [(0, 3, false)]);
    assert_eq!(state.next_batch(), Ok(None));
    state.append(payload(10)).unwrap();
    assert_eq!(seal_all(&mut state), [(0, 1, false)]);
    state.stage = Stage::Closed;
    assert_eq!(seal_all(&mut state), [(1, 1, true)], "what was kept back comes out");
    assert_eq!(state.next_batch(), Ok(None));
}

#[test]
fn what_cannot_be_copied_is_refused_and_changes_nothing() {
    let mut state = state();
    assert_eq!(state.append(payload(0)), Err(CopyError::Empty));
    assert_eq!(state.append(tombstones(0)), Err(CopyError::Empty));
    let max = boxes_max(CHUNK);
    let boxes = max + 1;
    assert_eq!(
        state.append(tombstones(u32::try_from(boxes).unwrap())),
        Err(CopyError::TooMany { boxes, max })
    );
    let foreign = Source { start: crate::testing::renumbered(&stream().first, 3), ..payload(5) };
    assert!(matches!(
        state.append(foreign),
        Err(CopyError::Destination(StateError::ForeignIndex { counter: 3, .. }))
    ));
    assert!(state.sources.is_empty());
    state.stage = Stage::Closed;
    assert_eq!(state.next_batch(), Err(CopyError::Empty));
    assert_eq!(state.append(payload(5)), Err(CopyError::Closed));
}

/// Limits of 2^64 - 454 and around, less four: the first one divided by zero once.
#[test]
fn absurd_sizes_of_boxes_do_no_harm() {
    for chunk in [0, 1, 2, u64::MAX - 461, u64::MAX - 457, u64::MAX - 456, u64::MAX - 4, u64::MAX] {
        assert!(boxes_max(chunk) <= 65_536, "{chunk}");
        let mut state = CopyState { chunk, ..state() };
        if state.append(payload(5)).is_ok() {
            let batch = state.next_batch().unwrap().unwrap();
            assert!(matches!(batch.part, Part::Payload(part) if !part.is_empty()), "{chunk}");
        }
    }
}

#[test]
fn a_courier_takes_as_much_as_the_specification_says() {
    // 65,536 elements of 1544 bytes, boxes of 2003 bytes (§4.17).
    assert_eq!(boxes_max(1_545), 65_536 * 1_544 / 2_003);
    assert!(boxes_max(1 << 30) == 65_536 * ((1 << 30) - 1) / ((1 << 30) + 458));
}

#[test]
fn the_number_of_an_envelope_names_destination_and_box() {
    let mut state = state();
    state.append(payload(25)).unwrap();
    state.append(tombstones(2)).unwrap();
    let found =
        |number| state.envelope(number).map(|(at, index)| (at, index.counter() - stream().first.counter()));
    assert_eq!(
        [0, 1, 3, 4, 5, 6].map(found),
        [None, Some((0, 0)), Some((0, 2)), Some((1, 0)), Some((1, 1)), None]
    );
}

#[test]
fn beginning_anew_keeps_the_destinations_and_nothing_else() {
    let mut state = state();
    state.append(payload(25)).unwrap();
    state.stage = Stage::Closed;
    state.epoch = Some(7);
    let first = seal_all(&mut state);
    let next = steps::next(&stream().first).unwrap();
    state.begin_anew(stream().write_cap, next.clone());
    assert_eq!((state.epoch, state.elements.len(), &state.next, state.started), (None, 0, &next, false));
    assert_eq!(seal_all(&mut state), first);
}

#[test]
fn a_state_survives_being_stored_and_nothing_else_is_taken_for_one() {
    let mut state = state();
    state.append(payload(45)).unwrap();
    state.append(tombstones(3)).unwrap();
    let batch = state.next_batch().unwrap().unwrap();
    state.batch_sealed(&batch, vec!["one".into(), "two".into()], Some("rest".into()));
    state.epoch = Some(2_950);
    for stage in [Stage::Open, Stage::Closed, Stage::Sealed, Stage::Commanded, Stage::Done] {
        state.stage = stage;
        assert_eq!(CopyState::from_bytes(&state.to_bytes()).as_ref(), Ok(&state));
    }
    let bytes = state.to_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(CopyState::from_bytes(&changed).is_err(), "byte {at}");
        assert!(CopyState::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
    }
    assert_eq!(format!("{state:?}"), "CopyState(2 destinations, 2 elements to upload, Done)");
}

proptest! {
    /// However it is cut and wherever it is stored in between, every box is sealed once, in order.
    #[test]
    fn boxes_are_sealed_once_and_in_order(
        sources in prop::collection::vec((any::<bool>(), 1..90_u32), 1..6),
        restarts in prop::collection::vec(any::<bool>(), 1..100),
    ) {
        let mut state = state();
        let mut expected = 0;
        for (is_payload, size) in sources {
            let source = if is_payload { payload(size as usize) } else { tombstones(size) };
            expected += source.boxes(CHUNK);
            state.append(source).unwrap();
        }
        state.stage = Stage::Closed;
        let (mut sealed, mut last) = (0, 0);
        let mut restarts = restarts.into_iter().cycle();
        while let Some(batch) = state.next_batch().unwrap() {
            sealed += batch.next.counter() - batch.start.counter();
            last += usize::from(batch.is_last);
            state.batch_sealed(&batch, Vec::new(), None);
            if restarts.next().unwrap() {
                state = CopyState::from_bytes(&state.to_bytes()).unwrap();
            }
        }
        prop_assert_eq!((sealed, last, state.stage), (expected, 1, Stage::Sealed));
    }
}
