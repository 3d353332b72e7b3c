//! Waiting on a plain thread.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};

use crate::shared::Shared;

/// Why [`Client::block_on`](crate::Client::block_on) gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum BlockError {
    /// The time is up.
    #[error("the wait has timed out")]
    TimedOut,
    /// Waiting on this thread could keep the driver from running; await the future instead.
    #[error("waiting on this thread would block the driver")]
    WouldBlock,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A waker that unparks this thread: for whoever polls a future and parks in between.
#[must_use]
pub fn unparking_waker() -> Waker {
    thread_local! {
        static UNPARK: Waker = Waker::from(Arc::new(Unpark(thread::current())));
    }
    UNPARK.with(Waker::clone)
}

/// The time in which a plain thread waits: the real one, whatever the driver's clock says.
#[expect(clippy::disallowed_methods, reason = "a thread that is parked is woken by the real clock")]
pub(crate) fn wall_clock() -> Instant {
    Instant::now()
}

/// Polls `future` on this thread until it ends or `until` has passed.
///
/// Where blocking could keep the driver from running, says so instead.
pub(crate) fn block_on<F>(
    shared: Option<&Shared>,
    future: &mut F,
    until: Option<Instant>,
) -> Result<F::Output, BlockError>
where
    F: Future + Unpin,
{
    let waker = unparking_waker();
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = Pin::new(&mut *future).poll(&mut cx) {
            return Ok(output);
        }
        if shared.is_some_and(Shared::must_not_block) {
            return Err(BlockError::WouldBlock);
        }
        match until {
            None => thread::park(),
            Some(until) => {
                let left = until.saturating_duration_since(wall_clock());
                if left.is_zero() {
                    return Err(BlockError::TimedOut);
                }
                thread::park_timeout(left);
            }
        }
    }
}
