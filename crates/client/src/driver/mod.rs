//! The one driver: a future that moves bytes, time, results and flows.
//!
//! One round reads once, lets time pass, drains the machine, writes, and polls the flows that were
//! woken. Rounds go on until nothing moves. Reading and writing advance together: neither waits for
//! the other, or both would wait for ever once both sides' socket buffers are full.

mod flows;
mod link;

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::CloseReason,
    machine::{DisconnectCause, DisconnectMode, LinkId, Output},
};
use zeroize::Zeroizing;

use self::{
    flows::Polling,
    link::{Link, Open, Received},
};
use crate::{
    config::{Dial, Target},
    flow::End,
    io::{Duplex, Runtime},
    pause::Timer,
    shared::{First, Phase, Shared, State},
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
    runtime: Arc<R>,
    shared: Arc<Shared>,
    target: Target,
    dial_timeout: Duration,
    link: Link,
    buffer: Zeroizing<Vec<u8>>,
    /// When the machine wants to be told the time.
    wake_at: Option<Instant>,
    sleep: Option<(Instant, Sleep)>,
    flows: Polling,
    wakers: Vec<Waker>,
    trace: Trace,
    ended: bool,
}

impl<R: Runtime> fmt::Debug for Driver<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("target", &format_args!("{}", self.target)).finish_non_exhaustive()
    }
}

/// Why draining has stopped.
enum Halt {
    Closed(CloseReason),
    Connect(LinkId),
    Disconnect(LinkId, DisconnectMode),
    /// Futures of flows are to be dropped before more is encoded.
    Doomed,
    Idle,
}

impl<R: Runtime> Driver<R> {
    pub(crate) fn new(runtime: Arc<R>, shared: Arc<Shared>, target: Target, dial_timeout: Duration) -> Self {
        Self {
            runtime,
            flows: Polling::default(),
            shared,
            target,
            dial_timeout,
            link: Link::None,
            buffer: Zeroizing::new(vec![0; READ_LEN]),
            wake_at: None,
            sleep: None,
            wakers: Vec::new(),
            trace: Trace::default(),
            ended: false,
        }
    }

    /// One round; tells whether anything moved, or why the client is closed.
    fn round(&mut self, cx: &mut Context<'_>, last: bool) -> Result<bool, CloseReason> {
        let now = self.runtime.now();
        let received = self.receive(cx, now);
        let mut moved = received;
        // A reply that is already here wins over a deadline, but a flood of them does not.
        if !received || last {
            moved |= self.expire(now);
        }
        moved |= self.drain(now)?;
        moved |= self.send(cx, now);
        moved |= self.flows.poll(&self.shared, &mut self.wakers);
        self.wake_all();
        Ok(moved)
    }

    /// Dials and reads.
    fn receive(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        match &mut self.link {
            Link::None => false,
            Link::Dialling(id, dial, until) => {
                let id = *id;
                match dial.as_mut().poll(cx) {
                    Poll::Pending if now < *until => return false,
                    Poll::Pending => {
                        self.link = Link::None;
                        self.input(|state| state.machine.handle_connect_failed(now, id, "timed out"));
                    }
                    Poll::Ready(Ok(io)) => {
                        self.link = Link::Open(Open::new(id, io));
                        self.input(|state| state.machine.handle_connected(now, id));
                    }
                    Poll::Ready(Err(error)) => {
                        self.link = Link::None;
                        let cause = error.to_string();
                        self.input(|state| state.machine.handle_connect_failed(now, id, &cause));
                    }
                }
                true
            }
            Link::Open(open) => {
                match open.read(cx, &mut self.buffer) {
                    Received::Pending => return false,
                    Received::Ended(cause) => self.disconnected(now, cause),
                    Received::Bytes(len) if open.delivers() => {
                        let id = open.id;
                        let bytes = self.buffer.get(..len).unwrap_or_default();
                        self.shared.lock().machine.handle_input(now, id, bytes);
                    }
                    Received::Bytes(_) => {}
                }
                true
            }
        }
    }

