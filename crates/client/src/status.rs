//! Waiting for the status to change.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use kpthin_core::machine::{LinkStatus, Status};

use crate::{machines::Role, shared::Shared};

/// Counts the changes of a status, and knows who waits for the next.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    version: u64,
    last: Option<Status>,
    waiting: BTreeMap<u64, Waker>,
    next: u64,
}

impl Watch {
    /// Compares with the last status; calls that come and go are no change.
    pub(crate) fn observe(&mut self, mut status: Status, wakers: &mut Vec<Waker>) {
        status.queued = 0;
        status.outstanding = 0;
        if self.last.as_ref() != Some(&status) {
            self.last = Some(status);
            self.changed(wakers);
        }
    }

    pub(crate) fn changed(&mut self, wakers: &mut Vec<Waker>) {
        self.version += 1;
        wakers.extend(std::mem::take(&mut self.waiting).into_values());
    }
}

/// The future of [`Client::status_changed`](crate::Client::status_changed).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct StatusChanged {
    shared: Arc<Shared>,
    role: Role,
    seen: u64,
    id: u64,
}

impl StatusChanged {
    pub(crate) fn new(shared: Arc<Shared>, role: Role) -> Self {
        let (seen, id) = {
            let mut state = shared.lock();
            let watch = state.watch(role);
            watch.next += 1;
            (watch.version, watch.next)
        };
        Self { shared, role, seen, id }
    }
}

impl Future for StatusChanged {
    type Output = Status;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Status> {
        let mut state = self.shared.lock();
        let status = state.status(self.role);
        if state.watch(self.role).version != self.seen || status.link == LinkStatus::Closed {
            return Poll::Ready(status);
        }
        let stale = state.watch(self.role).waiting.insert(self.id, cx.waker().clone());
        drop(state);
        drop(stale);
        Poll::Pending
    }
}

impl Drop for StatusChanged {
    fn drop(&mut self) {
        let waker = self.shared.lock().watch(self.role).waiting.remove(&self.id);
        drop(waker);
    }
}
