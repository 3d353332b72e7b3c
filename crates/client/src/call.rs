//! A call: what a request was answered with, once it is.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use kpthin_core::{
    error::{CallError, Fate},
    wire::AnyReply,
};

use crate::{
    block::{BlockError, block_on, wall_clock},
    cell::Cell,
    flow::FlowId,
    handle::Handle,
    machines::CallKey,
    shared::{OnDrop, Shared},
};

/// Takes what the caller wants out of a reply.
pub(crate) type Decode<T> = Box<dyn FnOnce(AnyReply) -> Option<T> + Send + Sync>;

/// Beyond its deadline a wait on a plain thread lasts this long, so that a driver that runs can
/// say what became of the call.
const WAIT_SLACK: Duration = Duration::from_secs(1);

/// A request on its way, or a flow: await it on any executor, or [`wait`](Self::wait) for it on a
/// plain thread.
///
/// It is under way already; awaiting it only fetches the result. It is `'static`, `Send` and
/// `Sync`, so it can be kept, moved and joined freely. Every call ends exactly once, with a result
/// or with an error that tells whether the daemon can have acted on it ([`CallError::fate`]).
///
/// # Cancel safety
///
/// What dropping it means depends on how far it is:
///
/// | what you do | before it is encoded | after | once completed |
/// |---|---|---|---|
/// | await, wait | result | result | result |
/// | drop | nothing is ever sent | an operation's cancel goes out (a copy may still finish at the courier); else the late reply is swallowed | nothing |
/// | drop of a `cancel_*` or a stop | runs on | runs on | nothing |
/// | [`detach`](Self::detach) | runs on, the result is discarded | the same | nothing |
///
/// A flow that is dropped is ended by the driver before it next encodes anything.
#[must_use = "dropping a call cancels it; `detach` lets it run on"]
pub struct Call<T> {
    source: Source<T>,
}

enum Source<T> {
    Ended,
    Flow(FlowCall<T>),
    Refused(CallError),
    Wire(WireCall<T>),
}

struct FlowCall<T> {
    handle: Handle,
    /// `None` for what can't be cancelled.
    id: Option<FlowId>,
    cell: Arc<Cell<Result<T, CallError>>>,
}

struct WireCall<T> {
    handle: Handle,
    id: CallKey,
    dropped: OnDrop,
    decode: Option<Decode<T>>,
}

impl<T> Drop for FlowCall<T> {
    fn drop(&mut self) {
        if let Some(id) = self.id
            && self.cell.is_waiting()
        {
            self.handle.shared().doom_flow(id);
        }
    }
}

impl<T> Drop for WireCall<T> {
    fn drop(&mut self) {
        if self.decode.is_some() {
            self.handle.shared().drop_call(self.id, self.dropped);
        }
    }
}

impl<T> Call<T> {
    pub(crate) const fn refused(error: CallError) -> Self {
        Self { source: Source::Refused(error) }
    }

    pub(crate) const fn wire(handle: Handle, id: CallKey, dropped: OnDrop, decode: Decode<T>) -> Self {
        Self { source: Source::Wire(WireCall { handle, id, dropped, decode: Some(decode) }) }
    }

    /// What the machine knows it by, if it is a single request.
    pub(crate) const fn key(&self) -> Option<CallKey> {
        match &self.source {
            Source::Wire(call) => Some(call.id),
            Source::Ended | Source::Flow(_) | Source::Refused(_) => None,
        }
    }

    pub(crate) const fn flow(
        handle: Handle,
        id: Option<FlowId>,
        cell: Arc<Cell<Result<T, CallError>>>,
    ) -> Self {
        Self { source: Source::Flow(FlowCall { handle, id, cell }) }
    }

    /// Ends the call with [`CallError::TimedOut`] unless it has ended after `timeout` from now.
    ///
    /// The time spent in queues and without a link counts. A later deadline replaces an earlier. A
    /// stop has a bound of its own and ignores it.
    pub fn timeout(self, timeout: Duration) -> Self {
        match &self.source {
            Source::Ended | Source::Refused(_) => {}
            Source::Flow(FlowCall { handle, id, .. }) => {
                if let Some(id) = id {
                    handle.shared().set_flow_deadline(*id, timeout);
                }
            }
            Source::Wire(WireCall { handle, id, .. }) => handle.shared().set_call_deadline(*id, timeout),
        }
        self
    }

    /// A handle that cancels this call from elsewhere.
    pub fn canceller(&self) -> Canceller {
        Canceller(match &self.source {
            Source::Ended | Source::Refused(_) => Cancellable::Nothing,
            Source::Flow(FlowCall { handle, id, .. }) => {
                id.map_or(Cancellable::Nothing, |id| Cancellable::Flow(handle.shared().clone(), id))
            }
            Source::Wire(WireCall { handle, id, .. }) => Cancellable::Wire(handle.shared().clone(), *id),
        })
    }

