//! Steps from box to box, without the daemon.

use kpthin_bacap::{IndexError, MessageBoxIndex as Bacap};
use kpthin_client::wire::{MessageBoxIndex, ReadCap};

use crate::error::StateError;

/// Steps within which an index is checked to belong to its capability; they take milliseconds.
const CHECKED_STEPS: u64 = 4_096;

fn bacap(index: &MessageBoxIndex) -> Result<Bacap, IndexError> {
    Bacap::from_bytes(index.as_bytes())
}

/// The box after this one.
pub(crate) fn next(index: &MessageBoxIndex) -> Result<MessageBoxIndex, IndexError> {
    Ok(bacap(index)?.next()?.to_bytes().into())
}

/// The box with this number, which lies ahead.
pub(crate) fn advance(index: &MessageBoxIndex, counter: u64) -> Result<MessageBoxIndex, IndexError> {
    Ok(bacap(index)?.advance_to(counter)?.to_bytes().into())
}

/// Checks that an index can be one of the capability's.
pub(crate) fn check(read_cap: &ReadCap, index: &MessageBoxIndex) -> Result<(), StateError> {
    let first = read_cap.index();
    let foreign = StateError::ForeignIndex { counter: index.counter(), first: first.counter() };
    match index.counter().checked_sub(first.counter()) {
        None => Err(foreign),
        Some(steps) if steps > CHECKED_STEPS => Ok(()),
        Some(_) => match advance(&first, index.counter()) {
            Ok(reached) if reached == *index => Ok(()),
            _ => Err(foreign),
        },
    }
}
