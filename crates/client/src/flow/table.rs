//! What the client knows of its flows; their futures are the driver's.

use std::{collections::BTreeMap, mem};

use kpthin_core::{
    error::{CloseReason, Fate},
    machine::TimerId,
};

use super::{Body, FlowId, FlowKind};

/// Flows that may run at once; at the limit a new one is refused with
/// [`TooManyCalls`](kpthin_core::error::CallError::TooManyCalls).
pub(crate) const FLOWS_MAX: usize = 4_096;

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Cancelled,
    Closed(CloseReason),
    Finished,
    TimedOut,
}

/// ```text
///           woken/polled
///             +----+
///             v    |   its future ended          no step goes on
/// spawned -> Running ------------------> Ended -------------------> settled, gone
///             |                            ^
///             +--> Doomed -----------------+
///         dropped,        its future is dropped
///         timed out, closed
/// ```
#[derive(Debug)]
enum FlowStage {
    Doomed,
    Ended(End),
    Running { woken: bool },
}

/// Futures on their way to the driver.
pub(crate) type Spawned = Vec<(FlowId, Box<dyn Body>)>;

/// One flow.
#[derive(Debug)]
struct Flow {
    kind: FlowKind,
    parent: Option<FlowId>,
    stage: FlowStage,
    /// Calls and flows it has started and that have not ended.
    steps: usize,
    /// The worst fate of the steps that have ended.
    worst: Fate,
    deadline: Option<TimerId>,
}

/// All flows, at most [`FLOWS_MAX`], and what the driver has to do about them.
#[derive(Default)]
pub(crate) struct Flows {
    flows: BTreeMap<FlowId, Flow>,
    spawned: Spawned,
    woken: Vec<FlowId>,
    doomed: Vec<(FlowId, End)>,
    settled: Vec<FlowId>,
}

/// What the driver has to do about flows, in this order.
#[derive(Default)]
pub(crate) struct Work {
    /// Futures that are the driver's from now on.
    pub(crate) spawned: Spawned,
    /// Their futures are to be dropped.
    pub(crate) doomed: Vec<(FlowId, End)>,
    /// Their futures are to be polled.
    pub(crate) woken: Vec<FlowId>,
    /// Their results are to be handed over.
    pub(crate) settled: Vec<(FlowId, End, Fate)>,
}

impl Work {
    pub(crate) const fn is_empty(&self) -> bool {
        self.spawned.is_empty() && self.doomed.is_empty() && self.woken.is_empty() && self.settled.is_empty()
    }
}

