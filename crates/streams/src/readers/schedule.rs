//! Whose turn it is to ask, and whose to deliver, without a clock, a client or a lock.

use std::{
    collections::BTreeMap,
    ops::Bound::{Excluded, Unbounded},
    time::Duration,
};

use kpthin_client::{
    ASKS_AT_ONCE, Asked, CallError, Instant,
    wire::{MessageBoxIndex, ReadCap},
};

use super::{Key, Next};
use crate::{
    inbox::Attention,
    reader::{Pauses, ReaderState, lookahead::Lookahead},
};

struct Entry {
    /// Tells this reader from an earlier one with its name.
    id: u64,
    lookahead: Lookahead,
    attention: Attention,
    /// How much of its share it has had: who has had the least is next.
    pass: u64,
    /// When its head was asked for last, and how long after the time before.
    asked: Option<Instant>,
    interval: Option<Duration>,
}

/// Names a box that was asked for.
#[derive(Debug)]
pub(super) struct Ticket<K> {
    key: K,
    id: u64,
    counter: u64,
}

/// A box to ask for.
pub(super) struct Ask<K> {
    pub(super) ticket: Ticket<K>,
    pub(super) read_cap: ReadCap,
    pub(super) index: MessageBoxIndex,
}

pub(crate) struct Schedule<K> {
    entries: BTreeMap<K, Entry>,
    made: u64,
    outstanding: usize,
    /// Who delivered last.
    delivered: Option<K>,
    /// The share of whoever asked last.
    pass: u64,
}

impl<K> Default for Schedule<K> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), made: 0, outstanding: 0, delivered: None, pass: 0 }
    }
}

impl<K: Key> Schedule<K> {
    /// Adds a reader; returns the state of one that had this name before.
    pub(crate) fn insert(
        &mut self,
        key: K,
        state: ReaderState,
        attention: Attention,
        pauses: Pauses,
    ) -> Option<ReaderState> {
        self.made += 1;
        let lookahead = Lookahead::new(state, pauses);
        let entry =
            Entry { id: self.made, lookahead, attention, pass: self.pass, asked: None, interval: None };
        self.entries.insert(key, entry)?.lookahead.state()
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<ReaderState> {
        self.entries.remove(key)?.lookahead.state()
    }

    pub(crate) fn lookahead(&self, key: &K) -> Option<&Lookahead> {
        self.entries.get(key).map(|entry| &entry.lookahead)
    }

    pub(super) fn lookahead_mut(&mut self, key: &K) -> Option<&mut Lookahead> {
        self.entries.get_mut(key).map(|entry| &mut entry.lookahead)
    }

    /// Changes how much attention a reader gets; tells whether there is one.
    pub(crate) fn set_attention(&mut self, key: &K, attention: Attention, pauses: Pauses) -> bool {
        let Some(entry) = self.entries.get_mut(key) else { return false };
        entry.attention = attention;
        entry.pass = self.pass;
        entry.lookahead.set_pauses(pauses);
        true
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.entries.keys()
    }

    /// The longest time between two looks for the same reader.
    pub(crate) fn sweep(&self) -> Option<Duration> {
        self.entries
            .values()
            .map(|entry| entry.interval)
            .try_fold(Duration::ZERO, |longest, interval| interval.map(|interval| longest.max(interval)))
    }

    /// The next box to ask for, if there is room and somebody has one.
    ///
    /// Of those who want to ask, whoever has had the least of its share is next.
    pub(super) fn next_ask(&mut self, now: Instant, wanted: bool) -> Option<Ask<K>> {
        if self.outstanding >= ASKS_AT_ONCE {
            return None;
        }
        let wanting = self.entries.iter_mut().filter(|(_, entry)| entry.lookahead.wants(now, wanted));
        let (key, entry) = wanting.min_by_key(|(_, entry)| entry.pass)?;
        let asked = entry.lookahead.is_asked();
        let index = entry.lookahead.next_ask(now, wanted)?;
        if !asked && entry.lookahead.is_asked() {
            entry.interval = entry.asked.map(|before| now.saturating_since(before));
            entry.asked = Some(now);
        }
        // Whoever had nothing to ask for a while does not get the time back.
        entry.pass = entry.pass.max(self.pass);
        self.pass = entry.pass;
        entry.pass += entry.attention.stride();
        self.outstanding += 1;
        let ticket = Ticket { key: key.clone(), id: entry.id, counter: index.counter() };
        Some(Ask { ticket, read_cap: entry.lookahead.read_cap().clone(), index })
    }

    /// When somebody has a box to ask for, if not now.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.entries.values().filter_map(|entry| entry.lookahead.due(now)).min()
    }

    /// Whether that box is still of interest.
    pub(super) fn is_current(&self, ticket: &Ticket<K>) -> bool {
        self.entries.get(&ticket.key).is_some_and(|entry| entry.id == ticket.id)
    }

    /// That box is not asked for any more, for want of interest.
    pub(super) const fn forget(&mut self) {
        self.outstanding -= 1;
    }

    pub(super) fn answer(&mut self, now: Instant, ticket: &Ticket<K>, answer: Result<Asked, CallError>) {
        self.outstanding -= 1;
        if let Some(entry) = self.entries.get_mut(&ticket.key).filter(|entry| entry.id == ticket.id) {
            entry.lookahead.answer(now, ticket.counter, answer);
        }
    }

    /// All that was asked for is lost, with the flow that asked.
    pub(super) fn abandon(&mut self) {
        self.outstanding = 0;
        self.entries.values_mut().for_each(|entry| entry.lookahead.abandon());
    }

    pub(super) fn is_ready(&self) -> bool {
        self.entries.values().any(|entry| entry.lookahead.is_ready())
    }

    /// Hands out what is next; the readers take turns.
    pub(super) fn take(&mut self) -> Option<Next<K>> {
        let after = self.delivered.take();
        let turn = match &after {
            Some(last) => {
                let mut behind = self.entries.range_mut((Excluded(last), Unbounded));
                behind.find(|(_, entry)| entry.lookahead.is_ready()).map(|(key, _)| key.clone())
            }
            None => None,
        };
        let turn = turn.or_else(|| {
            self.entries.iter().find(|(_, entry)| entry.lookahead.is_ready()).map(|(key, _)| key.clone())
        });
        let Some(key) = turn else {
            self.delivered = after;
            return None;
        };
        self.delivered = Some(key.clone());
        let item = self.entries.get_mut(&key)?.lookahead.take()?;
        Some((key, item))
    }
}
