//! The queues in which requests wait to be written, and the windows in front of them.

use alloc::collections::{BTreeMap, BTreeSet};
use core::time::Duration;

use super::{
    CallId, Role,
    limits::{
        COMPANION_WINDOW, COPIES_MAX, FAST_REPLY, LOCAL_WINDOW_MAX, MIXNET_WINDOW, POLLING_READS_MAX,
        POLLING_TURN, QUICK_WINDOW, SLOW_WINDOW,
    },
};
use crate::{
    Instant,
    wire::{AnyRequest, Lane},
};

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

    const fn is_mixnet(self) -> bool {
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

/// A window that grows with fast answers and falls back at a slow one.
#[derive(Clone, Debug)]
struct Window {
    initial: usize,
    max: usize,
    limit: usize,
    used: usize,
}

impl Window {
    const fn new(initial: usize, max: usize) -> Self {
        Self { initial, max, limit: initial, used: 0 }
    }

    const fn reset(&mut self) {
        *self = Self::new(self.initial, self.max);
    }

    const fn has_room(&self) -> bool {
        self.used < self.limit
    }

    fn release(&mut self, took: Duration) {
        self.used = self.used.saturating_sub(1);
        self.limit = if took <= FAST_REPLY { (self.limit + 1).min(self.max) } else { self.initial };
    }
}

/// All queues. A call is in at most one of them, and holds at most one place on the link.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    copy: BTreeMap<u64, CallId>,
    create: BTreeMap<u64, CallId>,
    poll: BTreeMap<u64, CallId>,
    quick: BTreeMap<u64, CallId>,
    slow: BTreeMap<u64, CallId>,
    start: BTreeMap<u64, CallId>,
    /// Calls that ended several links, with the queue they would be in; written one at a time.
    suspects: BTreeMap<u64, (CallId, Queue)>,
    quick_window: Window,
    slow_window: Window,
    mixnet_window: usize,
    creates_written: usize,
    copies_written: usize,
    mixnet_written: usize,
    polls_written: BTreeSet<(Instant, CallId)>,
    /// Polling reads that are being taken back; they hold their place until that is done.
    polls_leaving: usize,
}

