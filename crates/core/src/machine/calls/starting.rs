//! How a call begins, and the time by which it has to end.

use super::{
    super::{
        CallId,
        context::Context,
        knowledge::Facts,
        limits::{HELD_REQUEST_BYTES_MAX, OUTSTANDING_CALLS_MAX},
    },
    Calls, Origin,
    call::{Call, Stage},
    cancels::{CancelFrame, Start},
    key::Key,
    lanes::Queue,
    rebase, validate,
};
use crate::{Instant, error::CallError, wire::AnyRequest};

impl Calls {
    /// Admits a call, or completes it with the reason why not.
    pub(in super::super) fn start(
        &mut self,
        cx: &mut Context,
        id: CallId,
        request: AnyRequest,
        deadline: Option<Instant>,
        origin: Origin,
        facts: Facts<'_>,
    ) {
        if let Err(error) = self.admit(cx, id, request, origin, facts) {
            return cx.completed(id, Err(error));
        }
        self.set_deadline(cx, id, deadline);
    }

    fn admit(
        &mut self,
        cx: &mut Context,
        id: CallId,
        mut request: AnyRequest,
        origin: Origin,
        facts: Facts<'_>,
    ) -> Result<(), CallError> {
        validate::check(&request, facts.geometry)?;
        rebase::rebase(&mut request)?;
        if facts.courier_is_gone(&request) {
            return Err(CallError::CourierGone);
        }
        let size = validate::size(&request);
        let held = self.table.held_bytes();
        let full = (origin == Origin::Call && self.table.counted() >= OUTSTANDING_CALLS_MAX)
            || (held > 0 && held.saturating_add(size) > HELD_REQUEST_BYTES_MAX);
        if full {
            return Err(CallError::TooManyCalls);
        }
        let key = Key::of(&request);
        let queue = Queue::of(&request);
        if queue == Queue::Cancel {
            if let Some(key) = key {
                self.start_cancel(cx, id, key, request, origin);
            }
            return Ok(());
        }
        let order = self.mint();
        let mut call = Call::new(request, size, order, origin);
        if let Some(key) = key {
            if self.live.contains_key(&key) {
                return Err(CallError::Conflict);
            }
            self.live.insert(key, id);
            if self.cancelling(key).is_some() {
                call.stage = Stage::Held;
            }
        }
        if call.stage == Stage::Queued {
            self.lanes.push(queue, order, id);
        }
        self.table.insert(id, call);
        Ok(())
    }

    /// An explicit cancel of a key, whoever started it.
    fn start_cancel(&mut self, cx: &mut Context, id: CallId, key: Key, request: AnyRequest, origin: Origin) {
        let live = self.live.get(&key).copied();
        let written = self.cancelling(key).is_some()
            || live.and_then(|live| self.table.get(live)).is_some_and(|call| call.writings > 0);
        let is_open = self.is_open();
        if is_open {
            let order = self.mint();
            self.table.insert(id, Call::new(request, 0, order, origin));
            let start = if written { Start::Written } else { Start::Unwritten };
            self.cancels.push(CancelFrame { key, caller: Some(id), start });
        } else if written {
            self.cancels.push(CancelFrame::of(key));
        }
        if let Some(live) = live {
            self.abandon(cx, live, CallError::Cancelled);
        }
        if !is_open {
            cx.completed(id, Ok(key.cancelled()));
        }
    }

    /// Sets, moves or removes the time at which a call ends if it has not by then.
    pub(in super::super) fn set_deadline(&mut self, cx: &Context, id: CallId, at: Option<Instant>) {
        let Some(call) = self.table.get_mut(id).filter(|call| call.is_owned()) else { return };
        let stage = call.stage;
        let old = core::mem::replace(&mut call.deadline, at);
        self.agenda.move_deadline(id, old, at);
        // It may have lost its turn over the old deadline.
        if old.is_some_and(|old| old <= cx.now()) && stage == Stage::Queued {
            self.enqueue(id);
        }
    }

    /// Lets a call wait for its turn.
    pub(super) fn enqueue(&mut self, id: CallId) {
        let suspect = self.is_suspect(id);
        self.table.set_stage(id, Stage::Queued);
        let Some(call) = self.table.get(id) else { return };
        let (queue, order) = (call.queue, call.order);
        self.lanes.remove(queue, order);
        if suspect {
            self.lanes.push_suspect(queue, order, id);
        } else {
            self.lanes.push(queue, order, id);
        }
    }
}
