//! Starts that were written on a link, are not wanted any more, and are not answered.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::time::Duration;

use super::{
    super::{
        CallId,
        waits::{CANCEL_AGAIN, CANCEL_AGAIN_MAX},
    },
    key::Key,
};
use crate::Instant;

/// Where the cancel of a start stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelProgress {
    /// It was answered, but the start was not: it goes out again then.
    Again(Instant),
    /// It waits to be written.
    Queued,
    /// It was written under this query id and is not answered; so it is never repeated.
    Written(u64),
}

/// One start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) start: CallId,
    pub(super) progress: CancelProgress,
    pub(super) pause: Duration,
}

/// The starts that are being cancelled on a link, by their key.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancelling {
    entries: BTreeMap<Key, Entry>,
    again: BTreeSet<(Instant, Key)>,
}

impl Cancelling {
    /// The start of the key that is being cancelled; a new one has to be held meanwhile.
    pub(super) fn start(&self, key: Key) -> Option<CallId> {
        self.entries.get(&key).map(|entry| entry.start)
    }

    /// Begins to cancel a start, with a cancel that waits to be written.
    pub(super) fn begin(&mut self, key: Key, start: CallId) {
        let entry = Entry { start, progress: CancelProgress::Queued, pause: CANCEL_AGAIN };
        let before = self.entries.insert(key, entry);
        self.unschedule(key, before);
    }

    /// Ends the cancelling of a start; `false` if it was not being cancelled.
    pub(super) fn end(&mut self, key: Key, start: CallId) -> bool {
        let found = self.start(key) == Some(start);
        if found {
            let entry = self.entries.remove(&key);
            self.unschedule(key, entry);
        }
        found
    }

    fn unschedule(&mut self, key: Key, entry: Option<Entry>) {
        if let Some(Entry { progress: CancelProgress::Again(at), .. }) = entry {
            self.again.remove(&(at, key));
        }
    }

    /// Notes that a cancel of the key was written under `query`.
    pub(super) fn written(&mut self, key: Key, query: u64) {
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.progress == CancelProgress::Queued
        {
            entry.progress = CancelProgress::Written(query);
        }
    }

    /// Notes that the cancel written under `query` was answered.
    ///
    /// If its start still is not, the daemon did not find it in its queue, and the cancel has to
    /// be repeated (§9.5).
    pub(super) fn answered(&mut self, key: Key, query: u64, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.progress == CancelProgress::Written(query)
        {
            let at = now + entry.pause;
            entry.progress = CancelProgress::Again(at);
            entry.pause = (entry.pause * 2).min(CANCEL_AGAIN_MAX);
            self.again.insert((at, key));
        }
    }

    /// The keys whose cancels go out again now.
    pub(super) fn pop_due(&mut self, now: Instant) -> Vec<Key> {
        let mut due = Vec::new();
        while let Some((at, key)) = self.again.first().copied().filter(|(at, _)| *at <= now) {
            self.again.remove(&(at, key));
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.progress = CancelProgress::Queued;
                due.push(key);
            }
        }
        due
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.again.first().map(|(at, _)| *at)
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.entries.iter()
    }
}
