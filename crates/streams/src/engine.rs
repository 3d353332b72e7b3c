//! The flow that does a stream's work, of which there is at most one.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use kpthin_client::{Call, CallError, Client, FlowKind, Instant, LinkStatus, Pause};

/// Names one run of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run(u64);

/// Whether the flow runs, and how to wake it.
#[derive(Debug, Default)]
pub(crate) struct Engine {
    made: u64,
    running: Option<Run>,
    waker: Option<Waker>,
}

impl Engine {
    /// Begins a run, if there is none.
    pub(crate) const fn start(&mut self) -> Option<Run> {
        if self.running.is_some() {
            return None;
        }
        self.made = self.made.wrapping_add(1);
        self.running = Some(Run(self.made));
        self.running
    }

    /// Ends that run; tells whether it was the one that goes on.
    pub(crate) fn end(&mut self, run: Run) -> bool {
        let current = self.running == Some(run);
        if current {
            self.running = None;
            self.waker = None;
        }
        current
    }

    /// The flow waits for news.
    pub(crate) fn sleeps(&mut self, cx: &Context<'_>) {
        if self.waker.as_ref().is_none_or(|waker| !waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
    }

    /// There are news; to be woken without any lock held.
    #[must_use = "wake it once the lock is released"]
    pub(crate) const fn news(&mut self) -> Option<Waker> {
        self.waker.take()
    }
}

/// Starts a flow whose result nobody needs, or says why there can be none.
pub(crate) fn spawn<F, Fut>(client: &Client, kind: FlowKind, make: F) -> Result<(), CallError>
where
    F: FnOnce(Client) -> Fut,
    Fut: Future<Output = Result<(), CallError>> + Send + 'static,
{
    let mut call = client.flow(kind, make);
    match refusal(&mut call) {
        Some(error) => Err(error),
        None => {
            call.detach();
            Ok(())
        }
    }
}

/// Why the client starts nothing any more, once it is closed.
pub(crate) fn closed(client: &Client) -> Option<CallError> {
    if client.status().link != LinkStatus::Closed {
        return None;
    }
    refusal(&mut client.flow(FlowKind::Standing, |_| async { Ok(()) }))
}

fn refusal(call: &mut Call<()>) -> Option<CallError> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(error)) => Some(error),
        Poll::Ready(Ok(())) | Poll::Pending => None,
    }
}

/// Sleeps until `due`, or until there is news.
pub(crate) fn sleep(
    slot: &mut Option<(Instant, Pause)>,
    cx: &mut Context<'_>,
    client: &Client,
    now: Instant,
    due: Option<Instant>,
) -> Poll<()> {
    let Some(due) = due else {
        *slot = None;
        return Poll::Pending;
    };
    if slot.as_ref().is_none_or(|(at, _)| *at != due) {
        *slot = Some((due, client.pause(due.saturating_since(now))));
    }
    let slept = slot.as_mut().map_or(Poll::Pending, |(_, pause)| Pin::new(pause).poll(cx));
    if slept.is_ready() {
        *slot = None;
    }
    slept
}
