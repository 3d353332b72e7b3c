//! The cancel as a fence between two starts of one operation.
//!
//! An operation that was written may still be at work when it is to be started again: in the session that was resumed, in one
//! that the daemon has not let go of, or among the frames that it has not read. It may also have ended while its client was
//! away, its result being queued (C6). The answer to its cancel comes behind all of that, so nothing is started again before
//! it is there.

use super::{
    super::{CallId, Progress, context::Context},
    Calls,
    call::{Kind, Stage},
    cancels::CancelFrame,
    key::Key,
};
use crate::{error::CallError, wire::AnyReply};

/// How often an operation that an old cancel of ours ended is started again for that.
const UNDONE_MAX: u8 = 3;

impl Calls {
    /// Has an operation cancelled by its key, and started again under a new id once that is answered.
    pub(super) fn fence(&mut self, id: CallId) {
        self.table.retire_query(id);
        let Some(call) = self.table.get(id) else { return };
        let Some(key) = call.key() else { return };
        self.lanes.remove(call.queue, call.order);
        self.table.set_stage(id, Stage::Fenced { cancel: None });
        self.cancels.push(CancelFrame::of(key));
    }

    /// The cancel of a key was written.
    pub(super) fn fence_written(&mut self, key: Key, query: u64) {
        if let Some(id) = self.fenced(key, None) {
            self.table.set_stage(id, Stage::Fenced { cancel: Some(query) });
        }
    }

    /// The cancel of a key was answered, or the daemon has passed it over: both come behind every older start.
    pub(super) fn fence_passed(&mut self, key: Key, query: u64) {
        if let Some(id) = self.fenced(key, Some(query)) {
            self.enqueue(id);
        }
    }

    fn fenced(&self, key: Key, cancel: Option<u64>) -> Option<CallId> {
        let id = *self.live.get(&key)?;
        (self.table.get(id)?.stage == Stage::Fenced { cancel }).then_some(id)
    }

    /// The answer to an earlier start of an operation has come.
    pub(super) fn late_result(
        &mut self,
        cx: &mut Context,
        id: CallId,
        result: Result<AnyReply, CallError>,
    ) -> Progress {
        let key = self.table.owned_call(id).and_then(super::call::Call::key);
        let Some(key) = key.filter(|_| result != Err(CallError::CancelledElsewhere)) else {
            // Nobody waits, or it is what became of a start that was cancelled for this one's sake.
            return Progress::None;
        };
        self.note_reply(cx);
        if !self.leave(cx, id, result) {
            // Whatever was to be cancelled has ended.
            self.cancels.settle(key);
        }
        Progress::Made
    }

    /// Starts an operation again that was ended by a cancel which this machine wrote on an earlier link, and which the
    /// daemon read only now; `false` if it was not, or too often.
    pub(super) fn undo_old_cancel(&mut self, cx: &Context, id: CallId) -> bool {
        let Some(call) = self.table.get_mut(id) else { return false };
        let (Stage::Written { .. }, Kind::Operation { key, undone, .. }) = (call.stage, &mut call.kind)
        else {
            return false;
        };
        if *undone == UNDONE_MAX || !self.unanswered_cancels.contains(key) {
            return false;
        }
        *undone += 1;
        self.release_place(cx, id);
        self.table.retire_query(id);
        if let Some(call) = self.table.get_mut(id) {
            self.agenda.connected.unschedule(call.due_connected.take(), id);
        }
        self.enqueue(id);
        true
    }
}
