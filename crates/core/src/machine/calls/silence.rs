//! Every wait ends or is renewed: deadlines, silence, and what else time brings.

use core::mem;

use super::{
    super::{CallId, context::Context, waits::ABANDONED},
    Calls,
    call::{Kind, Stage},
    cancels::CancelFrame,
    locals::{Silence, Target},
    wire::Wire,
};
use crate::{Instant, error::CallError, wire::Class};

/// The daemon says nothing at all on this link, which has to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Silent;

impl Calls {
    /// Does what the time has come for.
    pub(in super::super) fn handle_timeout(&mut self, cx: &mut Context) -> Option<Silent> {
        let now = cx.now();
        while let Some(id) = self.agenda.pop_deadline(now) {
            self.abandon(cx, id, CallError::TimedOut);
        }
        self.clear_suspect(now);
        let due = self.wire.as_mut().map(|wire| wire.cancelling.pop_due(now));
        due.into_iter().flatten().for_each(|key| self.cancels.push(CancelFrame::of(key)));
        let silent = self.expire_silent_locals(cx).or_else(|| self.look_at_probe(cx));
        while let Some(id) = self.agenda.connected.pop_due(now) {
            self.connected_time_is_up(cx, id);
        }
        while let Some(id) = self.agenda.up.pop_due(now) {
            self.end(cx, id, Err(CallError::Unanswered));
        }
        while let Some((_, id)) = self.poll_turn().filter(|(at, _)| *at <= now) {
            self.withdraw(cx, id);
        }
        silent
    }

    pub(in super::super) fn wake_at(&self) -> Option<Instant> {
        let wire = self.wire.as_ref();
        [
            self.agenda.wake_at(),
            wire.and_then(|wire| wire.suspect.wake_at()),
            wire.and_then(|wire| wire.cancelling.wake_at()),
            wire.filter(|_| self.is_open()).and_then(|wire| wire.locals.wake_at()),
            wire.filter(|_| self.is_open()).and_then(|wire| wire.probe.wake_at(self.waits(wire))),
            self.poll_turn().map(|(at, _)| at),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// The polling read whose turn ends first, and when, while another one waits for its place.
    fn poll_turn(&self) -> Option<(Instant, CallId)> {
        self.wire.as_ref().filter(|_| self.is_open())?.places.poll_turn(self.lanes.polls_waiting())
    }

    /// Gives up local requests that the daemon passed over, and the link if it says nothing at all.
    fn expire_silent_locals(&mut self, cx: &mut Context) -> Option<Silent> {
        while let Some(silence) = self.open_wire().and_then(|wire| wire.locals.pop_silent(cx.now())) {
            match silence {
                Silence::Overtaken(query, target) => {
                    if let Target::Cancel(frame) = target {
                        self.fence_passed(frame.key, query);
                    }
                    self.give_up(cx, target);
                }
                Silence::Whole(target) => {
                    if self.was_silent_before(target) {
                        self.give_up(cx, target);
                    }
                    self.link_ending(cx);
                    return Some(Silent);
                }
            }
        }
        None
    }

    fn give_up(&mut self, cx: &mut Context, target: Target) {
        let waiting = match target {
            Target::Call(id) => Some(id),
            Target::Cancel(frame) => frame.caller,
            Target::Probe => None,
        };
        if let Some(id) = waiting {
            self.end(cx, id, Err(CallError::Unanswered));
        }
    }

    /// Whether an earlier link was silent about the same call; the first time that may have been the link's fault.
    fn was_silent_before(&mut self, target: Target) -> bool {
        let Target::Call(id) = target else { return false };
        match self.table.get_mut(id).map(|call| &mut call.kind) {
            Some(Kind::Local { was_silent, .. }) => mem::replace(was_silent, true),
            _ => false,
        }
    }

    /// Whether anything is waited for on the link, beside the probe.
    pub(super) fn waits(&self, wire: &Wire) -> bool {
        self.table.written() > 0 || !wire.locals.is_empty()
    }

    fn look_at_probe(&mut self, cx: &Context) -> Option<Silent> {
        let waits = self.waits(self.wire.as_ref()?);
        let silent = self.open_wire()?.probe.is_over(waits, cx.now());
        if silent {
            self.link_ending(cx);
        }
        silent.then_some(Silent)
    }

    /// A call has waited for so much connected time as it may.
    fn connected_time_is_up(&mut self, cx: &mut Context, id: CallId) {
        let Some(call) = self.table.get_mut(id) else { return };
        call.due_connected = None;
        match (call.stage, call.class()) {
            (Stage::Abandoned { .. }, _) | (_, Class::Message) => {
                self.end(cx, id, Err(CallError::Unanswered))
            }
            (Stage::Withdrawing { .. }, _) => self.withdrawn(cx, id),
            (Stage::Written { .. }, _) => {
                self.release_place(cx, id);
                let link = self.wire.as_ref().map(|wire| wire.id);
                if let Some(Kind::Operation { renewed_on, .. }) =
                    self.table.get_mut(id).map(|call| &mut call.kind)
                {
                    *renewed_on = link;
                }
                self.fence(id);
            }
            // It is not outstanding, so it was never on the agenda.
            (Stage::Fenced { .. } | Stage::Held | Stage::Queued, _) => {}
        }
    }

    /// Takes a polling read back, so that another one gets its place.
    ///
    /// The daemon may still have its start in the queue, where a cancel does not find it, so the
    /// read holds its place until the start is answered, as an abandoned one does.
    fn withdraw(&mut self, cx: &Context, id: CallId) {
        let Some(call) = self.table.get(id) else { return };
        let Stage::Written { link, at } = call.stage else { return };
        let key = call.key();
        self.table.set_stage(id, Stage::Withdrawing { link, at });
        if let Some(wire) = &mut self.wire {
            wire.places.end_poll_turn(at, id);
        }
        self.schedule_connected(cx, id, ABANDONED);
        if let Some(key) = key {
            self.begin_cancelling(key, id);
        }
    }
}