    /// Cancels the call, which then ends with [`CallError::Cancelled`] unless it has ended before.
    pub fn cancel(&self) {
        self.canceller().cancel();
    }

    /// Lets the call run on and discards its result.
    ///
    /// Once the last handle on the client is gone, detached calls have 30 s to end.
    pub fn detach(mut self) {
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Ended | Source::Refused(_) => {}
            Source::Flow(mut flow) => {
                if let Some(id) = flow.id.take() {
                    flow.handle.shared().detach_flow(id);
                }
            }
            Source::Wire(mut wire) => {
                wire.dropped = OnDrop::RunOn;
                drop(wire);
            }
        }
    }

    /// Waits for the result on a plain thread.
    ///
    /// The driver has to be running elsewhere. A driver that nobody has ever polled can't be
    /// detected: waiting then lasts for ever.
    ///
    /// # Errors
    ///
    /// - [`WaitError::WouldBlock`]: this thread polls the driver, polled it last, or is a worker of
    ///   its runtime, so that waiting could hang; the call is dropped. Await it instead.
    /// - [`WaitError::Call`]: the call failed.
    pub fn wait(self) -> Result<T, WaitError> {
        self.wait_until(None)
    }

    /// Waits for the result on a plain thread, at most for `timeout`.
    ///
    /// # Errors
    ///
    /// As [`wait`](Self::wait), and the call ends as by [`timeout`](Self::timeout).
    pub fn wait_timeout(self, timeout: Duration) -> Result<T, WaitError> {
        let until = wall_clock().checked_add(timeout.saturating_add(WAIT_SLACK));
        self.timeout(timeout).wait_until(until)
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        match &self.source {
            Source::Ended | Source::Refused(_) => None,
            Source::Flow(FlowCall { handle, .. }) | Source::Wire(WireCall { handle, .. }) => {
                Some(handle.shared().clone())
            }
        }
    }
}

impl<T> Call<T> {
    fn wait_until(mut self, until: Option<Instant>) -> Result<T, WaitError> {
        let shared = self.shared();
        match block_on(shared.as_deref(), &mut self, until) {
            Ok(result) => result.map_err(WaitError::Call),
            Err(BlockError::TimedOut) => Err(WaitError::Call(CallError::TimedOut(Fate::MaybeExecuted))),
            Err(BlockError::WouldBlock) => Err(WaitError::WouldBlock),
        }
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T, CallError>;

    /// # Panics
    ///
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = match &mut self.source {
            Source::Ended => panic!("a call was polled after it had ended"),
            Source::Flow(flow) => match flow.cell.poll_take(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(result) => result,
            },
            Source::Refused(error) => Err(error.clone()),
            Source::Wire(wire) => {
                let mut stale = None;
                let polled = wire.handle.shared().lock().slots.poll_take(wire.id, cx, &mut stale);
                drop(stale);
                match (polled, wire.decode.take()) {
                    (Poll::Pending, decode) => {
                        wire.decode = decode;
                        return Poll::Pending;
                    }
                    (Poll::Ready(result), decode) => result.and_then(|reply| {
                        decode.and_then(|decode| decode(reply)).ok_or(CallError::Undecodable)
                    }),
                }
            }
        };
        self.source = Source::Ended;
        Poll::Ready(result)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Ended => f.write_str("Call(ended)"),
            Source::Flow(FlowCall { id: Some(id), .. }) => write!(f, "Call(flow {})", id.0),
            Source::Flow(_) => f.write_str("Call(stop)"),
            Source::Refused(error) => write!(f, "Call(refused: {error})"),
            Source::Wire(WireCall { id, .. }) => write!(f, "Call({})", id.id),
        }
    }
}

/// Cancels a call from elsewhere; made by [`Call::canceller`].
///
/// It neither keeps the call nor the client, and does nothing once the call has ended.
#[derive(Clone, Debug)]
pub struct Canceller(Cancellable);

#[derive(Clone, Debug)]
enum Cancellable {
    Flow(Arc<Shared>, FlowId),
    Nothing,
    Wire(Arc<Shared>, CallKey),
}

impl Canceller {
    /// Cancels the call, which then ends with [`CallError::Cancelled`] unless it has ended before.
    pub fn cancel(&self) {
        match &self.0 {
            Cancellable::Flow(shared, id) => shared.doom_flow(*id),
            Cancellable::Nothing => {}
            Cancellable::Wire(shared, id) => shared.cancel_call(*id),
        }
    }
}

/// Why a wait on a plain thread gave no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Waiting on this thread could keep the driver from running; await the call instead.
    #[error("waiting on this thread would block the driver")]
    WouldBlock,
}
