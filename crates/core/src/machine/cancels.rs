//! Cancels on their way to the daemon, and the keys they are about.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec::Vec,
};
use core::{mem, time::Duration};

use super::{
    CallId,
    slots::Key,
    waits::{CANCEL_AGAIN, CANCEL_AGAIN_MAX},
};
use crate::{
    Instant,
    wire::{AnyRequest, CancelResendingCopyCommand, CancelResendingEncryptedMessage, RequestKind},
};

/// Whether a start of the key was ever written, so that there may be something to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Unwritten,
    Written,
}

/// A cancel that waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CancelFrame {
    pub(super) key: Key,
    /// The explicit cancel call that wants to hear of it.
    pub(super) caller: Option<CallId>,
    pub(super) start: Start,
}

impl CancelFrame {
    /// A cancel that nobody waits for.
    pub(super) const fn of(key: Key) -> Self {
        Self { key, caller: None, start: Start::Written }
    }

    pub(super) const fn kind(&self) -> RequestKind {
        match self.key {
            Key::Copy(_) => RequestKind::CancelResendingCopyCommand,
            Key::Envelope(_) => RequestKind::CancelResendingEncryptedMessage,
        }
    }

    pub(super) fn request(&self) -> AnyRequest {
        match self.key {
            Key::Copy(hash) => CancelResendingCopyCommand { write_cap_hash: hash }.into(),
            Key::Envelope(hash) => CancelResendingEncryptedMessage { envelope_hash: hash }.into(),
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
    /// Its cancels in the queue.
    waiting: usize,
}

impl Entry {
    const fn is_empty(&self) -> bool {
        self.live.is_none() && self.cancelling.is_none() && self.waiting == 0
    }
}

/// The cancels that wait, and who lives under which key.
///
/// The queue holds at most one frame per explicit cancel call, which count as calls, and one for
/// every key that was written and is not wanted any more; the next link takes all of them first.
#[derive(Clone, Debug, Default)]
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
        self.push(CancelFrame::of(key));
    }

    /// Ends the cancelling of a start; returns the call that was held back by it.
    pub(super) fn finish(&mut self, key: Key, start: CallId) -> Option<CallId> {
        let entry = self.keys.get_mut(&key)?;
        let cancelling = entry.cancelling.take_if(|cancelling| cancelling.start == start)?;
        let held = entry.live;
        if let Progress::Again(at) = cancelling.progress {
            let _was = self.again.remove(&(at, key));
        }
        if entry.waiting > 0 {
            self.queue.retain(|frame| frame.key != key || frame.caller.is_some());
            entry.waiting = self.queue.iter().filter(|frame| frame.key == key).count();
        }
        self.tidy(key);
        held
    }

    fn tidy(&mut self, key: Key) {
        if self.keys.get(&key).is_some_and(Entry::is_empty) {
            let _was = self.keys.remove(&key);
        }
    }

    /// Queues a cancel, unless nobody wants to hear of it and one of the same key waits already.
    pub(super) fn push(&mut self, frame: CancelFrame) {
        let entry = self.keys.entry(frame.key).or_default();
        if frame.caller.is_some() || entry.waiting == 0 {
            entry.waiting += 1;
            self.queue.push_back(frame);
        }
    }

    pub(super) fn pop(&mut self) -> Option<CancelFrame> {
        let frame = self.queue.pop_front()?;
        if let Some(entry) = self.keys.get_mut(&frame.key) {
            entry.waiting = entry.waiting.saturating_sub(1);
        }
        self.tidy(frame.key);
        Some(frame)
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
                self.push(CancelFrame::of(key));
            }
        }
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.again.first().map(|(at, _)| *at)
    }

    /// Ends all cancelling with the link; what may have something to cancel waits for the next one.
    ///
    /// Returns the explicit cancel calls among what waits, which are answered by that.
    pub(super) fn link_ended(&mut self) -> Vec<CallId> {
        self.again.clear();
        self.keys.retain(|_, entry| {
            entry.cancelling = None;
            entry.waiting = 0;
            !entry.is_empty()
        });
        let waiting = mem::take(&mut self.queue);
        for frame in waiting.iter().filter(|frame| frame.start == Start::Written) {
            self.push(CancelFrame::of(frame.key));
        }
        waiting.iter().filter_map(|frame| frame.caller).collect()
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.keys.is_empty() && self.again.is_empty()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(any(test, feature = "testing"))]
impl CancelFrame {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        self.key.tell(to);
        to.option(self.caller, |to, call| call.tell(to));
        to.number(u8::from(self.start == Start::Written));
    }
}

#[cfg(any(test, feature = "testing"))]
impl Cancels {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint, query: impl Fn(u64) -> Vec<u8>) {
        to.list(&self.queue, |to, frame| frame.tell(to));
        to.unordered(&self.keys, |to, (key, entry)| {
            key.tell(to);
            to.option(entry.live, |to, call| call.tell(to));
            to.option(entry.cancelling, |to, cancelling| {
                cancelling.start.tell(to);
                match cancelling.progress {
                    Progress::Again(at) => to.time(at),
                    Progress::Queued => to.tag("queued"),
                    Progress::Written(counter) => to.name(&query(counter)),
                }
                to.duration(cancelling.pause);
            });
        });
    }
}
