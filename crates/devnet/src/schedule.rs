//! What is due when.

use std::collections::BTreeMap;

use kpthin_core::Instant;

/// Names an event that has not happened yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(Instant, u64);

/// Events in the order they are due; those due at the same time in the order they were added.
///
/// It has no bound of its own: whoever adds an event holds its ticket and is bounded itself.
#[derive(Clone, Debug)]
pub(crate) struct Schedule<E> {
    added: u64,
    events: BTreeMap<(Instant, u64), E>,
}

impl<E> Default for Schedule<E> {
    fn default() -> Self {
        Self { added: 0, events: BTreeMap::new() }
    }
}

impl<E> Schedule<E> {
    pub(crate) fn add(&mut self, at: Instant, event: E) -> Ticket {
        self.added = self.added.wrapping_add(1);
        self.events.insert((at, self.added), event);
        Ticket(at, self.added)
    }

    /// Forgets an event, unless it has happened.
    pub(crate) fn cancel(&mut self, ticket: Ticket) {
        self.events.remove(&(ticket.0, ticket.1));
    }

    /// Takes the next event if it is due.
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<E> {
        let entry = self.events.first_entry()?;
        (entry.key().0 <= now).then(|| entry.remove())
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.events.first_key_value().map(|((at, _), _)| *at)
    }

    /// The events themselves, in the order they are due.
    pub(crate) fn events_mut(&mut self) -> impl Iterator<Item = &mut E> {
        self.events.values_mut()
    }

    /// When what is due, in order.
    #[cfg(feature = "testing")]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Instant, &E)> {
        self.events.iter().map(|((at, _), event)| (*at, event))
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// Forgets the events that `keep` does not want.
    pub(crate) fn retain(&mut self, keep: impl Fn(&E) -> bool) {
        self.events.retain(|_, event| keep(event));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn events_come_in_order_and_not_before_their_time() {
        let at = |seconds| Instant::from_origin(Duration::from_secs(seconds));
        let mut schedule = Schedule::default();
        for (second, event) in [(2, "c"), (1, "a"), (1, "b"), (3, "d")] {
            let _ = schedule.add(at(second), event);
        }
        let removed = schedule.add(at(1), "x");
        schedule.cancel(removed);
        schedule.cancel(removed);
        assert_eq!(schedule.pop_due(at(0)), None);
        let due: Vec<_> = std::iter::from_fn(|| schedule.pop_due(at(2))).collect();
        assert_eq!(due, ["a", "b", "c"]);
        assert_eq!(schedule.next_at(), Some(at(3)));
    }
}