impl Lanes {
    pub(super) const fn new(role: Role) -> Self {
        let (slow_window, mixnet_window) = match role {
            Role::Companion => (Window::new(1, 1), COMPANION_WINDOW),
            Role::Main => (Window::new(SLOW_WINDOW, LOCAL_WINDOW_MAX), MIXNET_WINDOW),
        };
        Self {
            copy: BTreeMap::new(),
            create: BTreeMap::new(),
            poll: BTreeMap::new(),
            quick: BTreeMap::new(),
            slow: BTreeMap::new(),
            start: BTreeMap::new(),
            suspects: BTreeMap::new(),
            quick_window: Window::new(QUICK_WINDOW, LOCAL_WINDOW_MAX),
            slow_window,
            mixnet_window,
            creates_written: 0,
            copies_written: 0,
            mixnet_written: 0,
            polls_written: BTreeSet::new(),
            polls_leaving: 0,
        }
    }

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
            let _none = queue.insert(order, call);
        }
    }

    /// The same for a call that may be written only while no other suspect is outstanding.
    pub(super) fn push_suspect(&mut self, queue: Queue, order: u64, call: CallId) {
        let _none = self.suspects.insert(order, (call, queue));
    }

    /// Takes a waiting call out.
    pub(super) fn remove(&mut self, queue: Queue, order: u64) {
        let _was = self.suspects.remove(&order);
        if let Some(queue) = self.queue(queue) {
            let _was = queue.remove(&order);
        }
    }

    /// Takes out the call that is to be written next: of those with room, the one started first.
    pub(super) fn pop(&mut self, suspects_allowed: bool) -> Option<CallId> {
        let first = |queue: Queue, calls: &BTreeMap<u64, CallId>| {
            calls.first_key_value().filter(|_| self.has_room(queue)).map(|(order, _)| (*order, queue))
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
            .then(|| self.suspects.iter().find(|(_, (_, queue))| self.has_room(*queue)))
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

    fn has_room(&self, queue: Queue) -> bool {
        match queue {
            Queue::Cancel => true,
            Queue::Create => self.creates_written == 0,
            Queue::Quick => self.quick_window.has_room(),
            Queue::Slow => self.slow_window.has_room(),
            Queue::Copy => self.mixnet_written < self.mixnet_window && self.copies_written < COPIES_MAX,
            Queue::Poll => {
                self.mixnet_written < self.mixnet_window
                    && self.polls_written.len() + self.polls_leaving < POLLING_READS_MAX
            }
            Queue::Start => self.mixnet_written < self.mixnet_window,
        }
    }

    /// Notes that a call was written and holds a place now.
    pub(super) fn occupy(&mut self, queue: Queue, now: Instant, call: CallId) {
        self.mixnet_written += usize::from(queue.is_mixnet());
        match queue {
            Queue::Copy => self.copies_written += 1,
            Queue::Create => self.creates_written += 1,
            Queue::Poll => drop(self.polls_written.insert((now, call))),
            Queue::Quick => self.quick_window.used += 1,
            Queue::Slow => self.slow_window.used += 1,
            Queue::Cancel | Queue::Start => {}
        }
    }

    /// Notes that a call which was written at `at` no longer holds its place.
    pub(super) fn release(&mut self, queue: Queue, at: Instant, now: Instant, call: CallId) {
        if queue.is_mixnet() {
            self.mixnet_written = self.mixnet_written.saturating_sub(1);
        }
        let took = now.saturating_since(at);
        match queue {
            Queue::Copy => self.copies_written = self.copies_written.saturating_sub(1),
            Queue::Create => self.creates_written = self.creates_written.saturating_sub(1),
            Queue::Poll => {
                if !self.polls_written.remove(&(at, call)) {
                    self.polls_leaving = self.polls_leaving.saturating_sub(1);
                }
            }
            Queue::Quick => self.quick_window.release(took),
            Queue::Slow => self.slow_window.release(took),
            Queue::Cancel | Queue::Start => {}
        }
    }

    /// The polling read whose turn ends first, and when, while another one waits for its place.
    pub(super) fn poll_turn(&self) -> Option<(Instant, CallId)> {
        let wanted = self.poll.len().min(POLLING_READS_MAX) > self.polls_leaving;
        let full = self.polls_written.len() + self.polls_leaving >= POLLING_READS_MAX;
        let (at, call) = self.polls_written.first().filter(|_| wanted && full)?;
        Some((*at + POLLING_TURN, *call))
    }

    /// Ends the turn of a polling read written at `at`: it leaves as soon as it can.
    pub(super) fn end_poll_turn(&mut self, at: Instant, call: CallId) {
        self.polls_leaving += usize::from(self.polls_written.remove(&(at, call)));
    }

    /// Forgets every place: they ended with their link.
    pub(super) fn link_ended(&mut self) {
        self.quick_window.reset();
        self.slow_window.reset();
        self.creates_written = 0;
        self.copies_written = 0;
        self.mixnet_written = 0;
        self.polls_written.clear();
        self.polls_leaving = 0;
    }
}

#[cfg(test)]
impl Lanes {
    /// The places that are held: copies, creates, polling reads, everything of the mix network,
    /// quick and slow ones.
    pub(super) fn places(&self) -> [usize; 6] {
        [
            self.copies_written,
            self.creates_written,
            self.polls_written.len() + self.polls_leaving,
            self.mixnet_written,
            self.quick_window.used,
            self.slow_window.used,
        ]
    }
}

#[cfg(any(test, feature = "testing"))]
impl Lanes {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        let queues = [&self.copy, &self.create, &self.poll, &self.quick, &self.slow, &self.start];
        for queue in queues {
            to.list(queue.values(), |to, call| call.tell(to));
        }
        to.list(self.suspects.values(), |to, (call, _)| call.tell(to));
        for window in [&self.quick_window, &self.slow_window] {
            to.number(window.limit);
            to.number(window.used);
        }
        for written in [self.creates_written, self.copies_written, self.mixnet_written, self.polls_leaving] {
            to.number(written);
        }
        to.list(&self.polls_written, |to, (at, call)| {
            to.age(*at, POLLING_TURN);
            call.tell(to);
        });
    }
}
