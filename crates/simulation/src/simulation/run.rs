//! The loop that polls what is woken and lets time pass.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    task::{Context, Poll},
    time::Duration,
};

use kpthin_client::Instant;

use super::Simulation;
use crate::{
    stalled::{DevnetStatus, StallCause, Stalled},
    tasks::Flag,
};

/// How often everything that is woken may be polled while the clock stands still.
///
/// Writing a box takes one round, where the daemon takes no time; two hundred readers take some hundreds.
const ROUNDS_MAX: u32 = 100_000;

impl Simulation {
    /// Runs a future to its end, for as long as patience lasts.
    pub(super) fn run<F: Future>(&self, future: F, patience: Duration) -> Result<F::Output, Stalled> {
        let begun = self.now();
        let Some(_running) = Running::begin(&self.running) else {
            return Err(self.stalled(StallCause::Nested, begun, begun));
        };
        let until = begun + patience;
        let (mut future, mut polled, mut rounds) = (pin!(future), begun, 0);
        let (flag, waker) = Flag::new();
        loop {
            let now = self.now();
            while rounds < ROUNDS_MAX {
                if flag.take() {
                    polled = now;
                    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Ok(output);
                    }
                }
                if !self.tasks.poll() && !flag.is_set() {
                    break;
                }
                rounds += 1;
            }
            if rounds >= ROUNDS_MAX {
                return Err(self.stalled(StallCause::Spinning, begun, polled));
            }
            match self.time.next() {
                Some(at) if at <= until => {
                    self.time.advance_to(at);
                    if self.now() < at {
                        // It lies beyond the last moment that the clock can show.
                        return Err(self.stalled(StallCause::Never, begun, polled));
                    }
                }
                Some(_) => {
                    self.time.advance_to(until);
                    return Err(self.stalled(StallCause::Patience, begun, polled));
                }
                None => return Err(self.stalled(StallCause::Never, begun, polled)),
            }
            rounds = if self.now() > now { 0 } else { rounds + 1 };
        }
    }

    fn stalled(&self, cause: StallCause, begun: Instant, polled: Instant) -> Stalled {
        let now = self.now();
        Stalled {
            cause,
            passed: now.saturating_since(begun),
            idle: now.saturating_since(polled),
            clients: self.clients.statuses(),
            devnet: self.net.with(|net, _| DevnetStatus::of(net)),
            next_wake: self.time.next().map(|at| at.saturating_since(now)),
        }
    }
}

/// Set while a simulation runs, so that it does not run within itself.
struct Running<'a>(&'a Cell<bool>);

impl<'a> Running<'a> {
    fn begin(running: &'a Cell<bool>) -> Option<Self> {
        (!running.replace(true)).then(|| Self(running))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}
