//! A flow's future and where its result goes.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Weak},
    task::{Context, Poll, Wake, Waker},
};

use kpthin_core::error::{CallError, Fate};

use super::{End, FlowId};
use crate::{cell::Cell, shared::Shared};

/// A flow as the driver sees it. Never touched while the lock is held: user code runs in it.
pub(crate) trait Body: Send {
    /// Polls the future, which is gone once this is ready. A panic in it ends it.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, if it is still there.
    fn drop_future(&mut self);

    /// Hands over the result; the waker is to be woken.
    fn complete(&mut self, end: End, worst: Fate) -> Option<Waker>;
}

type BoxFuture<T> = Pin<Box<dyn Future<Output = Result<T, CallError>> + Send>>;

/// A flow with its result's type.
pub(crate) struct Task<T> {
    future: Option<BoxFuture<T>>,
    result: Option<Result<T, CallError>>,
    cell: Arc<Cell<Result<T, CallError>>>,
}

impl<T> Task<T> {
    pub(crate) fn new(future: BoxFuture<T>, cell: Arc<Cell<Result<T, CallError>>>) -> Self {
        Self { future: Some(future), result: None, cell }
    }
}

impl<T: Send + 'static> Body for Task<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(future) = &mut self.future else { return Poll::Ready(()) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => self.result = Some(result),
            // The panic hook has told about it.
            Err(_) => self.result = None,
        }
        self.drop_future();
        Poll::Ready(())
    }

    fn drop_future(&mut self) {
        let future = self.future.take();
        drop(catch_unwind(AssertUnwindSafe(|| drop(future))));
    }

    fn complete(&mut self, end: End, worst: Fate) -> Option<Waker> {
        let result = match (end, self.result.take()) {
            (End::Finished, Some(result)) => result.map_err(|error| at_least(error, worst)),
            (End::Finished, None) => Err(CallError::Panicked(worst)),
            (End::Cancelled, _) => Err(CallError::Cancelled(worst)),
            (End::TimedOut, _) => Err(CallError::TimedOut(worst)),
            (End::Closed(reason), _) => Err(CallError::Closed(reason, worst)),
        };
        self.cell.fill(result)
    }
}

/// Raises the fate of an error that carries one to the worst of the flow's steps.
///
/// The others are verdicts on one step, and hiding them would cost the caller more than it gains.
fn at_least(error: CallError, worst: Fate) -> CallError {
    match error {
        CallError::Cancelled(fate) => CallError::Cancelled(fate.max(worst)),
        CallError::Closed(reason, fate) => CallError::Closed(reason, fate.max(worst)),
        CallError::LinkLost(fate) => CallError::LinkLost(fate.max(worst)),
        CallError::Panicked(fate) => CallError::Panicked(fate.max(worst)),
        CallError::TimedOut(fate) => CallError::TimedOut(fate.max(worst)),
        error => error,
    }
}

/// Wakes one flow.
pub(crate) struct FlowWaker {
    shared: Weak<Shared>,
    id: FlowId,
}

impl FlowWaker {
    pub(crate) fn waker(shared: &Arc<Shared>, id: FlowId) -> Waker {
        Waker::from(Arc::new(Self { shared: Arc::downgrade(shared), id }))
    }
}

impl Wake for FlowWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.wake_flow(self.id);
        }
    }
}
