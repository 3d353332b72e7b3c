//! How a call ends: for its caller, for the daemon, or for both.

use core::time::Duration;

use super::{
    super::{CallId, context::Context, waits::ABANDONED},
    Calls,
    call::{Call, Kind, Stage},
    cancels::CancelFrame,
    key::Key,
};
use crate::{
    error::{CallError, CloseReason, Fate},
    wire::{AnyReply, Class},
};

impl Calls {
    /// The daemon is done with a call, or will not be: its caller hears of it, and it goes.
    pub(super) fn end(&mut self, cx: &mut Context, id: CallId, result: Result<AnyReply, CallError>) {
        self.release_place(cx, id);
        if self.table.owned_call(id).is_some() {
            self.complete(cx, id, result);
        }
        let key = self.remove(id).and_then(|call| call.key());
        if let Some(key) = key {
            self.settle_key(key, id);
        }
    }

    /// Ends a call for its caller with the error that `error` makes of its fate, and does what
    /// the daemon has to be told.
    pub(in super::super) fn abandon(
        &mut self,
        cx: &mut Context,
        id: CallId,
        error: impl FnOnce(Fate) -> CallError,
    ) {
        let Some(call) = self.table.owned_call(id) else { return };
        let is_fenced = matches!(call.stage, Stage::Fenced { .. });
        let key = call.key().filter(|_| call.writings > 0 && !is_fenced);
        let error = error(call.fate());
        if !self.leave(cx, id, Err(error))
            && let Some(key) = key
        {
            self.cancels.push(CancelFrame::of(key));
        }
    }

    /// Ends a call for its caller; returns whether it is still outstanding, as abandoned, and being cancelled.
    pub(super) fn leave(
        &mut self,
        cx: &mut Context,
        id: CallId,
        result: Result<AnyReply, CallError>,
    ) -> bool {
        let Some(call) = self.table.owned_call(id) else { return false };
        let (key, class, on_link) = (call.key(), call.class(), call.on_link());
        let left = call.surb().filter(|_| call.has_left());
        let outstanding = self.outstanding(id).and(on_link);
        self.complete(cx, id, result);
        // Once a message has left, nothing at the daemon waits for it.
        let Some((link, at)) = outstanding.filter(|_| left.is_none()) else {
            if let Some(surb) = left {
                self.late.insert(surb);
            }
            self.remove(id);
            return false;
        };
        self.forget_key(key, id);
        self.table.set_stage(id, Stage::Abandoned { link, at });
        if let Some(wire) = &mut self.wire {
            // A polling read gives its place up as soon as it can, so no other has to for its sake.
            wire.places.end_poll_turn(at, id);
        }
        if class != Class::Local {
            self.schedule_connected(cx, id, ABANDONED);
        }
        if let Some(key) = key
            && self.cancelling(key) != Some(id)
        {
            self.begin_cancelling(key, id);
        }
        true
    }

    /// Ends everything, for good.
    pub(in super::super) fn close(&mut self, cx: &mut Context, reason: CloseReason) {
        self.wire = None;
        self.agenda.run(cx.now(), false, false);
        for id in self.table.ids() {
            if let Some(fate) = self.table.get(id).map(Call::fate) {
                self.end(cx, id, Err(CallError::Closed(reason, fate)));
            }
        }
        self.cancels = super::Cancels::default();
    }

    /// Ends a call for its caller.
    fn complete(&mut self, cx: &mut Context, id: CallId, result: Result<AnyReply, CallError>) {
        if let Some(call) = self.table.get_mut(id) {
            let deadline = call.deadline.take();
            self.agenda.move_deadline(id, deadline, None);
        }
        cx.completed(id, result);
    }

    /// Removes a call from wherever it is; its place on the link is not given back by that.
    fn remove(&mut self, id: CallId) -> Option<Call> {
        let call = self.table.remove(id)?;
        self.lanes.remove(call.queue, call.order);
        self.agenda.move_deadline(id, call.deadline, None);
        self.agenda.connected.unschedule(call.due_connected, id);
        if let Kind::Message { left, .. } = call.kind {
            self.agenda.up.unschedule(left, id);
        }
        if let Some(wire) = &mut self.wire {
            wire.suspect.forget(id);
        }
        self.forget_key(call.key(), id);
        Some(call)
    }

    fn forget_key(&mut self, key: Option<Key>, id: CallId) {
        if let Some(key) = key
            && self.live.get(&key) == Some(&id)
        {
            self.live.remove(&key);
        }
    }

    /// Begins to cancel a start that was written on this link.
    ///
    /// A cancel that already waits, or that the caller writes itself, serves.
    pub(super) fn begin_cancelling(&mut self, key: Key, start: CallId) {
        if let Some(wire) = &mut self.wire {
            wire.cancelling.begin(key, start);
            self.cancels.push(CancelFrame::of(key));
        }
    }

    /// Ends the cancelling of a start, if it was being cancelled; what its key held back may go.
    pub(super) fn settle_key(&mut self, key: Key, start: CallId) {
        if !self.wire.as_mut().is_some_and(|wire| wire.cancelling.end(key, start)) {
            return;
        }
        self.cancels.settle(key);
        if let Some(held) = self.live.get(&key).copied()
            && self.table.get(held).is_some_and(|call| call.stage == Stage::Held)
        {
            self.enqueue(held);
        }
    }

    /// Gives back the place that an outstanding call holds on this link.
    pub(super) fn release_place(&mut self, cx: &Context, id: CallId) {
        let Some(at) = self.outstanding(id) else { return };
        // A message gave its place back at its sent event.
        if let (Some(call), Some(wire)) = (self.table.get(id).filter(|call| !call.has_left()), &mut self.wire)
        {
            wire.places.release(call.queue, at, cx.now(), id);
        }
    }

    /// Puts a call on the agenda of connected time, in place of what was there.
    pub(super) fn schedule_connected(&mut self, cx: &Context, id: CallId, wait: Duration) {
        if let Some(call) = self.table.get_mut(id) {
            self.agenda.connected.unschedule(call.due_connected, id);
            call.due_connected = Some(self.agenda.connected.schedule(cx.now(), wait, id));
        }
    }
}
