//! What callers ask for: start, cancel, deadlines, timers; and how a caller's call ends.

use super::{
    CallId, Machine, Output, TimerId,
    cancels::{CancelFrame, Start},
    lanes::Queue,
    limits::{HELD_REQUEST_BYTES_MAX, OUTSTANDING_CALLS_MAX},
    slots::{Key, Origin, Owner, Slot, Stage},
    validate,
    waits::ABANDONED,
};
use crate::{
    Instant,
    error::{CallError, Fate},
    wire::{AnyReply, AnyRequest, CancelReply, Class},
};

impl Machine {
    /// Starts a call. Its result comes as [`Output::Completed`], a refusal too.
    ///
    /// A `send_message` is always sent with a SURB, whatever the request says, since without one
    /// it is broken; [`Surb::None`](crate::wire::Surb::None) only means that the call ends when
    /// the message has left, with [`AnyReply::MessageSent`]. The SURB id is the machine's own.
    ///
    /// A cancel of an operation that is this machine's own ends that call as well, at once. While
    /// the link is not up a cancel succeeds at once, and its frame follows on the next link if it
    /// may have something to cancel there.
    pub fn start(
        &mut self,
        now: Instant,
        request: impl Into<AnyRequest>,
        deadline: Option<Instant>,
    ) -> CallId {
        self.begin(now, request.into(), deadline, Origin::Call)
    }

    /// Starts a call as [`start`](Self::start) does, exempt from
    /// [`OUTSTANDING_CALLS_MAX`]: neither refused because of it nor counted for it.
    ///
    /// It is for the steps of what the caller has admitted as a whole, under a bound of its own:
    /// refusing them halfway would only waste the steps before. [`HELD_REQUEST_BYTES_MAX`] bounds
    /// them like all others.
    pub fn start_step(
        &mut self,
        now: Instant,
        request: impl Into<AnyRequest>,
        deadline: Option<Instant>,
    ) -> CallId {
        self.begin(now, request.into(), deadline, Origin::Step)
    }

    fn begin(
        &mut self,
        now: Instant,
        request: AnyRequest,
        deadline: Option<Instant>,
        origin: Origin,
    ) -> CallId {
        self.advance(now);
        let call = CallId(self.mint());
        if let Err(error) = self.admit(call, request, deadline, origin) {
            self.outputs.push_back(Output::Completed(call, Err(error)));
        }
        call
    }

    fn admit(
        &mut self,
        call: CallId,
        request: AnyRequest,
        deadline: Option<Instant>,
        origin: Origin,
    ) -> Result<(), CallError> {
        if let Some(reason) = self.closed {
            return Err(CallError::Closed(reason, Fate::NotSent));
        }
        validate::check(&request, self.geometry().map(AsRef::as_ref))?;
        if self.courier_is_gone(&request) {
            return Err(CallError::CourierGone);
        }
        let size = validate::size(&request);
        let held = self.slots.held_bytes();
        let full = (origin == Origin::Call && self.slots.counted() >= OUTSTANDING_CALLS_MAX)
            || (held > 0 && held.saturating_add(size) > HELD_REQUEST_BYTES_MAX);
        if full {
            return Err(CallError::TooManyCalls);
        }
        let key = Key::of(&request);
        let queue = Queue::of(&request);
        if queue == Queue::Cancel {
            if let Some(key) = key {
                self.start_cancel(call, key, &request, deadline, origin);
            }
            return Ok(());
        }
        let order = self.mint();
        let slot = Slot::new(request, size, order, key, origin);
        if let Some(key) = key {
            if self.cancels.live(key).is_some() {
                return Err(CallError::Conflict);
            }
            self.cancels.set_live(key, call);
        }
        self.slots.insert(call, slot);
        if key.is_some_and(|key| self.cancels.is_cancelling(key)) {
            self.slots.set_stage(call, Stage::Held);
        } else {
            self.lanes.push(queue, order, call);
        }
        self.set_deadline(self.now, call, deadline);
        Ok(())
    }

    /// An explicit cancel of a key, whoever started it.
    fn start_cancel(
        &mut self,
        call: CallId,
        key: Key,
        request: &AnyRequest,
        deadline: Option<Instant>,
        origin: Origin,
    ) {
        let live = self.cancels.live(key);
        let written = self.cancels.is_cancelling(key)
            || live.and_then(|live| self.slots.get(live)).is_some_and(|slot| slot.writings > 0);
        if self.link.is_up() {
            let order = self.mint();
            self.slots.insert(call, Slot::new(request.clone(), 0, order, None, origin));
            let start = if written { Start::Written } else { Start::Unwritten };
            self.cancels.push(CancelFrame { key, caller: Some(call), start });
            self.set_deadline(self.now, call, deadline);
        } else if written {
            self.cancels.push(CancelFrame::of(key));
        }
        if let Some(live) = live {
            self.abandon(live, CallError::Cancelled);
        }
        if !self.link.is_up() {
            self.outputs.push_back(Output::Completed(call, Ok(cancelled(key))));
        }
    }