    /// Tells the machine the time, if it wants to know.
    fn expire(&mut self, now: Instant) -> bool {
        if self.wake_at.is_none_or(|at| at > now) {
            return false;
        }
        self.wake_at = None;
        self.shared.lock().machine.handle_timeout(now);
        true
    }

    /// Does what the machine wants done, and encodes what may go out.
    fn drain(&mut self, now: Instant) -> Result<bool, CloseReason> {
        let mut moved = false;
        loop {
            let halt = self.drain_locked(now, &mut moved);
            self.wake_all();
            match halt {
                Halt::Closed(reason) => return Err(reason),
                Halt::Connect(id) => {
                    self.link = Link::Dialling(id, self.dial(), now + self.dial_timeout);
                    self.trace.link(id, "dialling");
                }
                Halt::Disconnect(id, mode) => self.disconnect(now, id, mode),
                Halt::Doomed => return Ok(true),
                Halt::Idle => return Ok(moved),
            }
            moved = true;
        }
    }

    fn drain_locked(&mut self, now: Instant, moved: &mut bool) -> Halt {
        let mut state = self.shared.lock();
        loop {
            match state.machine.poll_output() {
                Output::Closed(reason) => return Halt::Closed(reason),
                Output::Completed(call, result) => {
                    let error = result.as_ref().err().cloned();
                    if let Some(ended) = state.slots.complete(call, result, &mut self.wakers) {
                        self.trace.call(now, call, &ended, error);
                        if let Some(flow) = ended.flow {
                            state.flows.step_ended(flow, ended.fate);
                        }
                    }
                }
                Output::Connect(id) => return Halt::Connect(id),
                Output::Disconnect(id, mode) => return Halt::Disconnect(id, mode),
                Output::Event(event) => {
                    self.trace.event(&event);
                    state.event(now, &event, &mut self.wakers);
                }
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    let status = state.machine.status();
                    state.watch.observe(status, &mut self.wakers);
                    state.end_events(&mut self.wakers);
                    if state.flows.has_doomed() {
                        return Halt::Doomed;
                    }
                    if state.close_if_drained(now) {
                        continue;
                    }
                    let Link::Open(open) = &mut self.link else { return Halt::Idle };
                    let id = open.id;
                    let Some(out) = open.room() else { return Halt::Idle };
                    let before = out.len();
                    state.machine.poll_transmit(now, id, out);
                    if out.len() == before {
                        return Halt::Idle;
                    }
                }
                Output::Timer(timer) => match state.timers.remove(&timer) {
                    Some(Timer::Pause(waker)) => self.wakers.extend(waker),
                    Some(Timer::Flow(flow)) => state.flows.doom(flow, End::TimedOut),
                    None => {}
                },
            }
            *moved = true;
        }
    }

    fn dial(&self) -> Dial<Box<dyn Duplex>> {
        match &self.target {
            Target::Connector(connect) => connect(),
            Target::Endpoint(endpoint) => {
                let (runtime, endpoint) = (self.runtime.clone(), endpoint.clone());
                Box::pin(async move { runtime.dial(&endpoint).await })
            }
        }
    }

    fn disconnect(&mut self, now: Instant, id: LinkId, mode: DisconnectMode) {
        let abandoned = matches!(self.shared.lock().first, First::Abandoned);
        match &mut self.link {
            Link::Open(open) if open.id == id && abandoned => self.disconnected(now, DisconnectCause::Local),
            Link::Open(open) if open.id == id => open.end(now, mode),
            Link::Dialling(dialled, ..) if *dialled == id => {
                self.link = Link::None;
                self.input(|state| state.machine.handle_disconnected(now, id, DisconnectCause::Local));
            }
            _ => {}
        }
    }

    fn disconnected(&mut self, now: Instant, cause: DisconnectCause) {
        if let Link::Open(open) = std::mem::take(&mut self.link) {
            self.trace.link(open.id, "ended");
            self.input(|state| state.machine.handle_disconnected(now, open.id, cause));
        }
    }

    /// Writes, and takes an ending link further.
    fn send(&mut self, cx: &mut Context<'_>, now: Instant) -> bool {
        let Link::Open(open) = &mut self.link else { return false };
        let written = open.write(cx);
        let advanced = open.advance(cx, now);
        match (written, advanced) {
            (Ok(written), Ok(advanced)) => written || advanced,
            (Err(cause), _) | (_, Err(cause)) => {
                self.disconnected(now, cause);
                true
            }
        }
    }

    fn input(&self, input: impl FnOnce(&mut State)) {
        input(&mut self.shared.lock());
    }

    fn wake_all(&mut self) {
        // A waker that panics must cost neither the driver nor those that are woken after it.
        self.wakers.drain(..).for_each(|waker| quietly(|| waker.wake()));
        self.trace.flush();
    }

    /// Arms the timer; tells whether the time has come already.
    fn sleep(&mut self, cx: &mut Context<'_>) -> bool {
        let link = match &self.link {
            Link::Open(open) => open.wake_at(),
            Link::Dialling(_, _, until) => Some(*until),
            Link::None => None,
        };
        let drain = match self.shared.lock().phase {
            Phase::Draining { until } => Some(until),
            Phase::Closed(_) | Phase::Closing(_) | Phase::Open => None,
        };
        let Some(at) = [self.wake_at, link, drain].into_iter().flatten().min() else { return false };
        if at <= self.runtime.now() {
            return true;
        }
        // A timer that ends too early only costs a look at the clock, so it is kept.
        if self.sleep.as_ref().is_none_or(|(armed, _)| *armed > at) {
            let runtime = self.runtime.clone();
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
    fn finish(&mut self, reason: CloseReason) {
        self.ended = true;
        // This may run while a panic unwinds, and another one out of them would abort the process.
        quietly(|| self.link = Link::None);
        quietly(|| self.sleep = None);
        self.shared.lock().finish(reason, &mut self.wakers);
        self.flows.finish(&self.shared, reason, &mut self.wakers);
        self.wake_all();
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
        let mut state = this.shared.lock();
        // A single caller has nobody to wait for.
        if state.slots.pending() > 1 && state.seat.gives_way() {
            drop(state);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let stale = state.seat.take();
        drop(state);
        drop(stale);
        for round in 1..=ROUNDS_MAX {
            match this.round(cx, round == ROUNDS_MAX) {
                Ok(true) => {}
                Ok(false) => {
                    if !this.sleep(cx) && this.shared.lock().seat.park(cx.waker()) {
                        return Poll::Pending;
                    }
                }
                Err(reason) => {
                    this.finish(reason);
                    return Poll::Ready(reason);
                }
            }
        }
        this.shared.lock().seat.requeue();
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The driver's death is an error that everyone hears.
impl<R: Runtime> Drop for Driver<R> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let now = self.runtime.now();
        // After a panic in the machine it may be in any state; then only fates are lost.
        drop(catch_unwind(AssertUnwindSafe(|| {
            let mut state = self.shared.lock();
            state.machine.close_for(now, CloseReason::DriverGone);
            loop {
                match state.machine.poll_output() {
                    Output::Closed(_) | Output::Idle { .. } => break,
                    Output::Completed(call, result) => {
                        if let Some(ended) = state.slots.complete(call, result, &mut self.wakers)
                            && let Some(flow) = ended.flow
                        {
                            state.flows.step_ended(flow, ended.fate);
                        }
                    }
                    Output::Connect(_) | Output::Disconnect(..) | Output::Event(_) | Output::Timer(_) => {}
                }
            }
        })));
        self.finish(CloseReason::DriverGone);
    }
}
