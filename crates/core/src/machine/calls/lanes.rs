//! The queues in which requests wait to be written.

use alloc::collections::BTreeMap;

use super::{super::CallId, places::Places};
use crate::wire::{AnyRequest, Lane};

/// The queue a call waits in; each holds nobody back but its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// Explicit cancels; they have a way of their own.
    Cancel,
    Copy,
    Create,
    /// Reads that the daemon polls by itself.
    Poll,
    Quick,
    Slow,
    /// Other operations, and messages.
    Start,
}

impl Queue {
    pub(super) const fn of(request: &AnyRequest) -> Self {
        match request.kind().lane() {
            Lane::Cancel | Lane::Session => Self::Cancel,
            Lane::Create => Self::Create,
            Lane::Quick => Self::Quick,
            Lane::Slow => Self::Slow,
            Lane::Mixnet if matches!(request, AnyRequest::StartResendingCopyCommand(_)) => Self::Copy,
            Lane::Mixnet if polls(request) => Self::Poll,
            Lane::Mixnet => Self::Start,
        }
    }

    /// Whether a call holds a place of the mix network's.
    pub(super) const fn is_mixnet(self) -> bool {
        matches!(self, Self::Copy | Self::Poll | Self::Start)
    }
}

/// Whether the daemon would ask again and again by itself.
const fn polls(request: &AnyRequest) -> bool {
    matches!(
        request,
        AnyRequest::StartResendingEncryptedMessage(start)
            if start.access.is_read() && !start.no_retry_on_box_id_not_found
    )
}

/// All queues, each in the order of its calls' turns. A call is in at most one of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    copy: BTreeMap<u64, CallId>,
    create: BTreeMap<u64, CallId>,
    poll: BTreeMap<u64, CallId>,
    quick: BTreeMap<u64, CallId>,
    slow: BTreeMap<u64, CallId>,
    start: BTreeMap<u64, CallId>,
    /// Calls that ended several links, with the queue they would be in; written one at a time.
    suspects: BTreeMap<u64, (CallId, Queue)>,
}

impl Lanes {
    fn queue(&mut self, queue: Queue) -> Option<&mut BTreeMap<u64, CallId>> {
        Some(match queue {
            Queue::Cancel => return None,
            Queue::Copy => &mut self.copy,
            Queue::Create => &mut self.create,
            Queue::Poll => &mut self.poll,
            Queue::Quick => &mut self.quick,
            Queue::Slow => &mut self.slow,
            Queue::Start => &mut self.start,
        })
    }

    /// Lets a call wait for its turn, which goes by `order`.
    pub(super) fn push(&mut self, queue: Queue, order: u64, call: CallId) {
        if let Some(queue) = self.queue(queue) {
            queue.insert(order, call);
        }
    }

    /// The same for a call that may be written only while no other suspect is outstanding.
    pub(super) fn push_suspect(&mut self, queue: Queue, order: u64, call: CallId) {
        self.suspects.insert(order, (call, queue));
    }

    /// Takes a waiting call out.
    pub(super) fn remove(&mut self, queue: Queue, order: u64) {
        self.suspects.remove(&order);
        if let Some(queue) = self.queue(queue) {
            queue.remove(&order);
        }
    }

    /// Takes out the call that is to be written next: of those with room, the one started first.
    pub(super) fn pop(&mut self, places: &Places, suspects_allowed: bool) -> Option<CallId> {
        let first = |queue: Queue, calls: &BTreeMap<u64, CallId>| {
            calls.first_key_value().filter(|_| places.has_room(queue)).map(|(order, _)| (*order, queue))
        };
        let plain = [
            first(Queue::Copy, &self.copy),
            first(Queue::Create, &self.create),
            first(Queue::Poll, &self.poll),
            first(Queue::Quick, &self.quick),
            first(Queue::Slow, &self.slow),
            first(Queue::Start, &self.start),
        ];
        let plain = plain.into_iter().flatten().min_by_key(|(order, _)| *order);
        let suspect = suspects_allowed
            .then(|| self.suspects.iter().find(|(_, (_, queue))| places.has_room(*queue)))
            .flatten()
            .map(|(order, _)| *order);
        match (plain, suspect) {
            (plain, Some(order)) if plain.is_none_or(|(first, _)| order < first) => {
                self.suspects.remove(&order).map(|(call, _)| call)
            }
            (Some((order, queue)), _) => self.queue(queue)?.remove(&order),
            (None, _) => None,
        }
    }

    /// How many polling reads wait.
    pub(super) fn polls_waiting(&self) -> usize {
        self.poll.len()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Lanes {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        for queue in [&self.copy, &self.create, &self.poll, &self.quick, &self.slow, &self.start] {
            to.list(queue.values(), |to, call| call.tell(to));
        }
        to.list(self.suspects.values(), |to, (call, _)| call.tell(to));
    }
}
