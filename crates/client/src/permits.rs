//! A bounded number of permits, given in the order in which they were asked for.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{cell::remember, machines::Role, shared::Shared};

/// Permits that are left, and who waits for one.
///
/// Bounded by the number of flows, which are what asks.
#[derive(Debug)]
pub(crate) struct Permits {
    free: usize,
    /// In the order of asking; those that have been given one keep their place until they take it.
    waiting: BTreeMap<u64, Option<Waker>>,
    next: u64,
}

impl Permits {
    pub(crate) const fn new(count: usize) -> Self {
        Self { free: count, waiting: BTreeMap::new(), next: 0 }
    }

    fn ask(&mut self) -> u64 {
        self.next += 1;
        self.waiting.insert(self.next, None);
        self.next
    }

    /// Whether a permit is free for `ticket`: as many as are left go to those who asked first.
    fn take(&mut self, ticket: u64) -> bool {
        let first = self.waiting.keys().take(self.free).any(|waiting| *waiting == ticket);
        if first {
            self.waiting.remove(&ticket);
            self.free -= 1;
        }
        first
    }

    /// Those who may take one now; to be woken once the lock is released.
    fn entitled(&mut self) -> Vec<Waker> {
        self.waiting.values_mut().take(self.free).filter_map(Option::take).collect()
    }

    pub(crate) fn take_wakers(&mut self) -> impl Iterator<Item = Waker> {
        self.waiting.values_mut().filter_map(Option::take)
    }
}

/// Waits for a permit to ask on one of the links.
#[must_use = "futures do nothing unless awaited"]
pub(crate) struct Ask {
    shared: Arc<Shared>,
    role: Role,
    ticket: u64,
}

impl Ask {
    pub(crate) fn new(shared: Arc<Shared>, role: Role) -> Self {
        let ticket = shared.lock().asks(role).ask();
        Self { shared, role, ticket }
    }
}

impl Future for Ask {
    type Output = Permit;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let mut state = self.shared.lock();
        if state.asks(self.role).take(self.ticket) {
            drop(state);
            return Poll::Ready(Permit { shared: self.shared.clone(), role: self.role });
        }
        let stale = state.asks(self.role).waiting.get_mut(&self.ticket).and_then(|waker| remember(waker, cx));
        drop(state);
        drop(stale);
        Poll::Pending
    }
}

impl Drop for Ask {
    fn drop(&mut self) {
        let (stale, next) = {
            let mut state = self.shared.lock();
            let asks = state.asks(self.role);
            (asks.waiting.remove(&self.ticket), asks.entitled())
        };
        drop(stale);
        next.into_iter().for_each(Waker::wake);
    }
}

/// Gives its permit back when it is dropped.
pub(crate) struct Permit {
    shared: Arc<Shared>,
    role: Role,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut state = self.shared.lock();
            let asks = state.asks(self.role);
            asks.free += 1;
            asks.entitled()
        };
        next.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permits_go_to_those_who_asked_first() {
        let mut permits = Permits::new(2);
        let tickets = [permits.ask(), permits.ask(), permits.ask()];
        assert!(!permits.take(tickets[2]), "two are before it");
        assert!(permits.take(tickets[1]));
        assert!(!permits.take(tickets[2]), "the one that is left is the first one's");
        assert!(permits.take(tickets[0]));
        assert!(!permits.take(tickets[2]));
        permits.free += 1;
        assert!(permits.take(tickets[2]));
    }
}
