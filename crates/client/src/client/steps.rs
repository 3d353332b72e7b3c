//! What flows are made of.

use std::{
    future::{Future, pending, poll_fn},
    pin::pin,
    task::Poll,
};

use kpthin_core::machine::{LinkStatus, Status};

use super::Client;
use crate::status::StatusChanged;

/// Ends when there is no room for this handle's link, a companion's.
pub(super) async fn alone(companion: &Client) {
    loop {
        let changed = companion.status_changed();
        if companion.is_alone() {
            return;
        }
        next(changed, &companion.status()).await;
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
pub(super) async fn race<A: Future, B: Future>(first: A, second: B) -> Option<A::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => second.as_mut().poll(cx).map(|_| None),
    })
    .await
}
