//! One slot per call: where its reply goes.
#![expect(clippy::disallowed_types, reason = "a map whose hasher is fixed; what is taken in a row is sorted")]

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
    mem,
    task::{Context, Poll, Waker},
};

use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, Fate},
    wire::{AnyReply, Class, RequestKind},
};

use crate::{cell::remember, flow::FlowId, machines::CallKey};

/// A call that was started and whose result was not taken yet.
#[derive(Debug)]
struct Slot {
    flow: Option<FlowId>,
    kind: RequestKind,
    started: Instant,
    stage: SlotStage,
}

#[derive(Debug)]
enum SlotStage {
    /// Nobody wants the result.
    Detached,
    /// The result waits to be taken. In a box: moving so large a value along with its slot costs
    /// more than the allocation.
    Done(Box<Result<AnyReply, CallError>>),
    /// The call goes on.
    Waiting(Option<Waker>),
}

/// Hashes ids, which are counters of our own: nobody can choose them to collide.
#[derive(Debug, Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    /// Which link it is: two cases, so the counters stay apart.
    fn write_isize(&mut self, role: isize) {
        self.0 ^= u64::from(role != 0) << 32;
    }

    fn write_u64(&mut self, id: u64) {
        // By the golden ratio, so that neighbours differ in their upper bits too.
        self.0 = (self.0 ^ id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

/// The slots of a client's calls.
///
/// Bounded by the machine, which ends a call it has no room for, and by the number of handles that
/// the program holds on calls that have ended.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    slots: HashMap<CallKey, Slot, BuildHasherDefault<IdHasher>>,
    pending: usize,
}

/// What the end of a call means to others than its caller.
pub(crate) struct Ended {
    pub(crate) flow: Option<FlowId>,
    pub(crate) fate: Fate,
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "told to a subscriber only"))]
    pub(crate) kind: RequestKind,
    #[cfg_attr(not(feature = "tracing"), expect(dead_code, reason = "told to a subscriber only"))]
    pub(crate) started: Instant,
}

impl Slots {
    pub(crate) fn insert(
        &mut self,
        call: CallKey,
        kind: RequestKind,
        flow: Option<FlowId>,
        started: Instant,
    ) {
        let slot = Slot { flow, kind, started, stage: SlotStage::Waiting(None) };
        if self.slots.insert(call, slot).is_none() {
            self.pending += 1;
        }
    }

    /// Calls that have not ended.
    pub(crate) const fn pending(&self) -> usize {
        self.pending
    }

    pub(crate) fn is_waiting(&self, call: CallKey) -> bool {
        self.slots.get(&call).is_some_and(|slot| matches!(slot.stage, SlotStage::Waiting(_)))
    }

    /// Puts a result into its slot; the waker is to be woken once the lock is released.
    pub(crate) fn complete(
        &mut self,
        call: CallKey,
        result: Result<AnyReply, CallError>,
        wakers: &mut Vec<Waker>,
    ) -> Option<Ended> {
        let slot = self.slots.get_mut(&call)?;
        let fate = match (slot.kind.class(), &result) {
            // Answered by the daemon alone, and without effects that anyone else could see.
            (Class::Local | Class::Session, _) => Fate::NotSent,
            (Class::Message | Class::Operation, Ok(_)) => Fate::MaybeExecuted,
            (Class::Message | Class::Operation, Err(error)) => error.fate(),
        };
        let ended = Ended { flow: slot.flow.take(), fate, kind: slot.kind, started: slot.started };
        match mem::replace(&mut slot.stage, SlotStage::Detached) {
            SlotStage::Detached => drop(self.slots.remove(&call)),
            SlotStage::Done(result) => {
                slot.stage = SlotStage::Done(result);
                return None;
            }
            SlotStage::Waiting(waker) => {
                slot.stage = SlotStage::Done(Box::new(result));
                wakers.extend(waker);
            }
        }
        self.pending -= 1;
        Some(ended)
    }

    /// Ends every call that goes on, because nobody will end it otherwise.
    pub(crate) fn fail_all(&mut self, reason: CloseReason, wakers: &mut Vec<Waker>) -> Vec<Ended> {
        let mut waiting: Vec<CallKey> =
            self.slots.keys().copied().filter(|call| !self.is_done(*call)).collect();
        // In the order of their starts, and not in one that only the hasher knows.
        waiting.sort_unstable();
        let closed = CallError::Closed(reason, Fate::MaybeExecuted);
        waiting.into_iter().filter_map(|call| self.complete(call, Err(closed.clone()), wakers)).collect()
    }

    fn is_done(&self, call: CallKey) -> bool {
        self.slots.get(&call).is_some_and(|slot| matches!(slot.stage, SlotStage::Done(_)))
    }

    /// Takes the result; `stale` is to be dropped once the lock is released.
    pub(crate) fn poll_take(
        &mut self,
        call: CallKey,
        cx: &Context<'_>,
        stale: &mut Option<Waker>,
    ) -> Poll<Result<AnyReply, CallError>> {
        if let Some(Slot { stage: SlotStage::Waiting(waker), .. }) = self.slots.get_mut(&call) {
            *stale = remember(waker, cx);
            return Poll::Pending;
        }
        match self.slots.remove(&call) {
            Some(Slot { stage: SlotStage::Done(result), .. }) => Poll::Ready(*result),
            _ => Poll::Ready(Err(CallError::Cancelled(Fate::MaybeExecuted))),
        }
    }

    /// Gives up the result; tells whether the call goes on, and which flow it was a step of.
    pub(crate) fn detach(&mut self, call: CallKey) -> Option<Detached> {
        let slot = self.slots.get_mut(&call)?;
        if let SlotStage::Waiting(waker) = &mut slot.stage {
            let stale = waker.take();
            slot.stage = SlotStage::Detached;
            return Some(Detached { flow: slot.flow, class: slot.kind.class(), stale });
        }
        self.slots.remove(&call);
        None
    }

    /// Makes a call nobody's step.
    pub(crate) fn leave_flow(&mut self, call: CallKey) {
        if let Some(slot) = self.slots.get_mut(&call) {
            slot.flow = None;
        }
    }
}

/// A call that goes on without anyone who wants its result.
pub(crate) struct Detached {
    pub(crate) flow: Option<FlowId>,
    pub(crate) class: Class,
    /// To be dropped once the lock is released.
    pub(crate) stale: Option<Waker>,
}
