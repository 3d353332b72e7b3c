//! What is to be written: the driver that fills, and a thread that blocks in writing.

use std::{
    io,
    net::Shutdown,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use zeroize::Zeroizing;

use crate::Stream;

/// What is held at most before the driver has to wait; as much again may be on its way.
const HELD_MAX: usize = 64 << 10;

/// What the writing thread and the driver share.
pub(crate) struct Outgoing {
    state: Mutex<State>,
    /// There is something to write, or the driver ends it.
    filled: Condvar,
}

struct State {
    bytes: Zeroizing<Vec<u8>>,
    stage: Stage,
    waker: Option<Waker>,
}

enum Stage {
    /// The driver wants no more written.
    Closed,
    /// Writing failed; the error is told once.
    Failed(Option<io::Error>),
    /// What is held is still to be written, then the writing half is to be closed.
    Finishing,
    /// The writing half is closed.
    Finished,
    Open,
}

impl Outgoing {
    pub(crate) fn new() -> Self {
        let state = State { bytes: Zeroizing::default(), stage: Stage::Open, waker: None };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes until the driver ends it or writing fails: the whole work of a thread.
    pub(crate) fn write_to(&self, stream: &impl Stream) {
        loop {
            let mut state = self.lock();
            while state.bytes.is_empty() && matches!(state.stage, Stage::Open) {
                state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let bytes = std::mem::take(&mut state.bytes);
            match state.stage {
                Stage::Closed | Stage::Failed(_) | Stage::Finished => return,
                Stage::Finishing if bytes.is_empty() => {
                    // A failure shows elsewhere: the peer is gone.
                    drop(stream.shutdown(Shutdown::Write));
                    state.stage = Stage::Finished;
                }
                Stage::Finishing | Stage::Open => {}
            }
            let room = state.waker.take();
            drop(state);
            if let Some(waker) = room {
                waker.wake();
            }
            if let Err(error) = write_all(stream, &bytes) {
                let waker = self.fail(error);
                if let Some(waker) = waker {
                    waker.wake();
                }
                return;
            }
        }
    }

    fn fail(&self, error: io::Error) -> Option<Waker> {
        let mut state = self.lock();
        if !matches!(state.stage, Stage::Closed) {
            state.stage = Stage::Failed(Some(error));
        }
        state.waker.take()
    }

    pub(crate) fn poll_write(&self, cx: &Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = self.lock();
        match &mut state.stage {
            Stage::Open => {}
            Stage::Failed(error) => {
                let error = error.take().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into());
                return Poll::Ready(Err(error));
            }
            Stage::Closed | Stage::Finished | Stage::Finishing => {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
        let room = HELD_MAX.saturating_sub(state.bytes.len());
        if room == 0 {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if state.bytes.capacity() == 0 {
            // Once, because a buffer that grows leaves copies behind.
            state.bytes.reserve_exact(HELD_MAX);
        }
        let part = bytes.get(..room).unwrap_or(bytes);
        state.bytes.extend_from_slice(part);
        drop(state);
        self.filled.notify_one();
        Poll::Ready(Ok(part.len()))
    }

    pub(crate) fn poll_shutdown(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        match state.stage {
            Stage::Closed | Stage::Failed(_) | Stage::Finished => return Poll::Ready(Ok(())),
            Stage::Finishing | Stage::Open => state.stage = Stage::Finishing,
        }
        state.waker = Some(cx.waker().clone());
        drop(state);
        self.filled.notify_one();
        Poll::Pending
    }

    /// The driver wants no more written.
    pub(crate) fn close(&self) {
        let waker = {
            let mut state = self.lock();
            state.stage = Stage::Closed;
            state.waker.take()
        };
        drop(waker);
        self.filled.notify_one();
    }
}

fn write_all(stream: &impl Stream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
