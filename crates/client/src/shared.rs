//! What handles and driver share: one lock around the machines, and what is done under it.
//!
//! Lock discipline: nothing is woken, awaited, dropped or called that is not our own while the
//! lock is held. Wakers are collected under it and woken after it.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::{CallError, Fate, InvalidRequest},
    machine::{Config, Machine},
    wire::{AnyRequest, Class},
};
use zeroize::Zeroizing;

use crate::{
    client::Others,
    flow::{Body, End, FlowId, FlowKind},
    io::Runtime,
    machines::{CallKey, Role},
    pause::Timer,
    state::{FirstConnection, State},
};

/// The runtime as far as handles need it.
trait World: Send + Sync {
    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()>;
    fn now(&self) -> Instant;
    fn on_worker(&self) -> bool;
}

impl<R: Runtime> World for R {
    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        Runtime::fill_random(self, bytes)
    }

    fn now(&self) -> Instant {
        Runtime::now(self)
    }

    fn on_worker(&self) -> bool {
        Runtime::on_worker(self)
    }
}

/// The lock, and what needs none.
pub(crate) struct Shared {
    state: Mutex<State>,
    world: Arc<dyn World>,
    /// Handles of any kind that keep the client going.
    handles: AtomicUsize,
    next_flow: AtomicU64,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new<R: Runtime>(
        runtime: Arc<R>,
        config: Config,
        seed: [u8; 32],
        first: FirstConnection,
        target: Arc<str>,
    ) -> Self {
        let main = Machine::new(config, seed, runtime.now());
        Self {
            state: Mutex::new(State::new(main, config, first, target)),
            world: runtime,
            handles: AtomicUsize::new(0),
            next_flow: AtomicU64::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in the driver poisons the lock; its guard still has to tell every waiter.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Instant {
        self.world.now()
    }

    /// Draws random bytes, secret unless this is a simulation. Not while the lock is held.
    pub(crate) fn draw<const LEN: usize>(&self) -> Result<Zeroizing<[u8; LEN]>, CallError> {
        let mut bytes = Zeroizing::new([0; LEN]);
        match self.world.fill_random(&mut *bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(InvalidRequest::Missing { member: "seed" }.into()),
        }
    }

    /// Whether waiting on this thread could keep the driver from running.
    pub(crate) fn must_not_block(&self) -> bool {
        let (gone, here) = {
            let driver = &self.lock().driver;
            (driver.is_left(), driver.was_here())
        };
        !gone && (here || self.world.on_worker())
    }

    /// Runs a command, then wakes the driver.
    pub(crate) fn command<T>(&self, command: impl FnOnce(&mut State, Instant) -> T) -> T {
        let now = self.world.now();
        let (result, waker) = {
            let mut state = self.lock();
            let result = command(&mut state, now);
            (result, state.driver.touch())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    pub(crate) fn start(
        &self,
        flow: Option<FlowId>,
        role: Role,
        request: AnyRequest,
    ) -> Result<CallKey, CallError> {
        let open = role == Role::Main || self.lock().machines.is_open(role);
        let seed = if open { None } else { Some(self.draw()?) };
        self.command(|state, now| {
            state.admit(flow)?;
            let machine = state.machines.open(role, now, seed)?;
            let kind = request.kind();
            let flow = flow.filter(|flow| state.flows.step_started(*flow));
            let id = match flow {
                // The flow was admitted as a whole.
                Some(_) => machine.start_step(now, request, None),
                None => machine.start(now, request, None),
            };
            let call = CallKey { role, id };
            state.slots.insert(call, kind, flow, now);
            Ok(call)
        })
    }

    pub(crate) fn add_handle(&self) {
        let _before = self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether it was the last one.
    pub(crate) fn remove_handle(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn mint_flow(&self) -> FlowId {
        FlowId(self.next_flow.fetch_add(1, Ordering::Relaxed))
    }

    /// Hands a flow to the driver, or back.
    pub(crate) fn spawn(
        &self,
        id: FlowId,
        kind: FlowKind,
        parent: Option<FlowId>,
        body: Box<dyn Body>,
    ) -> Result<(), (CallError, Box<dyn Body>)> {
        self.command(|state, _| {
            if let Err(error) = state.admit(parent) {
                return Err((error, body));
            }
            if state.flows.is_full() {
                return Err((CallError::TooManyCalls, body));
            }
            state.flows.spawn(id, kind, parent, body);
            Ok(())
        })
    }

    pub(crate) fn cancel_call(&self, call: CallKey) {
        self.command(|state, now| {
            if state.slots.is_waiting(call)
                && let Some(machine) = state.machines.get(call.role)
            {
                machine.cancel(now, call.id);
            }
        });
    }

    /// Nobody wants a call's result any more.
    pub(crate) fn drop_call(&self, call: CallKey, then: OnDrop) {
        let stale = self.command(|state, now| {
            let detached = state.slots.detach(call)?;
            match then {
                OnDrop::Cancel => {
                    if let Some(machine) = state.machines.get(call.role) {
                        machine.cancel(now, call.id);
                    }
                }
                OnDrop::RunOn => {
                    if let Some(flow) = detached.flow {
                        state.slots.leave_flow(call);
                        let fate = match detached.class {
                            Class::Local | Class::Session => Fate::NotSent,
                            Class::Message | Class::Operation => Fate::MaybeExecuted,
                        };
                        state.flows.step_ended(flow, fate);
                    }
                }
            }
            detached.stale
        });
        drop(stale);
    }

    /// When an operation was written, if it was and is not answered, and what is known of others.
    pub(crate) fn progress(
        &self,
        role: Role,
        call: Option<CallKey>,
        is_read: bool,
    ) -> (Option<Instant>, Others) {
        let state = self.lock();
        let machine = state.machines.view(role);
        let written_at = call.and_then(|call| machine.written_at(call.id));
        let mut pace = machine.operation_pace(is_read);
        if pace.median.is_none() {
            // Better than nothing: reads and writes take two round trips each.
            pace.median = state.machines.view(Role::Main).operation_pace(!is_read).median;
        }
        let (idle, outstanding) = (machine.unwritten() == 0, machine.outstanding());
        (written_at, Others { pace, late: state.late, idle, outstanding })
    }

    /// A try of an operation was answered, or took too long while others were.
    pub(crate) fn note_try(&self, late: bool) {
        self.lock().late.note(late);
    }

    pub(crate) fn set_call_deadline(&self, call: CallKey, timeout: Duration) {
        self.command(|state, now| {
            if state.slots.is_waiting(call)
                && let Some(machine) = state.machines.get(call.role)
            {
                machine.set_deadline(now, call.id, Some(now + timeout));
            }
        });
    }

    pub(crate) fn set_flow_deadline(&self, id: FlowId, timeout: Duration) {
        self.command(|state, now| {
            if !state.flows.is_running(id) {
                return;
            }
            let timer = state.machines.main.timer(now, now + timeout);
            match state.flows.set_deadline(id, timer) {
                Ok(replaced) => {
                    state.timers.insert(timer, Timer::Flow(id));
                    if let Some(replaced) = replaced {
                        state.machines.main.cancel_timer(replaced);
                        state.timers.remove(&replaced);
                    }
                }
                Err(timer) => state.machines.main.cancel_timer(timer),
            }
        });
    }

    pub(crate) fn doom_flow(&self, id: FlowId) {
        self.command(|state, _| state.flows.doom(id, End::Cancelled));
    }

    /// A flow goes on without anyone who wants its result.
    pub(crate) fn detach_flow(&self, id: FlowId) {
        self.command(|state, _| {
            if let Some(parent) = state.flows.leave_parent(id) {
                state.flows.step_ended(parent, Fate::MaybeExecuted);
            }
        });
    }

    pub(crate) fn wake_flow(&self, id: FlowId) {
        let waker = {
            let mut state = self.lock();
            if state.flows.wake(id) { state.driver.touch() } else { None }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// What becomes of a call whose handle is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnDrop {
    Cancel,
    RunOn,
}
