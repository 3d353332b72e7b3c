//! What was read and not yet taken: a thread that blocks in reading, and the driver that takes.

use std::{
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use zeroize::{Zeroize, Zeroizing};

use crate::Stream;

/// What is read at once, and what is held at most before reading waits.
const HELD_MAX: usize = 64 << 10;

/// What the reading thread and the driver share.
pub(crate) struct Incoming {
    state: Mutex<State>,
    /// The driver has taken everything, or wants no more.
    taken: Condvar,
}

struct State {
    bytes: Zeroizing<Vec<u8>>,
    /// How much of the bytes the driver has taken.
    taken: usize,
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    /// The driver wants no more.
    Closed,
    /// Nothing more comes; the error is told once.
    Ended(Option<io::Error>),
    Reading,
}

impl Incoming {
    pub(crate) fn new() -> Self {
        let state = State { bytes: Zeroizing::default(), taken: 0, stage: Stage::Reading, waker: None };
        Self { state: Mutex::new(state), taken: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads until the stream ends or the driver wants no more: the whole work of a thread.
    pub(crate) fn read_from(&self, stream: &impl Stream) {
        let mut buffer = Zeroizing::new(vec![0; HELD_MAX]);
        loop {
            let read = match stream.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let mut state = self.lock();
            while state.taken < state.bytes.len() && !matches!(state.stage, Stage::Closed) {
                state = self.taken.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if matches!(state.stage, Stage::Closed) {
                return;
            }
            match read {
                Ok(0) => state.stage = Stage::Ended(None),
                Err(error) => state.stage = Stage::Ended(Some(error)),
                Ok(len) => {
                    state.bytes.clear();
                    state.bytes.extend_from_slice(buffer.get(..len).unwrap_or_default());
                    state.taken = 0;
                }
            }
            let (ended, waker) = (matches!(state.stage, Stage::Ended(_)), state.waker.take());
            drop(state);
            if let Some(waker) = waker {
                waker.wake();
            }
            if ended {
                return;
            }
        }
    }

    pub(crate) fn poll_read(&self, cx: &Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        let State { bytes, taken, stage, waker } = &mut *state;
        let held = bytes.get_mut(*taken..).unwrap_or_default();
        if held.is_empty() {
            return match stage {
                Stage::Ended(error) => Poll::Ready(error.take().map_or(Ok(0), Err)),
                Stage::Closed | Stage::Reading => {
                    *waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let len = held.len().min(into.len());
        let (moved, left) = held.split_at_mut(len);
        into.iter_mut().zip(&*moved).for_each(|(to, from)| *to = *from);
        moved.zeroize();
        let all = left.is_empty();
        *taken += len;
        drop(state);
        if all {
            self.taken.notify_one();
        }
        Poll::Ready(Ok(len))
    }

    /// The driver wants no more.
    pub(crate) fn close(&self) {
        let waker = {
            let mut state = self.lock();
            state.stage = Stage::Closed;
            state.waker.take()
        };
        drop(waker);
        self.taken.notify_one();
    }
}
