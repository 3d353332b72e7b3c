//! What a reply means for the call that waits for it.

use super::{
    super::{CallId, Progress, context::Context},
    Calls,
    call::Stage,
    locals::Target,
};
use crate::{
    error::{CallError, Ending, ending},
    wire::{AnyReply, FailureDetail, QueryId, ReplyFrame, RequestKind},
};

impl Calls {
    /// Whether something was asked under a query id; a reply under any other is not worth reading.
    pub(in super::super) fn awaits_reply(&self, query_id: &QueryId) -> bool {
        self.query_counter(query_id).is_some_and(|query| {
            self.wire.as_ref().is_some_and(|wire| wire.locals.contains(query))
                || self.table.by_query(query).is_some()
        })
    }

    pub(in super::super) fn reply(&mut self, cx: &mut Context, reply: ReplyFrame) -> Progress {
        let Some(query) = reply.query_id.as_ref().and_then(|id| self.query_counter(id)) else {
            return Progress::None;
        };
        self.found(cx, query, |kind, replayed| outcome(kind, reply, replayed))
    }

    /// A frame that can't be used fails the call it names, not the link.
    pub(in super::super) fn undecodable(&mut self, cx: &mut Context, query_id: &QueryId) -> Progress {
        let Some(query) = self.query_counter(query_id) else { return Progress::None };
        self.found(cx, query, |_, _| Err(CallError::Undecodable))
    }

    /// Ends what was asked under `query` with an outcome, which follows from the kind of request
    /// and from whether it was written more than once.
    fn found(
        &mut self,
        cx: &mut Context,
        query: u64,
        outcome: impl FnOnce(RequestKind, bool) -> Result<AnyReply, CallError>,
    ) -> Progress {
        match self.take_local(cx, query) {
            Some(Target::Cancel(frame)) => {
                self.note_reply(cx);
                if let Some(wire) = &mut self.wire {
                    wire.cancelling.answered(frame.key, query, cx.now());
                }
                self.fence_passed(frame.key, query);
                if let Some(id) = frame.caller {
                    self.end(cx, id, outcome(frame.kind(), false));
                }
                return Progress::Made;
            }
            Some(Target::Probe) => return Progress::Made,
            Some(Target::Call(_)) | None => {}
        }
        let Some((id, call)) = self.table.by_query(query) else { return Progress::None };
        let (kind, replayed, stage) = (call.request_kind, call.writings > 1, call.stage);
        let is_current = call.query() == Some(query);
        let result = outcome(kind, replayed);
        if !is_current {
            return self.late_result(cx, id, result);
        }
        self.note_reply(cx);
        self.note_pace(id, &result, cx.now());
        match result {
            Err(CallError::CancelledElsewhere) if matches!(stage, Stage::Withdrawing { .. }) => {
                self.withdrawn(cx, id);
            }
            Err(CallError::CancelledElsewhere) if self.undo_old_cancel(cx, id) => {}
            result => self.end(cx, id, result),
        }
        Progress::Made
    }

    /// Takes the local frame that was written under `query`.
    fn take_local(&mut self, cx: &Context, query: u64) -> Option<Target> {
        let wire = self.wire.as_mut()?;
        let answered = wire.locals.answered(query, cx.now())?;
        self.slowest = self.slowest.max(answered.slow);
        wire.probe.answered(query);
        wire.probe.moved_up(|| wire.locals.ahead(self.slowest), cx.now());
        Some(answered.target)
    }

    /// A frame has come, whatever it says.
    pub(in super::super) fn heard(&mut self, cx: &Context) {
        if let Some(wire) = &mut self.wire {
            wire.probe.begin_quiet(cx.now());
        }
    }

    /// Ends an operation's way back: it waits for its turn again, at the end.
    pub(super) fn withdrawn(&mut self, cx: &Context, id: CallId) {
        self.release_place(cx, id);
        self.table.retire_query(id);
        let order = self.mint();
        let Some(call) = self.table.get_mut(id) else { return };
        call.order = order;
        self.agenda.connected.unschedule(call.due_connected.take(), id);
        let key = call.key();
        self.enqueue(id);
        if let Some(key) = key {
            self.settle_key(key, id);
        }
    }

    /// Takes note that the daemon still answers.
    pub(super) fn note_reply(&mut self, cx: &Context) {
        if let Some(wire) = self.open_wire() {
            wire.last_reply = Some(cx.now());
        }
    }
}

/// What a reply means for a request of `kind`, `replayed` if it was written more than once.
///
/// The query id says what is answered. Under another kind's name a code still counts, as it does for a copy that a courier
/// answers like an envelope (M5) and for what a cancel of the other kind has ended; a body is of no use.
fn outcome(kind: RequestKind, reply: ReplyFrame, replayed: bool) -> Result<AnyReply, CallError> {
    match reply.result {
        Ok(_) if reply.kind != kind => Err(CallError::Undecodable),
        Ok(body) => Ok(body),
        Err(failure) => Err(match ending(kind, &failure, replayed) {
            Ending::Cancelled => CallError::CancelledElsewhere,
            Ending::Failed(error) => error,
        }),
    }
}

/// Whether a reply says that an envelope has reached a courier, or at least been on its way.
pub(in super::super) fn names_courier(reply: &ReplyFrame) -> bool {
    match &reply.result {
        Ok(AnyReply::StartResendingEncryptedMessage(reply)) => reply.courier_identity_hash.is_some(),
        Ok(_) => false,
        // A cancelled start names its courier without having reached it.
        Err(failure) => {
            failure.error_code != 24
                && matches!(failure.detail, FailureDetail::Courier { courier_identity_hash: Some(_), .. })
        }
    }
}
