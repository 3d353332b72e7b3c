//! Cancels on their way to the daemon, and the keys they are about.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use core::time::Duration;

use super::{
    CallId,
    slots::Key,
    waits::{CANCEL_AGAIN, CANCEL_AGAIN_MAX},
};
use crate::{
    Instant,
    wire::{AnyRequest, CancelResendingCopyCommand, CancelResendingEncryptedMessage},
};

/// A cancel that waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CancelFrame {
    pub(super) key: Key,
    /// The explicit cancel call that wants to hear of it.
    pub(super) caller: Option<CallId>,
}

impl CancelFrame {
    pub(super) fn request(&self) -> AnyRequest {
        match self.key {
            Key::Copy(hash) => CancelResendingCopyCommand { write_cap_hash: Some(hash) }.into(),
            Key::Envelope(hash) => CancelResendingEncryptedMessage { envelope_hash: Some(hash) }.into(),
        }
    }
}

/// Where the cancel of an abandoned start stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// It was answered, but the start was not: it goes out again then.
    Again(Instant),
    /// It waits to be written.
    Queued,
    /// It was written under this query id and is not answered; so it is never repeated.
    Written(u64),
}

/// A start that was written, is not wanted any more, and is not answered.
#[derive(Clone, Copy, Debug)]
struct Cancelling {
    start: CallId,
    progress: Progress,
    pause: Duration,
}

/// What is known about one key.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    live: Option<CallId>,
    cancelling: Option<Cancelling>,
}

/// The cancels that wait, and who lives under which key.
#[derive(Debug, Default)]
pub(super) struct Cancels {
    queue: VecDeque<CancelFrame>,
    keys: BTreeMap<Key, Entry>,
    again: BTreeSet<(Instant, Key)>,
}

impl Cancels {
    /// The call that lives under a key.
    pub(super) fn live(&self, key: Key) -> Option<CallId> {
        self.keys.get(&key)?.live
    }

    /// Whether a start of the key is being cancelled, so that a new one has to be held.
    pub(super) fn is_cancelling(&self, key: Key) -> bool {
        self.keys.get(&key).is_some_and(|entry| entry.cancelling.is_some())
    }

    /// Whether this start is the one that is being cancelled.
    pub(super) fn is_start_cancelling(&self, key: Key, start: CallId) -> bool {
        let cancelling = self.keys.get(&key).and_then(|entry| entry.cancelling);
        cancelling.is_some_and(|cancelling| cancelling.start == start)
    }

    pub(super) fn set_live(&mut self, key: Key, call: CallId) {
        self.keys.entry(key).or_default().live = Some(call);
    }

    /// Frees the key of a call that has ended.
    pub(super) fn clear_live(&mut self, key: Key, call: CallId) {
        if let Some(entry) = self.keys.get_mut(&key)
            && entry.live == Some(call)
        {
            entry.live = None;
        }
        self.tidy(key);
    }

    /// Begins to cancel a start that was written on this link.
    ///
    /// A cancel that already waits, or that the caller writes itself, serves.
    pub(super) fn begin(&mut self, key: Key, start: CallId) {
        let entry = self.keys.entry(key).or_default();
        entry.cancelling = Some(Cancelling { start, progress: Progress::Queued, pause: CANCEL_AGAIN });
        self.push(CancelFrame { key, caller: None });
    }

    /// Ends the cancelling of a start; returns the call that was held back by it.
    pub(super) fn finish(&mut self, key: Key, start: CallId) -> Option<CallId> {
        let entry = self.keys.get_mut(&key)?;
        let cancelling = entry.cancelling.take_if(|cancelling| cancelling.start == start)?;
        let held = entry.live;
        if let Progress::Again(at) = cancelling.progress {
            let _was = self.again.remove(&(at, key));
        }
        self.queue.retain(|frame| frame.key != key || frame.caller.is_some());
        self.tidy(key);
        held
    }

    fn tidy(&mut self, key: Key) {
        if self.keys.get(&key).is_some_and(|entry| entry.live.is_none() && entry.cancelling.is_none()) {
            let _was = self.keys.remove(&key);
        }
    }

    /// Queues a cancel, unless one of the same key waits that nobody wants to hear of.
    pub(super) fn push(&mut self, frame: CancelFrame) {
        if frame.caller.is_some() || !self.queue.iter().any(|waiting| waiting.key == frame.key) {
            self.queue.push_back(frame);
        }
    }

    pub(super) fn pop(&mut self) -> Option<CancelFrame> {
        self.queue.pop_front()
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// Notes that a cancel of the key was written under `query`.
    pub(super) fn written(&mut self, key: Key, query: u64) {
        let Some(cancelling) = self.keys.get_mut(&key).and_then(|entry| entry.cancelling.as_mut()) else {
            return;
        };
        if cancelling.progress == Progress::Queued {
            cancelling.progress = Progress::Written(query);
        }
    }

    /// Notes that the cancel written under `query` was answered.
    ///
    /// If its start still is not, the daemon did not find it in its queue, and the cancel has to
    /// be repeated (§9.5).
    pub(super) fn answered(&mut self, key: Key, query: u64, now: Instant) {
        let Some(cancelling) = self.keys.get_mut(&key).and_then(|entry| entry.cancelling.as_mut()) else {
            return;
        };
        if cancelling.progress == Progress::Written(query) {
            let at = now + cancelling.pause;
            cancelling.progress = Progress::Again(at);
            cancelling.pause = (cancelling.pause * 2).min(CANCEL_AGAIN_MAX);
            let _new = self.again.insert((at, key));
        }
    }

    /// Queues the cancels whose pause is over.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        while let Some((at, key)) = self.again.first().copied().filter(|(at, _)| *at <= now) {
            let _was = self.again.remove(&(at, key));
            if let Some(cancelling) = self.keys.get_mut(&key).and_then(|entry| entry.cancelling.as_mut()) {
                cancelling.progress = Progress::Queued;
                self.push(CancelFrame { key, caller: None });
            }
        }
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.again.first().map(|(at, _)| *at)
    }

    /// Ends all cancelling with the link; what waits in the queue is kept for the next one.
    ///
    /// Returns the explicit cancel calls among it, which are answered by that.
    pub(super) fn link_ended(&mut self) -> alloc::vec::Vec<CallId> {
        self.again.clear();
        self.keys.retain(|_, entry| {
            entry.cancelling = None;
            entry.live.is_some()
        });
        self.queue.iter_mut().filter_map(|frame| frame.caller.take()).collect()
    }

    /// Drops waiting cancels for which `keep` says no.
    pub(super) fn retain(&mut self, keep: impl FnMut(&CancelFrame) -> bool) {
        self.queue.retain(keep);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
