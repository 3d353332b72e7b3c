//! The simulated clock, and pauses on it.

use std::{
    collections::BTreeMap,
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use kpthin_client::Instant;
use kpthin_devnet::Server;

/// Who sleeps, in the order in which they wake up.
#[derive(Default)]
struct Sleeping {
    made: u64,
    wakers: BTreeMap<(Instant, u64), Waker>,
}

/// The clock of a simulation; the devnet keeps it.
#[derive(Clone)]
pub(crate) struct Time {
    net: Arc<Server>,
    sleeping: Arc<Mutex<Sleeping>>,
}

impl Time {
    pub(crate) fn new(net: Arc<Server>) -> Self {
        Self { net, sleeping: Arc::default() }
    }

    fn sleeping(&self) -> MutexGuard<'_, Sleeping> {
        self.sleeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.net.now()
    }

    pub(crate) fn sleep(&self, at: Instant) -> Sleep {
        Sleep { time: self.clone(), at, key: None }
    }

    /// When something happens by itself next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let wakes = self.sleeping().wakers.first_key_value().map(|((at, _), _)| *at);
        wakes.into_iter().chain(self.net.wake_at()).min()
    }

    /// Moves on to `at`, and wakes whoever slept until then.
    pub(crate) fn advance_to(&self, at: Instant) {
        self.net.advance_to(at);
        let due = {
            let mut sleeping = self.sleeping();
            let later = sleeping.wakers.split_off(&(self.net.now(), u64::MAX));
            std::mem::replace(&mut sleeping.wakers, later)
        };
        due.into_values().for_each(Waker::wake);
    }
}

/// A pause on a simulated clock: the future of [`Simulation::sleep`](crate::Simulation::sleep).
#[must_use = "futures do nothing unless awaited"]
pub struct Sleep {
    time: Time,
    at: Instant,
    key: Option<(Instant, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.time.net.now() >= self.at {
            return Poll::Ready(());
        }
        let (at, key) = (self.at, self.key);
        let (key, stale) = {
            let mut sleeping = self.time.sleeping();
            let key = key.unwrap_or_else(|| {
                sleeping.made += 1;
                (at, sleeping.made)
            });
            (key, sleeping.wakers.insert(key, cx.waker().clone()))
        };
        drop(stale);
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let stale = self.time.sleeping().wakers.remove(&key);
            drop(stale);
        }
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("at", &self.at).finish_non_exhaustive()
    }
}
