//! Pauses that the machine's clock ends.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin_core::machine::TimerId;

use crate::{cell::remember, flow::FlowId, shared::Shared};

/// What a timer of the machine is for.
#[derive(Debug)]
pub(crate) enum Timer {
    /// A flow's deadline.
    Flow(FlowId),
    /// A pause.
    Pause(Option<Waker>),
}

/// The timers that have not run out; a pause that is not among them has ended.
pub(crate) type Timers = BTreeMap<TimerId, Timer>;

/// The future of [`Client::pause`](crate::Client::pause).
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Pause {
    shared: Arc<Shared>,
    timer: Option<TimerId>,
}

impl Pause {
    pub(crate) fn new(shared: Arc<Shared>, duration: Duration) -> Self {
        let timer = shared.command(|state, now| {
            if state.closed().is_some() {
                return None;
            }
            let timer = state.machines.main.timer(now, now + duration);
            state.timers.insert(timer, Timer::Pause(None));
            Some(timer)
        });
        Self { shared, timer }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(timer) = self.timer else { return Poll::Ready(()) };
        let stale = match self.shared.lock().timers.get_mut(&timer) {
            Some(Timer::Pause(waker)) => remember(waker, cx),
            Some(Timer::Flow(_)) | None => return Poll::Ready(()),
        };
        drop(stale);
        Poll::Pending
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let Some(timer) = self.timer else { return };
        let removed = {
            let mut state = self.shared.lock();
            let removed = state.timers.remove(&timer);
            if removed.is_some() {
                state.machines.main.cancel_timer(timer);
            }
            removed
        };
        drop(removed);
    }
}
