//! A place for one result, filled by the driver and taken by one waiter.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// A result that is still to come, has come, or was taken.
#[derive(Debug)]
pub(crate) struct Cell<T>(Mutex<State<T>>);

#[derive(Debug)]
enum State<T> {
    Filled(T),
    Taken,
    Waiting(Option<Waker>),
}

impl<T> Cell<T> {
    pub(crate) const fn empty() -> Self {
        Self(Mutex::new(State::Waiting(None)))
    }

    pub(crate) const fn filled(value: T) -> Self {
        Self(Mutex::new(State::Filled(value)))
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills the cell unless it was filled before; the waker is to be woken without any lock held.
    pub(crate) fn fill(&self, value: T) -> Option<Waker> {
        let mut state = self.lock();
        let State::Waiting(waker) = &mut *state else { return None };
        let waker = waker.take();
        *state = State::Filled(value);
        waker
    }

    pub(crate) fn is_waiting(&self) -> bool {
        matches!(*self.lock(), State::Waiting(_))
    }

    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<T> {
        let mut state = self.lock();
        match mem::replace(&mut *state, State::Taken) {
            State::Filled(value) => Poll::Ready(value),
            State::Taken => Poll::Pending,
            State::Waiting(mut waker) => {
                let stale = remember(&mut waker, cx);
                *state = State::Waiting(waker);
                drop(state);
                drop(stale);
                Poll::Pending
            }
        }
    }
}

/// Keeps the waker of `cx`, cloning it only if it is another one than before.
///
/// Returns the one before, which is to be dropped without any lock held: it may be all that is
/// left of a task, which then drops what it holds, calls among it.
#[must_use = "drop it once the lock is released"]
pub(crate) fn remember(slot: &mut Option<Waker>, cx: &Context<'_>) -> Option<Waker> {
    if slot.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        return None;
    }
    slot.replace(cx.waker().clone())
}