impl Flows {
    pub(crate) fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.flows.len() >= FLOWS_MAX
    }

    pub(crate) fn spawn(&mut self, id: FlowId, kind: FlowKind, parent: Option<FlowId>, body: Box<dyn Body>) {
        let parent = parent.filter(|parent| self.step_started(*parent));
        let stage = FlowStage::Running { woken: true };
        let flow = Flow { kind, parent, stage, steps: 0, worst: Fate::NotSent, deadline: None };
        let _none = self.flows.insert(id, flow);
        self.spawned.push((id, body));
        self.woken.push(id);
    }

    /// Counts a step; tells whether the flow is there to count it.
    pub(crate) fn step_started(&mut self, id: FlowId) -> bool {
        let Some(flow) = self.flows.get_mut(&id) else { return false };
        flow.steps += 1;
        true
    }

    pub(crate) fn step_ended(&mut self, id: FlowId, fate: Fate) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.worst = flow.worst.max(fate);
        flow.steps = flow.steps.saturating_sub(1);
        self.settle(id);
    }

    /// Makes a flow nobody's step; tells whose it was.
    pub(crate) fn leave_parent(&mut self, id: FlowId) -> Option<FlowId> {
        self.flows.get_mut(&id)?.parent.take()
    }

    /// Notes that a flow's waker was woken; tells whether the driver has to know.
    pub(crate) fn wake(&mut self, id: FlowId) -> bool {
        match self.flows.get_mut(&id).map(|flow| &mut flow.stage) {
            Some(FlowStage::Running { woken }) if !*woken => {
                *woken = true;
                self.woken.push(id);
                true
            }
            _ => false,
        }
    }

    /// Marks a flow, whose future the driver then drops; inert once it has ended.
    pub(crate) fn doom(&mut self, id: FlowId, end: End) {
        if let Some(flow) = self.flows.get_mut(&id)
            && matches!(flow.stage, FlowStage::Running { .. })
        {
            flow.stage = FlowStage::Doomed;
            self.doomed.push((id, end));
        }
    }

    pub(crate) fn doom_standing(&mut self, end: End) {
        let of_kind =
            |flow: &&FlowId| self.flows.get(flow).is_some_and(|flow| flow.kind == FlowKind::Standing);
        let standing: Vec<FlowId> = self.flows.keys().filter(of_kind).copied().collect();
        standing.into_iter().for_each(|id| self.doom(id, end));
    }

    pub(crate) fn doom_all(&mut self, end: End) {
        let all: Vec<FlowId> = self.flows.keys().copied().collect();
        all.into_iter().for_each(|id| self.doom(id, end));
    }

    /// Whether a future is to be dropped before anything else happens.
    pub(crate) const fn has_doomed(&self) -> bool {
        !self.doomed.is_empty()
    }

    pub(crate) fn take_work(&mut self) -> Work {
        let woken = mem::take(&mut self.woken);
        let settled = mem::take(&mut self.settled);
        Work {
            spawned: mem::take(&mut self.spawned),
            doomed: mem::take(&mut self.doomed),
            woken: woken.into_iter().filter(|id| self.take_woken(*id)).collect(),
            settled: settled.into_iter().filter_map(|id| self.remove(id)).collect(),
        }
    }

    fn take_woken(&mut self, id: FlowId) -> bool {
        match self.flows.get_mut(&id).map(|flow| &mut flow.stage) {
            Some(FlowStage::Running { woken }) => mem::take(woken),
            _ => false,
        }
    }

    /// Notes that a flow's future is gone.
    pub(crate) fn ended(&mut self, id: FlowId, end: End) {
        if let Some(flow) = self.flows.get_mut(&id)
            && !matches!(flow.stage, FlowStage::Ended(_))
        {
            flow.stage = FlowStage::Ended(end);
            self.settle(id);
        }
    }

    /// Sets a flow's deadline; returns the one it had.
    pub(crate) fn set_deadline(&mut self, id: FlowId, timer: TimerId) -> Result<Option<TimerId>, TimerId> {
        self.flows.get_mut(&id).map_or(Err(timer), |flow| Ok(flow.deadline.replace(timer)))
    }

    pub(crate) fn is_running(&self, id: FlowId) -> bool {
        self.flows.get(&id).is_some_and(|flow| matches!(flow.stage, FlowStage::Running { .. }))
    }

    pub(crate) fn take_deadline(&mut self, id: FlowId) -> Option<TimerId> {
        self.flows.get_mut(&id)?.deadline.take()
    }

    fn settle(&mut self, id: FlowId) {
        if self
            .flows
            .get(&id)
            .is_some_and(|flow| flow.steps == 0 && matches!(flow.stage, FlowStage::Ended(_)))
        {
            self.settled.push(id);
        }
    }

    fn remove(&mut self, id: FlowId) -> Option<(FlowId, End, Fate)> {
        let flow = self.flows.remove(&id)?;
        if let Some(parent) = flow.parent {
            self.step_ended(parent, flow.worst);
        }
        match flow.stage {
            FlowStage::Ended(end) => Some((id, end, flow.worst)),
            FlowStage::Doomed | FlowStage::Running { .. } => None,
        }
    }

    /// What is left when nobody polls flows any more.
    pub(crate) fn abandon(&mut self) -> (Spawned, BTreeMap<FlowId, Fate>) {
        let flows = mem::take(&mut self.flows);
        let mut worst: BTreeMap<FlowId, Fate> = flows.iter().map(|(id, flow)| (*id, flow.worst)).collect();
        for flow in flows.values() {
            let mut parent = flow.parent;
            while let Some(id) = parent
                && let Some(fate) = worst.get_mut(&id)
            {
                *fate = flow.worst.max(*fate);
                parent = flows.get(&id).and_then(|flow| flow.parent);
            }
        }
        self.woken.clear();
        self.doomed.clear();
        self.settled.clear();
        (mem::take(&mut self.spawned), worst)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    struct Nothing;

    impl Body for Nothing {
        fn poll(&mut self, _: &mut Context<'_>) -> Poll<()> {
            Poll::Pending
        }

        fn drop_future(&mut self) {}

        fn complete(&mut self, _: End, _: Fate) -> Option<Waker> {
            None
        }
    }

    const PARENT: FlowId = FlowId(1);
    const CHILD: FlowId = FlowId(2);

    fn flows() -> Flows {
        let mut flows = Flows::default();
        flows.spawn(PARENT, FlowKind::Finite, None, Box::new(Nothing));
        flows
    }

    #[test]
    fn a_flow_settles_when_its_future_and_its_steps_have_ended() {
        let mut flows = flows();
        assert_eq!(flows.take_work().woken, [PARENT]);
        assert!(flows.step_started(PARENT));
        flows.doom(PARENT, End::TimedOut);
        assert_eq!(flows.take_work().doomed, [(PARENT, End::TimedOut)]);
        flows.ended(PARENT, End::TimedOut);
        assert!(flows.take_work().settled.is_empty(), "one step goes on");
        flows.step_ended(PARENT, Fate::MaybeExecuted);
        assert_eq!(flows.take_work().settled, [(PARENT, End::TimedOut, Fate::MaybeExecuted)]);
        assert!(flows.is_empty());
    }

    #[test]
    fn the_fate_of_a_flow_within_a_flow_counts() {
        let mut flows = flows();
        flows.spawn(CHILD, FlowKind::Finite, Some(PARENT), Box::new(Nothing));
        assert!(flows.step_started(CHILD));
        flows.step_ended(CHILD, Fate::Refused);
        flows.ended(CHILD, End::Finished);
        flows.ended(PARENT, End::Finished);
        let mut settled = flows.take_work().settled;
        settled.extend(flows.take_work().settled);
        assert_eq!(settled, [(CHILD, End::Finished, Fate::Refused), (PARENT, End::Finished, Fate::Refused)]);
    }

    #[test]
    fn the_fate_of_a_flow_within_a_flow_counts_when_nobody_polls_any_more() {
        const GRANDCHILD: FlowId = FlowId(3);
        let mut flows = flows();
        flows.spawn(CHILD, FlowKind::Finite, Some(PARENT), Box::new(Nothing));
        flows.spawn(GRANDCHILD, FlowKind::Finite, Some(CHILD), Box::new(Nothing));
        assert!(flows.step_started(GRANDCHILD));
        flows.step_ended(GRANDCHILD, Fate::MaybeExecuted);
        let (_, worst) = flows.abandon();
        assert_eq!(worst, [PARENT, CHILD, GRANDCHILD].map(|id| (id, Fate::MaybeExecuted)).into());
    }

    #[test]
    fn a_flow_is_polled_once_however_often_it_is_woken() {
        let mut flows = flows();
        drop(flows.take_work());
        assert!(flows.wake(PARENT));
        assert!(!flows.wake(PARENT));
        assert_eq!(flows.take_work().woken, [PARENT]);
        flows.doom(PARENT, End::Cancelled);
        assert!(!flows.wake(PARENT), "it will not be polled again");
    }

    #[test]
    fn draining_ends_the_standing_ones_only() {
        let mut flows = flows();
        flows.spawn(CHILD, FlowKind::Standing, None, Box::new(Nothing));
        flows.doom_standing(End::Cancelled);
        assert_eq!(flows.take_work().doomed, [(CHILD, End::Cancelled)]);
    }
}
