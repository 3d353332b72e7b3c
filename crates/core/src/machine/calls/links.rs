//! What becomes of calls when the link comes and goes.

use alloc::vec::Vec;

use super::{
    super::{
        CallId,
        between::{LinkUp, Residue},
        context::Context,
        knowledge::Facts,
    },
    Calls,
    call::{Call, Stage},
    cancels::{CancelFrame, Start},
    key::Key,
    late::Remembered,
    locals::Target,
    replay::{Replay, decide},
    validate,
    wire::{Wire, Writing},
};
use crate::{
    error::{CallError, Fate},
    wire::Class,
};

impl Calls {
    /// The handshake is complete: decides about every call, and lets requests go out.
    ///
    /// Returns how many calls are sent again, and how many failed.
    pub(in super::super) fn link_up(
        &mut self,
        cx: &mut Context,
        up: &LinkUp,
        facts: Facts<'_>,
    ) -> (usize, usize) {
        self.wire = Some(Wire::new(up, self.role, cx.now()));
        self.agenda.run(cx.now(), true, facts.mixnet);
        let (mut replayed, mut failed) = (0, 0);
        for id in self.table.ids() {
            let Some(call) = self.table.get(id) else { continue };
            match decide(call.class(), call.writings > 0, up.fate) {
                Replay::Send | Replay::KeepWaiting => continue,
                Replay::SendAgain => self.enqueue(id),
                Replay::CancelThenStart => self.fence(id),
                Replay::Fail => {
                    failed += 1;
                    self.end(cx, id, Err(CallError::LinkLost(Fate::MaybeExecuted)));
                    continue;
                }
            }
            replayed += 1;
        }
        if !up.same_daemon {
            self.forget_daemon();
        }
        (replayed, failed)
    }

    /// The daemon is another process, which knows nothing of what the one before was told.
    fn forget_daemon(&mut self) {
        self.unanswered_cancels = Remembered::default();
        self.table.ids().into_iter().for_each(|id| self.table.forget_retired(id));
    }

    /// This side ends the link: nothing more is written, and time does not count.
    pub(in super::super) fn link_ending(&mut self, cx: &Context) {
        if let Some(wire) = &mut self.wire {
            wire.writing = Writing::Over;
        }
        self.agenda.run(cx.now(), false, false);
    }

    /// The link is lost, `unprompted` if the daemon ended it by itself: settles what belonged to it.
    pub(in super::super) fn link_lost(&mut self, cx: &mut Context, unprompted: bool) -> Residue {
        if unprompted {
            self.judge(cx);
        }
        self.agenda.run(cx.now(), false, false);
        let wire = self.wire.take();
        self.settle_cancels(cx, wire);
        self.settle_abandoned(cx);
        let is_kept =
            |call: &Call| call.writings > 0 && matches!(call.class(), Class::Message | Class::Operation);
        Residue { worth_resuming: self.table.iter().any(|(_, call)| is_kept(call)) }
    }

    /// Explicit cancels are answered by the end of the link; their frames follow on the next one
    /// if a start of that key was written.
    fn settle_cancels(&mut self, cx: &mut Context, wire: Option<Wire>) {
        let mut callers = self.cancels.link_lost();
        for target in wire.into_iter().flat_map(|wire| wire.locals.into_targets()) {
            let Target::Cancel(frame) = target else { continue };
            callers.extend(frame.caller);
            self.unanswered_cancels.insert(frame.key);
            if frame.start == Start::Written {
                self.cancels.push(CancelFrame::of(frame.key));
            }
        }
        for id in callers {
            let request = self.table.get(id).and_then(|call| call.request.as_deref());
            let cancelled = request.and_then(Key::of).map(Key::cancelled);
            // Without a request nobody waits for it any more.
            self.end(cx, id, cancelled.ok_or(CallError::Unanswered));
        }
    }

    /// Abandoned calls end with their link; operations among them have their cancel sent again.
    fn settle_abandoned(&mut self, cx: &mut Context) {
        for id in self.table.ids() {
            match self.table.get(id).map(|call| (call.stage, call.key())) {
                Some((Stage::Abandoned { .. }, key)) => {
                    if let Some(key) = key {
                        self.cancels.push(CancelFrame::of(key));
                    }
                    self.end(cx, id, Err(CallError::Unanswered));
                }
                // Its key is free now.
                Some((Stage::Held, _)) => self.enqueue(id),
                Some(_) | None => {}
            }
        }
    }

    /// What calls depend on has changed.
    pub(in super::super) fn facts_changed(&mut self, cx: &mut Context, facts: Facts<'_>) {
        let is_open = self.is_open();
        self.agenda.run(cx.now(), is_open, facts.mixnet);
        self.refuse_misfits(cx, facts);
        self.fail_orphaned_copies(cx, facts);
    }

    /// Ends calls that were not sent and turn out not to fit.
    fn refuse_misfits(&mut self, cx: &mut Context, facts: Facts<'_>) {
        let misfit = |(id, call): (CallId, &Call)| {
            let request = call.request.as_deref().filter(|_| call.writings == 0)?;
            Some((id, validate::check(request, facts.geometry).err()?))
        };
        for (id, error) in self.table.iter().filter_map(misfit).collect::<Vec<_>>() {
            self.end(cx, id, Err(error));
        }
    }

    /// Ends copies whose pinned courier is not in the latest document.
    fn fail_orphaned_copies(&mut self, cx: &mut Context, facts: Facts<'_>) {
        let orphaned = |(id, call): (CallId, &Call)| {
            call.request.as_deref().filter(|request| facts.courier_is_gone(request)).map(|_| id)
        };
        for id in self.table.iter().filter_map(orphaned).collect::<Vec<_>>() {
            self.abandon(cx, id, |_| CallError::CourierGone);
        }
    }
}