    /// Cancels a call, which ends at once; what was written is cancelled at the daemon.
    ///
    /// This is what dropping a handle means. Without effect on a call that has ended.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        self.advance(now);
        self.abandon(call, CallError::Cancelled);
    }

    /// Sets, moves or removes the time at which a call ends if it has not by then.
    ///
    /// Only [`handle_timeout`](Self::handle_timeout) acts on it, so a reply that is handed over
    /// first still wins. Without effect on a call that has ended.
    pub fn set_deadline(&mut self, now: Instant, call: CallId, at: Option<Instant>) {
        self.advance(now);
        let Some(slot) = self.slots.get_mut(call).filter(|slot| slot.owner() == Owner::Caller) else {
            return;
        };
        let stage = slot.stage();
        let old = core::mem::replace(&mut slot.deadline, at);
        if let Some(old) = old {
            let _was = self.deadlines.remove(&(old, call));
        }
        if let Some(at) = at {
            let _new = self.deadlines.insert((at, call));
        }
        // It may have lost its turn over the old deadline.
        if old.is_some_and(|old| old <= self.now) && stage == Stage::Queued {
            self.enqueue(call);
        }
    }

    /// Asks for [`Output::Timer`] at a time. Timers are no calls, and never refused; those of a
    /// closed machine never run out.
    pub fn timer(&mut self, now: Instant, at: Instant) -> TimerId {
        self.advance(now);
        let timer = TimerId(self.mint());
        if self.closed.is_none() {
            self.timers.insert(at, timer);
        }
        timer
    }

    /// Takes a timer back. Without effect on one that has run out.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.timers.remove(timer);
    }

    /// Ends a call for its caller.
    pub(super) fn complete(&mut self, call: CallId, result: Result<AnyReply, CallError>) {
        if let Some(slot) = self.slots.get_mut(call)
            && let Some(deadline) = slot.deadline.take()
        {
            let _was = self.deadlines.remove(&(deadline, call));
        }
        self.outputs.push_back(Output::Completed(call, result));
    }

    /// Ends a call for its caller with the error that `error` makes of its fate, and does what
    /// the daemon has to be told.
    pub(super) fn abandon(&mut self, call: CallId, error: impl FnOnce(Fate) -> CallError) {
        let Some(slot) = self.slots.get(call).filter(|slot| slot.owner() == Owner::Caller) else {
            return;
        };
        let (key, class, written) = (slot.key, slot.class(), slot.writings > 0);
        let outstanding = slot.stage().on_link().is_some_and(|(link, _)| self.link.id() == Some(link));
        let left = slot.due_up.and(slot.surb);
        let error = error(slot.fate());
        self.complete(call, Err(error));
        if let Some(key) = key {
            self.cancels.clear_live(key, call);
        }
        // Once a message has left, nothing at the daemon waits for it.
        if !outstanding || left.is_some() {
            if let Some(key) = key.filter(|_| written) {
                self.cancels.push(CancelFrame::of(key));
            }
            if let Some(surb) = left {
                self.late.expect(surb);
            }
            let _was = self.drop_slot(call);
            return;
        }
        self.slots.disown(call);
        if class != Class::Local {
            self.schedule_connected(call, ABANDONED);
        }
        if let Some(key) = key
            && !self.cancels.is_start_cancelling(key, call)
        {
            self.cancels.begin(key, call);
        }
    }

    /// Removes a slot, and takes its call out of its queue.
    pub(super) fn drop_slot(&mut self, call: CallId) -> Option<Slot> {
        let slot = self.remove(call)?;
        self.lanes.remove(slot.queue, slot.order);
        Some(slot)
    }

    /// Removes a slot from every agenda.
    pub(super) fn remove(&mut self, call: CallId) -> Option<Slot> {
        let slot = self.slots.remove(call)?;
        self.connected_clock.unschedule(slot.due_connected, call);
        self.up_clock.unschedule(slot.due_up, call);
        if let Some(deadline) = slot.deadline {
            let _was = self.deadlines.remove(&(deadline, call));
        }
        self.suspects.forget(call);
        Some(slot)
    }

    /// Puts a call on the agenda of connected time, in place of what was there.
    pub(super) fn schedule_connected(&mut self, call: CallId, wait: core::time::Duration) {
        if let Some(slot) = self.slots.get_mut(call) {
            self.connected_clock.unschedule(slot.due_connected, call);
            slot.due_connected = Some(self.connected_clock.schedule(self.now, wait, call));
        }
    }
}

/// The reply to a cancel of `key`, which is always the same.
pub(super) const fn cancelled(key: Key) -> AnyReply {
    match key {
        Key::Copy(_) => AnyReply::CancelResendingCopyCommand(CancelReply {}),
        Key::Envelope(_) => AnyReply::CancelResendingEncryptedMessage(CancelReply {}),
    }
}
