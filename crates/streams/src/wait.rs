//! One future for everything that a stream can be waited for.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin_client::Client;

use crate::error::StreamError;

type PollFn<T> = Box<dyn FnMut(&mut Context<'_>) -> Poll<Result<T, StreamError>> + Send>;

/// A wait for what a stream does next: await it on any executor, or [`wait`](Self::wait) on a plain
/// thread.
///
/// # Cancel safety
///
/// Dropping it loses nothing, wherever it is: what is waited for belongs to the stream, goes on
/// without it, and is handed out by the next wait. It can stand in a `select!`.
#[must_use = "futures do nothing unless awaited"]
pub struct Waiting<T> {
    client: Client,
    poll: PollFn<T>,
}

impl<T> Waiting<T> {
    pub(crate) fn new(
        client: Client,
        poll: impl FnMut(&mut Context<'_>) -> Poll<Result<T, StreamError>> + Send + 'static,
    ) -> Self {
        Self { client, poll: Box::new(poll) }
    }

    /// Waits on a plain thread.
    ///
    /// # Errors
    ///
    /// What awaiting it fails with, and [`StreamError::WouldBlock`].
    pub fn wait(self) -> Result<T, StreamError> {
        self.client.clone().block_on(self, None)?
    }

    /// Waits on a plain thread, at most for `timeout` of real time. Nothing is lost by it.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and [`StreamError::TimedOut`].
    pub fn wait_timeout(self, timeout: Duration) -> Result<T, StreamError> {
        self.client.clone().block_on(self, Some(timeout))?
    }
}

impl<T> Future for Waiting<T> {
    type Output = Result<T, StreamError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        (self.poll)(cx)
    }
}

impl<T> fmt::Debug for Waiting<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Waiting(..)")
    }
}

/// Those who wait for the same thing; to be woken without any lock held.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<Waker>);

impl Waiters {
    pub(crate) fn add(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    #[must_use = "wake them once the lock is released"]
    pub(crate) fn take(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.0)
    }
}

pub(crate) fn wake(wakers: impl IntoIterator<Item = Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}
