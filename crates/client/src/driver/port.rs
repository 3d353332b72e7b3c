//! One of the client's links, with the machine behind it: moves its bytes, its time and its results.

use std::{
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::CloseReason,
    machine::{DisconnectCause, DisconnectMode, LinkId, Machine, Output},
};
use zeroize::Zeroizing;

use super::{
    link::{Link, Open, Received},
    quietly,
};
use crate::{
    config::{Dial, Target},
    flow::End,
    io::{Duplex, Runtime},
    machines::{CallKey, Role},
    pause::Timer,
    shared::Shared,
    state::FirstConnection,
    trace::Trace,
};

/// What the ports of a driver have in common.
pub(super) struct Common<R> {
    pub(super) runtime: Arc<R>,
    pub(super) shared: Arc<Shared>,
    pub(super) target: Target,
    pub(super) dial_timeout: Duration,
    pub(super) buffer: Zeroizing<Vec<u8>>,
    pub(super) wakers: Vec<Waker>,
    pub(super) trace: Trace,
}

impl<R: Runtime> Common<R> {
    pub(super) fn wake_all(&mut self) {
        // A waker that panics must cost neither the driver nor those that are woken after it.
        self.wakers.drain(..).for_each(|waker| quietly(|| waker.wake()));
        self.trace.flush();
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

    /// Does something with the machine of a role.
    fn with(&self, role: Role, input: impl FnOnce(&mut Machine)) {
        if let Some(machine) = self.shared.lock().machines.get(role) {
            input(machine);
        }
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

/// One of the client's links.
pub(super) struct Port {
    role: Role,
    link: Link,
    /// When the machine wants to be told the time.
    wake_at: Option<Instant>,
    /// Why the machine is closed and done with.
    closed: Option<CloseReason>,
}

impl Port {
    pub(super) fn new(role: Role) -> Self {
        Self { role, link: Link::None, wake_at: None, closed: None }
    }

    /// Dials and reads.
    pub(super) fn receive<R: Runtime>(
        &mut self,
        common: &mut Common<R>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> bool {
        match &mut self.link {
            Link::None => false,
            Link::Dialling(id, dial, until) => {
                let id = *id;
                match dial.as_mut().poll(cx) {
                    Poll::Pending if now < *until => return false,
                    Poll::Pending => {
                        self.link = Link::None;
                        common.with(self.role, |machine| {
                            machine.handle_connect_failed(now, id, "timed out");
                        });
                    }
                    Poll::Ready(Ok(io)) => {
                        self.link = Link::Open(Open::new(id, io));
                        common.with(self.role, |machine| machine.handle_connected(now, id));
                    }
                    Poll::Ready(Err(error)) => {
                        self.link = Link::None;
                        let cause = error.to_string();
                        common.with(self.role, |machine| machine.handle_connect_failed(now, id, &cause));
                    }
                }
                true
            }
            Link::Open(open) => {
                match open.read(cx, &mut common.buffer) {
                    Received::Pending => return false,
                    Received::Ended(cause) => self.disconnected(common, now, cause),
                    Received::Bytes(len) if open.delivers() => {
                        let id = open.id;
                        let bytes = common.buffer.get(..len).unwrap_or_default();
                        common.with(self.role, |machine| machine.handle_input(now, id, bytes));
                    }
                    Received::Bytes(_) => {}
                }
                true
            }
        }
    }

    /// Tells the machine the time, if it wants to know.
    pub(super) fn expire<R: Runtime>(&mut self, common: &Common<R>, now: Instant) -> bool {
        if self.wake_at.is_none_or(|at| at > now) {
            return false;
        }
        self.wake_at = None;
        common.with(self.role, |machine| machine.handle_timeout(now));
        true
    }

    /// Does what the machine wants done, and encodes what may go out; tells whether there was
    /// anything.
    pub(super) fn drain<R: Runtime>(&mut self, common: &mut Common<R>, now: Instant) -> bool {
        let mut moved = false;
        while self.closed.is_none() {
            let halt = self.drain_locked(common, now, &mut moved);
            common.wake_all();
            match halt {
                Halt::Closed(reason) => {
                    self.closed = Some(reason);
                    self.let_go();
                }
                Halt::Connect(id) => {
                    self.link = Link::Dialling(id, common.dial(), now + common.dial_timeout);
                    common.trace.link(self.role, id, "dialling");
                }
                Halt::Disconnect(id, mode) => self.disconnect(common, now, id, mode),
                Halt::Doomed => return true,
                Halt::Idle => return moved,
            }
            moved = true;
        }
        moved
    }

    fn drain_locked<R: Runtime>(&mut self, common: &mut Common<R>, now: Instant, moved: &mut bool) -> Halt {
        let Common { shared, wakers, trace, .. } = common;
        let mut state = shared.lock();
        loop {
            let Some(machine) = state.machines.get(self.role) else { return Halt::Idle };
            match machine.poll_output() {
                Output::Closed(reason) => return Halt::Closed(reason),
                Output::Completed(id, result) => {
                    let call = CallKey { role: self.role, id };
                    let error = result.as_ref().err().cloned();
                    if let Some(ended) = state.slots.complete(call, result, wakers) {
                        trace.call(now, call, &ended, error);
                        if let Some(flow) = ended.flow {
                            state.flows.step_ended(flow, ended.fate);
                        }
                    }
                }
                Output::Connect(id) => return Halt::Connect(id),
                Output::Disconnect(id, mode) => return Halt::Disconnect(id, mode),
                // Of the companion nobody is told: its loss only makes its calls wait.
                Output::Event(_) if self.role == Role::Companion => {}
                Output::Event(event) => {
                    trace.event(&event);
                    state.event(now, &event, wakers);
                }
                Output::Idle { wake_at } => {
                    self.wake_at = wake_at;
                    let status = machine.status();
                    state.watch(self.role).observe(status, wakers);
                    state.end_events(wakers);
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
                    if let Some(machine) = state.machines.get(self.role) {
                        machine.poll_transmit(now, id, out);
                    }
                    if out.len() == before {
                        return Halt::Idle;
                    }
                }
                Output::Timer(timer) => match state.timers.remove(&timer) {
                    Some(Timer::Pause(waker)) => wakers.extend(waker),
                    Some(Timer::Flow(flow)) => state.flows.doom(flow, End::TimedOut),
                    None => {}
                },
            }
            *moved = true;
        }
    }

    fn disconnect<R: Runtime>(
        &mut self,
        common: &mut Common<R>,
        now: Instant,
        id: LinkId,
        mode: DisconnectMode,
    ) {
        let abandoned = matches!(common.shared.lock().first, FirstConnection::Abandoned);
        match &mut self.link {
            Link::Open(open) if open.id == id && abandoned => {
                self.disconnected(common, now, DisconnectCause::Local);
            }
            Link::Open(open) if open.id == id => open.end(now, mode),
            Link::Dialling(dialled, ..) if *dialled == id => {
                self.link = Link::None;
                common.with(self.role, |machine| {
                    machine.handle_disconnected(now, id, DisconnectCause::Local);
                });
            }
            _ => {}
        }
    }

    fn disconnected<R: Runtime>(&mut self, common: &mut Common<R>, now: Instant, cause: DisconnectCause) {
        if let Link::Open(open) = std::mem::take(&mut self.link) {
            common.trace.link(self.role, open.id, "ended");
            common.with(self.role, |machine| machine.handle_disconnected(now, open.id, cause));
        }
    }

    /// Writes, and takes an ending link further.
    pub(super) fn send<R: Runtime>(
        &mut self,
        common: &mut Common<R>,
        cx: &mut Context<'_>,
        now: Instant,
    ) -> bool {
        let Link::Open(open) = &mut self.link else { return false };
        let written = open.write(cx);
        let advanced = open.advance(cx, now);
        match (written, advanced) {
            (Ok(written), Ok(advanced)) => written || advanced,
            (Err(cause), _) | (_, Err(cause)) => {
                self.disconnected(common, now, cause);
                true
            }
        }
    }

    /// Why this link's machine is done with, once it is.
    pub(super) const fn closed(&self) -> Option<CloseReason> {
        self.closed
    }

    /// When something has to be done by itself.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let link = match &self.link {
            Link::Open(open) => open.wake_at(),
            Link::Dialling(_, _, until) => Some(*until),
            Link::None => None,
        };
        [self.wake_at, link].into_iter().flatten().min()
    }

    /// Drops the connection, or the attempt to make one.
    pub(super) fn let_go(&mut self) {
        // This may run while a panic unwinds, and another one out of it would abort the process.
        quietly(|| self.link = Link::None);
    }
}
