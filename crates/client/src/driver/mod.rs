//! The one driver: a future that moves bytes, time, results and flows.
//!
//! One round reads once, lets time pass, drains the machine, writes, and polls the flows that were
//! woken. Rounds go on until nothing moves. Reading and writing advance together: neither waits for
//! the other, or both would wait for ever once both sides' socket buffers are full.

mod flows;
mod link;
mod port;

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::CloseReason,
    machine::{Output, Status},
};
use zeroize::Zeroizing;

use self::{
    flows::Polling,
    port::{Common, Port},
};
use crate::{
    config::Target,
    io::Runtime,
    machines::{CallKey, Role},
    shared::Shared,
    state::Phase,
    trace::Trace,
};

/// Rounds in one poll before the executor's other tasks get their turn.
const ROUNDS_MAX: usize = 32;

/// What is read at once; a socket's receive buffer holds a few times as much.
const READ_LEN: usize = 64 * 1024;

type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Moves a client's bytes: the future that an adapter spawns or runs on a thread of its own.
///
/// It ends with the reason once the client is closed. When it is dropped before that (a task
/// aborted, a runtime shut down, a panic), every waiter fails with
/// [`Closed`](kpthin_core::error::CallError::Closed) and [`CloseReason::DriverGone`].
#[must_use = "nothing happens until the driver is polled"]
pub struct Driver<R: Runtime> {
    common: Common<R>,
    ports: [Port; 2],
    sleep: Option<(Instant, Sleep)>,
    flows: Polling,
    ended: Option<CloseReason>,
}

impl<R: Runtime> fmt::Debug for Driver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("target", &format_args!("{}", self.common.target))
            .finish_non_exhaustive()
    }
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(runtime: Arc<R>, shared: Arc<Shared>, target: Target, dial_timeout: Duration) -> Self {
        let common = Common {
            runtime,
            shared,
            target,
            dial_timeout,
            buffer: Zeroizing::new(vec![0; READ_LEN]),
            wakers: Vec::new(),
            trace: Trace::default(),
        };
        Self { common, ports: Role::ALL.map(Port::new), sleep: None, flows: Polling::default(), ended: None }
    }

    /// What the client knows now, as [`Client::status`](crate::Client::status) tells it.
    ///
    /// A driver is no handle: whoever keeps one to look at does not keep the client open.
    #[must_use]
    pub fn status(&self) -> Status {
        self.common.shared.lock().status(Role::Main)
    }

    /// One round; tells whether anything moved, or why the client is closed.
    fn round(&mut self, cx: &mut Context<'_>, last: bool) -> Result<bool, CloseReason> {
        let Self { common, ports, .. } = self;
        let now = common.runtime.now();
        let mut moved = false;
        for port in &mut *ports {
            let received = port.receive(common, cx, now);
            // A reply that is already here wins over a deadline, but a flood of them does not.
            if !received || last {
                moved |= port.expire(common, now);
            }
            moved |= received;
        }
        for port in &mut *ports {
            moved |= port.drain(common, now);
        }
        if let Some(reason) = self.closed() {
            return Err(reason);
        }
        let Self { common, ports, flows, .. } = self;
        for port in ports {
            moved |= port.send(common, cx, now);
        }
        moved |= flows.poll(&common.shared, &mut common.wakers);
        common.wake_all();
        Ok(moved)
    }

    /// Why the client is closed, once all its machines are done with.
    fn closed(&self) -> Option<CloseReason> {
        let [main, companion] = &self.ports;
        let reason = main.closed()?;
        let apart =
            companion.closed().is_none() && self.common.shared.lock().machines.is_open(Role::Companion);
        (!apart).then_some(reason)
    }

    /// Arms the timer; tells whether the time has come already.
    fn sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let drain = match self.common.shared.lock().phase {
            Phase::Draining { until } => Some(until),
            Phase::Closed(_) | Phase::Closing(_) | Phase::Open => None,
        };
        let Some(at) = self.ports.iter().map(Port::wake_at).chain([drain]).flatten().min() else {
            return false;
        };
        if at <= self.common.runtime.now() {
            return true;
        }
        // A timer that ends too early only costs a look at the clock, so it is kept.
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed > at) {
            let runtime = self.common.runtime.clone();
            self.sleep = Some((at, Box::pin(async move { runtime.sleep_until(at).await })));
        }
        let Some((_, sleep)) = &mut self.sleep else { return false };
        let elapsed = sleep.as_mut().poll(cx).is_ready();
        if elapsed {
            self.sleep = None;
        }
        elapsed
    }

    /// Tells everyone who waits that the client is closed.
    pub(crate) fn finish(&mut self, reason: CloseReason) {
        self.ended = Some(reason);
        self.ports.iter_mut().for_each(Port::let_go);
        // This may run while a panic unwinds, and another one out of it would abort the process.
        quietly(|| self.sleep = None);
        let Common { shared, wakers, .. } = &mut self.common;
        shared.lock().finish(reason, wakers);
        self.flows.finish(shared, reason, wakers);
        self.common.wake_all();
    }
}

/// Runs what is not our own and must not hinder us; the panic hook tells if it panics.
fn quietly(run: impl FnOnce()) {
    drop(catch_unwind(AssertUnwindSafe(run)));
}

impl<R: Runtime> Future for Driver<R> {
    type Output = CloseReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CloseReason> {
        let this = self.get_mut();
        if let Some(reason) = this.ended {
            return Poll::Ready(reason);
        }
        let mut state = this.common.shared.lock();
        // A single caller has nobody to wait for.
        if state.slots.pending() > 1 && state.driver.gives_way() {
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let stale = state.driver.take();
        drop(state);
        drop(stale);
        for round in 1..=ROUNDS_MAX {
            match this.round(cx, round == ROUNDS_MAX) {
                Ok(true) => {}
                Ok(false) => {
                    if !this.sleep(cx) && this.common.shared.lock().driver.park(cx.waker()) {
                        return Poll::Pending;
                    }
                }
                Err(reason) => {
                    this.finish(reason);
                    return Poll::Ready(reason);
                }
            }
        }
        this.common.shared.lock().driver.requeue();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The driver's death is an error that everyone hears.
impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let Common { runtime, shared, wakers, .. } = &mut self.common;
        let now = runtime.now();
        // After a panic in a machine it may be in any state; then only fates are lost.
        drop(catch_unwind(AssertUnwindSafe(|| {
            let mut state = shared.lock();
            state.machines.each().for_each(|machine| machine.close_for(now, CloseReason::DriverGone));
            for role in Role::ALL {
                while let Some(machine) = state.machines.get(role) {
                    match machine.poll_output() {
                        Output::Closed(_) | Output::Idle { .. } => break,
                        Output::Completed(id, result) => {
                            let call = CallKey { role, id };
                            if let Some(ended) = state.slots.complete(call, result, wakers)
                                && let Some(flow) = ended.flow
                            {
                                state.flows.step_ended(flow, ended.fate);
                            }
                        }
                        Output::Connect(_) | Output::Disconnect(..) | Output::Event(_) | Output::Timer(_) => {
                        }
                    }
                }
            }
        })));
        self.finish(CloseReason::DriverGone);
    }
}
