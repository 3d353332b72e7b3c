//! What handles and driver share: one lock around the machine, and what belongs to it.
//!
//! Lock discipline: nothing is woken, awaited, dropped or called that is not our own while the
//! lock is held. Wakers are collected under it and woken after it.

use std::{
    fmt, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, Fate, InvalidRequest},
    machine::{Config, Event, LinkStatus, Machine, Status, limits::COMPANION_WINDOW},
    wire::{AnyRequest, Class},
};
use zeroize::Zeroizing;

use crate::{
    cell::Cell,
    connect::ConnectError,
    driver_state::DriverState,
    events::Subscribers,
    flow::{Body, End, FlowId, FlowKind, Flows},
    io::Runtime,
    machines::{CallKey, Machines, Role},
    pause::{Timer, Timers},
    permits::Permits,
    slots::Slots,
    status::Watch,
};

/// How far the client is on its way to its end.
///
/// ```text
/// Open --> Draining --> Closing --> Closed
///   +-------------------^            ^
///   +--------------------------------+ (the driver is gone)
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// Nothing is started or sent any more.
    Closed(CloseReason),
    /// The machine says good-bye.
    Closing(CloseReason),
    /// What runs may go on; new calls and flows are refused at the handles.
    Draining { until: Instant },
    /// In use.
    Open,
}

/// What happens to a connect that is pending.
pub(crate) enum FirstConnection {
    /// It was dropped before: the connection has no session to part with.
    Abandoned,
    /// It was answered.
    Answered,
    /// It waits for the first link.
    Waiting(Arc<Cell<Result<(), ConnectError>>>),
}

/// Everything under the lock.
pub(crate) struct State {
    pub(crate) machines: Machines,
    pub(crate) slots: Slots,
    pub(crate) flows: Flows,
    pub(crate) timers: Timers,
    pub(crate) subscribers: Subscribers,
    watches: [Watch; 2],
    /// Asks that may run at once on the companion's link.
    pub(crate) asks: Permits,
    pub(crate) phase: Phase,
    pub(crate) first: FirstConnection,
    pub(crate) stops: Vec<Arc<Cell<Result<(), CallError>>>>,
    /// What is dialled, for [`ConnectError`].
    target: Arc<str>,
    pub(crate) driver: DriverState,
}

