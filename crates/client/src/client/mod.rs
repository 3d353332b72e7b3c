//! The handle that programs hold.

mod network;
mod read;
mod ready;
mod steps;
mod tries;
mod wire;
mod write;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use kpthin_core::{
    Instant,
    error::CallError,
    machine::Status,
    wire::{AnyRequest, Geometry, Request},
};

#[cfg(test)]
pub(crate) use self::ready::ready;
pub(crate) use self::tries::{Late, Others};
pub use self::{
    read::{Asked, Read},
    write::{TombstoneReport, Tombstones},
};
use crate::{
    block::{BlockError, block_on, wall_clock},
    call::Call,
    cell::Cell,
    events::Events,
    flow::{FlowKind, Task},
    handle::Handle,
    machines::Role,
    pause::Pause,
    permits::Ask,
    shared::{OnDrop, Shared},
    state::Phase,
    status::StatusChanged,
};

/// A client of the daemon: cheap to clone, usable from any thread and any executor.
///
/// Every request is a method that returns a [`Call`] at once; it is under way already. What the
/// client knows by itself (its status, the network's documents) is answered without one. When the
/// last handle is gone (clients, calls, event subscriptions), the client closes, after detached
/// calls have had 30 s to end.
///
/// Two layers of methods stand side by side. Those that the protocol knows send one request each
/// and keep the guide's names. The others are *flows*: they take several steps, try again where
/// that is harmless and helps, and end with a value for every outcome that a program branches on:
/// [`write`](Self::write), [`read`](Self::read), [`ask`](Self::ask),
/// [`tombstone`](Self::tombstone), [`create_stream`](Self::create_stream), [`send_and_await_reply`](Self::send_and_await_reply),
/// [`wait_until_ready`](Self::wait_until_ready).
#[derive(Clone, Debug)]
pub struct Client {
    handle: Handle,
}

impl Client {
    pub(crate) const fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// The same client with its requests on the companion's link.
    fn companion(&self) -> Self {
        Self::new(self.handle.on(Role::Companion))
    }

    /// Waits until one more box may be asked for on this handle's link.
    fn permit_to_ask(&self) -> Ask {
        Ask::new(self.shared().clone(), self.handle.role())
    }

    /// Whether there is no room at the daemon for a companion's link (C1).
    fn is_alone(&self) -> bool {
        self.shared().lock().is_alone()
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        self.handle.shared()
    }

    /// Runs an async function as a call: eager, without a runtime, polled by the driver itself.
    ///
    /// `make` is called at once, with a client for the steps. That client is not counted as a
    /// handle: a flow does not keep the program's client open. What it starts are steps of this
    /// flow, and exempt from the limit on calls. Pause with
    /// [`pause`](Self::pause); anything that blocks the thread blocks every call.
    ///
    /// At most 4,096 flows run at once; the next is refused with [`CallError::TooManyCalls`].
    ///
    /// # Errors
    ///
    /// The call ends with what the function returns, or with:
    ///
    /// - [`CallError::Cancelled`]: it was cancelled.
    /// - [`CallError::Closed`]: the client was stopped.
    /// - [`CallError::Panicked`]: the function panicked.
    /// - [`CallError::TimedOut`]: its [`timeout`](Call::timeout) has passed.
    ///
    /// These, and [`CallError::LinkLost`], carry the worst [`fate`](CallError::fate) of the steps.
    /// Another error that the function returns is a verdict on one step and stays as it is: it
    /// tells nothing about the steps before that one.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call has the driver drop the future before it next encodes anything; calls
    /// that the future holds are dropped with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use kpthin_client::{Call, CallError, Client, FlowKind, wire::{MessageBoxIndex, WriteCap}};
    ///
    /// /// Writes two boxes, one after the other.
    /// fn write_both(client: &Client, cap: WriteCap, index: MessageBoxIndex) -> Call<MessageBoxIndex> {
    ///     client.flow(FlowKind::Finite, |client| async move {
    ///         let next = client.write(&cap, &index, "first").await?;
    ///         client.write(&cap, &next, "second").await
    ///     })
    /// }
    /// ```
    #[doc(alias = "spawn")]
    pub fn flow<T, F, Fut>(&self, kind: FlowKind, make: F) -> Call<T>
    where
        T: Send + 'static,
        F: FnOnce(Self) -> Fut,
        Fut: Future<Output = Result<T, CallError>> + Send + 'static,
    {
        let shared = self.shared();
        let id = shared.mint_flow();
        let inner = Self::new(Handle::of_flow(shared.clone(), id));
        let cell = Arc::new(Cell::empty());
        let task = Task::new(Box::pin(make(inner)), cell.clone());
        match shared.spawn(id, kind, self.handle.flow(), Box::new(task)) {
            Ok(()) => Call::flow(self.handle.clone(), Some(id), cell),
            Err((error, task)) => {
                drop(task);
                Call::refused(error)
            }
        }
    }

