//! Cancels that wait to be written.

use alloc::{
    collections::{BTreeMap, VecDeque},
    vec::Vec,
};

use super::{super::CallId, key::Key};
use crate::wire::{AnyRequest, CancelResendingCopyCommand, CancelResendingEncryptedMessage, RequestKind};

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

/// The cancels that wait, in their order.
///
/// There is at most one per explicit cancel call, which count as calls, and one for every key that was written
/// and is not wanted any more; the next link takes all of them first.
#[derive(Clone, Debug, Default)]
pub(super) struct Cancels {
    queue: VecDeque<CancelFrame>,
    /// How many of each key wait.
    waiting: BTreeMap<Key, usize>,
}

impl Cancels {
    /// Queues a cancel, unless nobody wants to hear of it and one of the same key waits already.
    pub(super) fn push(&mut self, frame: CancelFrame) {
        if frame.caller.is_some() || !self.waiting.contains_key(&frame.key) {
            *self.waiting.entry(frame.key).or_default() += 1;
            self.queue.push_back(frame);
        }
    }

    pub(super) fn pop(&mut self) -> Option<CancelFrame> {
        let frame = self.queue.pop_front()?;
        match self.waiting.get_mut(&frame.key) {
            Some(more @ 2..) => *more -= 1,
            Some(_) | None => {
                self.waiting.remove(&frame.key);
            }
        }
        Some(frame)
    }

    /// Takes back what nobody wants to hear of: there is nothing to cancel any more.
    pub(super) fn settle(&mut self, key: Key) {
        if !self.waiting.contains_key(&key) {
            return;
        }
        self.queue.retain(|frame| frame.key != key || frame.caller.is_some());
        match self.queue.iter().filter(|frame| frame.key == key).count() {
            0 => {
                self.waiting.remove(&key);
            }
            left => {
                self.waiting.insert(key, left);
            }
        }
    }

    /// What may have something to cancel waits for the next link, without its caller.
    ///
    /// Returns the explicit cancel calls among what waits, which are answered by that.
    pub(super) fn link_lost(&mut self) -> Vec<CallId> {
        let waiting = core::mem::take(self).queue;
        for frame in waiting.iter().filter(|frame| frame.start == Start::Written) {
            self.push(CancelFrame::of(frame.key));
        }
        waiting.iter().filter_map(|frame| frame.caller).collect()
    }

    #[cfg(any(test, feature = "testing"))]
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(&self.queue, |to, frame| frame.tell(to));
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.waiting.is_empty()
    }
}