impl State {
    pub(crate) const fn closed(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed(reason) => Some(reason),
            Phase::Closing(_) | Phase::Draining { .. } | Phase::Open => None,
        }
    }

    /// Whether a new call or flow may begin.
    fn admit(&self, flow: Option<FlowId>) -> Result<(), CallError> {
        match self.phase {
            Phase::Open => Ok(()),
            Phase::Draining { .. } if flow.is_some() => Ok(()),
            Phase::Draining { .. } => Err(CallError::Closed(CloseReason::Stopped, Fate::NotSent)),
            Phase::Closed(reason) | Phase::Closing(reason) => Err(CallError::Closed(reason, Fate::NotSent)),
        }
    }

    pub(crate) const fn watch(&mut self, role: Role) -> &mut Watch {
        let [main, companion] = &mut self.watches;
        match role {
            Role::Companion => companion,
            Role::Main => main,
        }
    }

    pub(crate) fn status(&self, role: Role) -> Status {
        let mut status = self.machines.view(role).status();
        if self.closed().is_some() {
            status.link = LinkStatus::Closed;
        }
        status
    }

    /// Begins to end: standing flows now, the rest until `until`.
    pub(crate) fn drain(&mut self, until: Instant) {
        match &mut self.phase {
            Phase::Open => {
                self.phase = Phase::Draining { until };
                self.flows.doom_standing(End::Closed(CloseReason::Stopped));
            }
            Phase::Draining { until: earlier } => *earlier = until.min(*earlier),
            Phase::Closed(_) | Phase::Closing(_) => {}
        }
    }

    /// Ends everything.
    pub(crate) fn close(&mut self, now: Instant, reason: CloseReason) {
        if matches!(self.phase, Phase::Open | Phase::Draining { .. }) {
            self.phase = Phase::Closing(reason);
            self.flows.doom_all(End::Closed(reason));
            self.machines.each().for_each(|machine| machine.close_for(now, reason));
        }
    }

    /// Gives the pending connect up, if it is still pending.
    pub(crate) fn abandon_connect(&mut self, now: Instant) {
        if matches!(self.first, FirstConnection::Waiting(_)) {
            self.first = FirstConnection::Abandoned;
            self.close(now, CloseReason::Stopped);
        }
    }

    /// Closes once a drain is done or its time is up; tells whether it did.
    pub(crate) fn close_if_drained(&mut self, now: Instant) -> bool {
        let Phase::Draining { until } = self.phase else { return false };
        let drained = self.slots.pending() == 0 && self.flows.is_empty();
        if drained || now >= until {
            self.close(now, CloseReason::Stopped);
            return true;
        }
        false
    }

    /// Ends the event streams if the client is closing: whatever the daemon does on the rest of the
    /// way, nobody waits for it.
    pub(crate) fn end_events(&mut self, wakers: &mut Vec<Waker>) {
        match self.phase {
            Phase::Closed(_) | Phase::Closing(_) => self.subscribers.end(wakers),
            Phase::Draining { .. } | Phase::Open => {}
        }
    }

    /// Answers the pending connect, and tells the subscribers.
    pub(crate) fn event(&mut self, now: Instant, event: &Event, wakers: &mut Vec<Waker>) {
        if let FirstConnection::Waiting(cell) = &self.first {
            let answer = match event {
                Event::LinkUp => Some(Ok(())),
                Event::LinkDown { cause, .. } => Some(Err(ConnectError::new(&self.target, cause))),
                _ => None,
            };
            if let Some(answer) = answer {
                let failed = answer.is_err();
                wakers.extend(cell.fill(answer));
                self.first = FirstConnection::Answered;
                if failed {
                    self.close(now, CloseReason::NeverConnected);
                }
            }
        }
        self.subscribers.emit(event, wakers);
    }

    /// Wakes whoever waits for something that can't come any more.
    pub(crate) fn finish(&mut self, reason: CloseReason, wakers: &mut Vec<Waker>) {
        self.phase = Phase::Closed(reason);
        for ended in self.slots.fail_all(reason, wakers) {
            if let Some(flow) = ended.flow {
                self.flows.step_ended(flow, ended.fate);
            }
        }
        for timer in std::mem::take(&mut self.timers).into_values() {
            match timer {
                Timer::Pause(waker) => wakers.extend(waker),
                Timer::Flow(_) => {}
            }
        }
        if let FirstConnection::Waiting(cell) = std::mem::replace(&mut self.first, FirstConnection::Answered)
        {
            wakers.extend(cell.fill(Err(ConnectError::Closed(reason))));
        }
        let stopped = match reason {
            CloseReason::DriverGone => Err(CallError::Closed(reason, Fate::NotSent)),
            _ => Ok(()),
        };
        wakers.extend(self.stops.drain(..).filter_map(|cell| cell.fill(stopped.clone())));
        self.subscribers.end(wakers);
        self.watches.iter_mut().for_each(|watch| watch.changed(wakers));
        wakers.extend(self.asks.take_wakers());
        wakers.extend(self.driver.leave());
    }
}

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
            state: Mutex::new(State {
                machines: Machines::new(main, config),
                slots: Slots::default(),
                flows: Flows::default(),
                timers: Timers::default(),
                subscribers: Subscribers::default(),
                watches: Default::default(),
                asks: Permits::new(COMPANION_WINDOW),
                phase: Phase::Open,
                first,
                stops: Vec::new(),
                target,
                driver: DriverState::default(),
            }),
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
