//! What the lock of [`Shared`](crate::shared::Shared) guards: the machines, and who waits for what.

use std::{sync::Arc, task::Waker};

use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, Fate},
    machine::{
        Config, Event, LinkError, LinkStatus, Machine, Status,
        limits::{COMPANION_WINDOW, POLLING_READS_MAX},
    },
};

use crate::{
    cell::Cell,
    client::Late,
    connect::ConnectError,
    driver_state::DriverState,
    events::Subscribers,
    flow::{End, FlowId, Flows},
    machines::{Machines, Role},
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
    asks: [Permits; 2],
    /// Whether tries take too long at present.
    pub(crate) late: Late,
    pub(crate) phase: Phase,
    pub(crate) first: FirstConnection,
    pub(crate) stops: Vec<Arc<Cell<Result<(), CallError>>>>,
    /// What is dialled, for [`ConnectError`].
    target: Arc<str>,
    pub(crate) driver: DriverState,
}

impl State {
    pub(crate) fn new(main: Machine, config: Config, first: FirstConnection, target: Arc<str>) -> Self {
        Self {
            machines: Machines::new(main, config),
            slots: Slots::default(),
            flows: Flows::default(),
            timers: Timers::default(),
            subscribers: Subscribers::default(),
            watches: Default::default(),
            asks: [Permits::new(POLLING_READS_MAX), Permits::new(COMPANION_WINDOW)],
            late: Late::default(),
            phase: Phase::Open,
            first,
            stops: Vec::new(),
            target,
            driver: DriverState::default(),
        }
    }

    pub(crate) const fn closed(&self) -> Option<CloseReason> {
        match self.phase {
            Phase::Closed(reason) => Some(reason),
            Phase::Closing(_) | Phase::Draining { .. } | Phase::Open => None,
        }
    }

    /// Whether a new call or flow may begin.
    pub(crate) fn admit(&self, flow: Option<FlowId>) -> Result<(), CallError> {
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

    /// Asks that may run at once on a link; few on the first, where they stand in the way of everything else.
    pub(crate) const fn asks(&mut self, role: Role) -> &mut Permits {
        let [main, companion] = &mut self.asks;
        match role {
            Role::Companion => companion,
            Role::Main => main,
        }
    }

    /// Whether the daemon has no room for a second link (C1): the companion was turned away, or has to make room for the
    /// first one.
    pub(crate) fn is_alone(&self) -> bool {
        Role::ALL.iter().any(|role| self.machines.view(*role).status().down == Some(LinkError::Busy))
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
        if let Event::LinkDown { cause: LinkError::Busy, .. } = event
            && let Some(companion) = self.machines.get(Role::Companion)
        {
            companion.give_way(now);
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
        wakers.extend(self.asks.iter_mut().flat_map(Permits::take_wakers));
        wakers.extend(self.driver.leave());
    }
}