    /// Pauses for a time on the driver's clock; ends at once when the client is closed.
    #[doc(alias = "sleep")]
    pub fn pause(&self, duration: Duration) -> Pause {
        Pause::new(self.shared().clone(), duration)
    }

    /// Runs a future made of this client's calls on a plain thread.
    ///
    /// The time for it is real time. A future that is passed by reference is still there after a
    /// timeout, and can be waited for again.
    ///
    /// # Errors
    ///
    /// - [`BlockError::TimedOut`]: it has not ended within `timeout`.
    /// - [`BlockError::WouldBlock`]: this thread polls the driver, polled it last, or is a worker of
    ///   its runtime, so that waiting could hang.
    pub fn block_on<F: Future>(&self, future: F, timeout: Option<Duration>) -> Result<F::Output, BlockError> {
        let until = timeout.and_then(|timeout| wall_clock().checked_add(timeout));
        block_on(Some(self.shared()), &mut pin!(future), until)
    }

    /// The time on the driver's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared().now()
    }

    /// What the client knows now.
    #[doc(alias = "is_connected")]
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared().lock().status(self.handle.role())
    }

    /// Waits for the next change of the status, and returns the status then.
    ///
    /// It begins to watch when it is called, not when it is awaited, so that nothing is missed if
    /// it is called before a look at [`status`](Self::status). Calls that come and go are no
    /// change. It ends at once when the client is closed.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect.
    pub fn status_changed(&self) -> StatusChanged {
        StatusChanged::new(self.shared().clone(), self.handle.role())
    }

    /// Subscribes to what happens from now on.
    #[doc(alias = "event_sink")]
    #[doc(alias = "EventSink")]
    pub fn events(&self) -> Events {
        Events::new(self.handle.clone())
    }

    /// The sizes the daemon announced last, `None` until it did.
    #[must_use]
    pub fn geometry(&self) -> Option<Arc<Geometry>> {
        self.shared().lock().machines.main.geometry().cloned()
    }

    /// The most a box can hold, in bytes; `None` until the daemon has announced it.
    #[doc(alias = "max_plaintext_payload_length")]
    #[must_use]
    pub fn max_message_len(&self) -> Option<usize> {
        self.geometry().map(|geometry| geometry.max_message_len())
    }

    /// Ends everything now: all calls fail with [`CallError::Closed`], the daemon is told, the link
    /// is closed.
    ///
    /// Calls and event streams end at once, whatever the daemon does. This call ends when the link
    /// is closed, which the daemon can delay by little more than a second. Dropping it changes
    /// nothing: the client stops.
    ///
    /// # Errors
    ///
    /// [`CallError::Closed`] if the driver is gone.
    #[doc(alias = "close")]
    #[doc(alias = "shutdown")]
    pub fn stop(&self) -> Call<()> {
        self.ending(|shared| {
            shared.command(|state, now| state.close(now, kpthin_core::error::CloseReason::Stopped));
        })
    }

    /// Ends everything once it is done, at the latest after `drain`.
    ///
    /// From now on new calls and flows are refused. Standing flows end at once; calls and finite
    /// flows go on until they have ended or the time is up. OnDrop the client stops.
    ///
    /// # Errors
    ///
    /// [`CallError::Closed`] if the driver is gone.
    pub fn stop_after(&self, drain: Duration) -> Call<()> {
        self.ending(|shared| shared.command(|state, now| state.drain(now + drain)))
    }

    fn ending(&self, end: impl FnOnce(&Shared)) -> Call<()> {
        let cell = Arc::new(Cell::empty());
        let closed = {
            let mut state = self.shared().lock();
            if !matches!(state.phase, Phase::Closed(_)) {
                state.stops.push(cell.clone());
            }
            state.closed()
        };
        if closed.is_some() {
            drop(cell.fill(Ok(())));
        }
        end(self.shared());
        Call::flow(self.handle.clone(), None, cell)
    }

    /// Starts a request and takes from its reply what the caller wants.
    fn call<R: Request, T>(
        &self,
        request: R,
        take: impl FnOnce(R::Reply) -> T + Send + Sync + 'static,
    ) -> Call<T> {
        self.begin(request.into(), OnDrop::Cancel, Box::new(|reply| R::take_reply(reply).map(take)))
    }

    fn begin<T>(&self, request: AnyRequest, dropped: OnDrop, decode: crate::call::Decode<T>) -> Call<T> {
        match self.shared().start(self.handle.flow(), self.handle.role(), request) {
            Ok(call) => Call::wire(self.handle.clone(), call, dropped, decode),
            Err(error) => Call::refused(error),
        }
    }
}
