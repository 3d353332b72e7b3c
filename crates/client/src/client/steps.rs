//! What flows are made of: tries that last only so long, and pauses between them.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use kpthin_core::{
    error::{CallError, Fate, Retry},
    machine::{LinkStatus, Status},
};

use super::Client;
use crate::{call::Call, status::StatusChanged};

/// How long the first try of an operation lasts, in connected time; the next ones twice as long.
///
/// An operation whose replica answers without a body never ends, and sending the same envelope
/// again can't heal it; a fresh one goes to other replicas by another courier.
const TRY: Duration = Duration::from_secs(2 * 60);
/// How long a try lasts at most.
const TRY_MAX: Duration = Duration::from_secs(10 * 60);

/// The pause after the first refusal; the next ones are twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a pause lasts at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Refusals after which the last one is reported: about a minute and a half of pauses.
const REFUSALS_MAX: u32 = 8;

/// The tries of one operation.
pub(super) struct Tries<'a> {
    client: &'a Client,
    duration: Duration,
    pause: Duration,
    refusals: u32,
    /// How the try with the worst fate ended.
    worst: Option<CallError>,
}

impl<'a> Tries<'a> {
    pub(super) const fn new(client: &'a Client) -> Self {
        Self { client, duration: TRY, pause: PAUSE, refusals: 0, worst: None }
    }

    /// The call's result, or `None` if the try is over and the call therefore cancelled.
    pub(super) async fn within<T>(&mut self, mut call: Call<T>) -> Option<Result<T, CallError>> {
        let result = race(&mut call, connected(self.client, self.duration)).await;
        if result.is_none() {
            self.duration = (self.duration * 2).min(TRY_MAX);
            self.note(&CallError::TimedOut(Fate::MaybeExecuted));
        }
        result
    }

    fn note(&mut self, error: &CallError) {
        if self.worst.as_ref().is_none_or(|worst| worst.fate() < error.fate()) {
            self.worst = Some(error.clone());
        }
    }

    /// The error to report when the last try failed with `error`: that one, unless an earlier try
    /// had a worse fate, which must not be hidden.
    fn report(&mut self, error: CallError) -> CallError {
        self.worst.take().filter(|worst| worst.fate() > error.fate()).unwrap_or(error)
    }

    /// Pauses before another try, if the error is one that another try may get over.
    pub(super) async fn again(&mut self, error: CallError) -> Result<(), CallError> {
        match error {
            CallError::Cancelled(_) | CallError::Closed(..) | CallError::TimedOut(_) => {
                return Err(self.report(error));
            }
            // The machine has no room: that says nothing against this operation.
            CallError::TooManyCalls => {}
            _ => match error.retry() {
                Retry::Later | Retry::ReEncrypt | Retry::Same if self.refusals < REFUSALS_MAX => {
                    self.refusals += 1;
                    self.note(&error);
                }
                _ => return Err(self.report(error)),
            },
        }
        self.client.pause(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        Ok(())
    }
}

/// Ends when the client has been connected for `left` altogether.
async fn connected(client: &Client, mut left: Duration) {
    loop {
        let changed = client.status_changed();
        let status = client.status();
        if !status.is_connected() {
            next(changed, &status).await;
            continue;
        }
        let since = client.now();
        if race(client.pause(left), changed).await.is_some() {
            return;
        }
        left = left.saturating_sub(client.now().saturating_since(since));
    }
}

/// Waits for the next status.
///
/// After [`LinkStatus::Closed`] there is none, and a loop would spin: the flow that waits has been
/// marked, and the driver is about to drop it.
pub(super) async fn next(changed: StatusChanged, status: &Status) {
    match status.link {
        LinkStatus::Closed => pending().await,
        _ => drop(changed.await),
    }
}

/// The first future's output, or `None` if the second one ends before it.
async fn race<A: Future, B: Future>(first: A, second: B) -> Option<A::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => second.as_mut().poll(cx).map(|_| None),
    })
    .await
}
