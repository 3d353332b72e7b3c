//! How long operations lately took, for whoever decides when to give a try up.

use core::time::Duration;

use super::{super::CallId, Calls, call::Call, lanes::Queue};
use crate::{
    Instant,
    error::CallError,
    wire::{AnyReply, AnyRequest},
};

/// Operations that are remembered, of reads and of writes each.
const REMEMBERED: usize = 8;

/// How fast the network answers reads, or writes, at present.
///
/// Copies are not counted, which take as long as what they copy, nor reads that the daemon polls by
/// itself, which wait for a writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationPace {
    /// How long half of the last eight took at least, from the writing to the answer.
    pub median: Option<Duration>,
    /// When the last one was answered.
    pub answered_at: Option<Instant>,
    /// When the last eight were written.
    written_at: [Option<Instant>; REMEMBERED],
}

impl OperationPace {
    /// How many of the last eight were written later than then, and are answered.
    #[must_use]
    pub fn answered_behind(&self, written_at: Instant) -> usize {
        self.written_at.iter().flatten().filter(|at| **at > written_at).count()
    }
}

/// The last durations of one kind of operation.
#[derive(Clone, Debug, Default)]
struct Recent {
    took: [Option<Duration>; REMEMBERED],
    written_at: [Option<Instant>; REMEMBERED],
    count: usize,
    answered_at: Option<Instant>,
}

impl Recent {
    fn note(&mut self, written_at: Instant, now: Instant) {
        let at = self.count % REMEMBERED;
        if let (Some(took), Some(written)) = (self.took.get_mut(at), self.written_at.get_mut(at)) {
            (*took, *written) = (Some(now.saturating_since(written_at)), Some(written_at));
        }
        self.count = self.count.wrapping_add(1);
        self.answered_at = Some(now);
    }

    fn pace(&self) -> OperationPace {
        let mut took = self.took;
        // Those that are missing go first.
        took.sort_unstable();
        let known = self.count.min(REMEMBERED);
        let median = took.get(REMEMBERED - known + known / 2).copied().flatten();
        OperationPace { median, answered_at: self.answered_at, written_at: self.written_at }
    }
}

/// What decides nothing in the machine; it is for those who ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Paces {
    reads: Recent,
    writes: Recent,
}

impl Calls {
    /// How fast operations of one kind are answered.
    pub(in super::super) fn pace(&self, is_read: bool) -> OperationPace {
        if is_read { self.paces.reads.pace() } else { self.paces.writes.pace() }
    }

    /// When a call was written on the present link, if it was and is not answered.
    pub(in super::super) fn written_at(&self, id: CallId) -> Option<Instant> {
        self.table.owned_call(id)?.on_link().map(|(_, at)| at)
    }

    /// Takes note of how long an operation took, if the network has answered it.
    pub(super) fn note_pace(&mut self, id: CallId, result: &Result<AnyReply, CallError>, now: Instant) {
        if !matches!(result, Ok(_) | Err(CallError::Replica(_))) {
            return;
        }
        let Some(call) = self.table.owned_call(id) else { return };
        if let (Some(is_read), Some((_, at))) = (is_read(call), call.on_link()) {
            let recent = if is_read { &mut self.paces.reads } else { &mut self.paces.writes };
            recent.note(at, now);
        }
    }
}

/// Whether it is a read rather than a write, if it is one of them.
fn is_read(call: &Call) -> Option<bool> {
    match call.request.as_deref() {
        Some(AnyRequest::StartResendingEncryptedMessage(start)) if call.queue != Queue::Poll => {
            Some(start.access.is_read())
        }
        _ => None,
    }
}
