//! The places on a link: how much may be written and unanswered.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::{
    super::{
        CallId, Role,
        limits::{
            COMPANION_WINDOW, COPIES_MAX, FAST_REPLY, LOCAL_WINDOW_MAX, MIXNET_WINDOW, POLLING_READS_MAX,
            POLLING_TURN, QUICK_WINDOW, SLOW_WINDOW,
        },
    },
    lanes::Queue,
};
use crate::Instant;

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

    const fn has_room(&self) -> bool {
        self.used < self.limit
    }

    fn release(&mut self, took: Duration) {
        give_back(&mut self.used);
        self.limit = if took <= FAST_REPLY { (self.limit + 1).min(self.max) } else { self.initial };
    }
}

/// Gives one place back. None is given back twice, which tests would notice.
fn give_back(count: &mut usize) {
    match count.checked_sub(1) {
        Some(less) => *count = less,
        None => debug_assert!(false, "a place was given back twice"),
    }
}

/// The places that are held on one link; a call holds at most one.
#[derive(Clone, Debug)]
pub(super) struct Places {
    quick: Window,
    slow: Window,
    mixnet_max: usize,
    creates: usize,
    copies: usize,
    mixnet: usize,
    polls: BTreeSet<(Instant, CallId)>,
    /// Polling reads that are being taken back; they hold their place until that is done.
    polls_leaving: usize,
}

impl Places {
    pub(super) const fn new(role: Role) -> Self {
        let (slow, mixnet_max) = match role {
            Role::Companion => (Window::new(1, 1), COMPANION_WINDOW),
            Role::Main => (Window::new(SLOW_WINDOW, LOCAL_WINDOW_MAX), MIXNET_WINDOW),
        };
        Self {
            quick: Window::new(QUICK_WINDOW, LOCAL_WINDOW_MAX),
            slow,
            mixnet_max,
            creates: 0,
            copies: 0,
            mixnet: 0,
            polls: BTreeSet::new(),
            polls_leaving: 0,
        }
    }

    /// Whether a call of this queue may be written.
    pub(super) fn has_room(&self, queue: Queue) -> bool {
        match queue {
            Queue::Cancel => true,
            Queue::Create => self.creates == 0,
            Queue::Quick => self.quick.has_room(),
            Queue::Slow => self.slow.has_room(),
            Queue::Copy => self.mixnet < self.mixnet_max && self.copies < COPIES_MAX,
            Queue::Poll => {
                self.mixnet < self.mixnet_max && self.polls.len() + self.polls_leaving < POLLING_READS_MAX
            }
            Queue::Start => self.mixnet < self.mixnet_max,
        }
    }

    /// Notes that a call was written and holds a place now.
    pub(super) fn occupy(&mut self, queue: Queue, now: Instant, call: CallId) {
        self.mixnet += usize::from(queue.is_mixnet());
        match queue {
            Queue::Copy => self.copies += 1,
            Queue::Create => self.creates += 1,
            Queue::Poll => {
                self.polls.insert((now, call));
            }
            Queue::Quick => self.quick.used += 1,
            Queue::Slow => self.slow.used += 1,
            Queue::Cancel | Queue::Start => {}
        }
    }

    /// Notes that a call which was written at `at` no longer holds its place.
    pub(super) fn release(&mut self, queue: Queue, at: Instant, now: Instant, call: CallId) {
        if queue.is_mixnet() {
            give_back(&mut self.mixnet);
        }
        let took = now.saturating_since(at);
        match queue {
            Queue::Copy => give_back(&mut self.copies),
            Queue::Create => give_back(&mut self.creates),
            Queue::Poll => {
                if !self.polls.remove(&(at, call)) {
                    give_back(&mut self.polls_leaving);
                }
            }
            Queue::Quick => self.quick.release(took),
            Queue::Slow => self.slow.release(took),
            Queue::Cancel | Queue::Start => {}
        }
    }

    /// The polling read whose turn ends first, and when, while another of those that wait wants its place.
    pub(super) fn poll_turn(&self, waiting: usize) -> Option<(Instant, CallId)> {
        let wanted = waiting.min(POLLING_READS_MAX) > self.polls_leaving;
        let full = self.polls.len() + self.polls_leaving >= POLLING_READS_MAX;
        let (at, call) = self.polls.first().filter(|_| wanted && full)?;
        Some((*at + POLLING_TURN, *call))
    }

    /// Ends the turn of a polling read written at `at`: it leaves as soon as it can.
    pub(super) fn end_poll_turn(&mut self, at: Instant, call: CallId) {
        self.polls_leaving += usize::from(self.polls.remove(&(at, call)));
    }

    /// The places that are held: copies, creates, polling reads, everything of the mix network,
    /// quick and slow ones.
    #[cfg(any(test, feature = "testing"))]
    pub(super) fn held(&self) -> [usize; 6] {
        let polls = self.polls.len() + self.polls_leaving;
        [self.copies, self.creates, polls, self.mixnet, self.quick.used, self.slow.used]
    }
}

#[cfg(any(test, feature = "testing"))]
impl Places {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(self.held(), |to, held| to.number(held));
        to.number(self.quick.limit);
        to.number(self.slow.limit);
        to.number(self.polls_leaving);
        to.list(&self.polls, |to, (at, call)| {
            to.age(*at, POLLING_TURN);
            call.tell(to);
        });
    }
}
