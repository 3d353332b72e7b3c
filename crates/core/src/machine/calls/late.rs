//! What may still come from the daemon for something that has ended here.

use alloc::collections::{BTreeSet, VecDeque};

use super::super::limits::OUTSTANDING_CALLS_MAX;

/// Names that are remembered, the oldest of more than [`OUTSTANDING_CALLS_MAX`] being forgotten.
#[derive(Clone, Debug)]
pub(super) struct Remembered<T> {
    names: BTreeSet<T>,
    order: VecDeque<T>,
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self { names: BTreeSet::new(), order: VecDeque::new() }
    }
}

impl<T: Copy + Ord> Remembered<T> {
    pub(super) fn insert(&mut self, name: T) {
        if !self.names.insert(name) {
            return;
        }
        if self.order.len() >= OUTSTANDING_CALLS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
        }
        self.order.push_back(name);
    }

    pub(super) fn contains(&self, name: &T) -> bool {
        self.names.contains(name)
    }

    /// Whether the name is remembered; it is not from then on.
    pub(super) fn take(&mut self, name: &T) -> bool {
        self.names.remove(name)
    }
}

#[cfg(any(test, feature = "testing"))]
impl<T: Copy + Ord> Remembered<T> {
    pub(super) fn tell(
        &self,
        to: &mut crate::testing::Fingerprint,
        name: impl Fn(&mut crate::testing::Fingerprint, T),
    ) {
        to.list(self.order.iter().filter(|name| self.names.contains(name)), |to, each| name(to, *each));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut remembered = Remembered::default();
        for name in 0..=OUTSTANDING_CALLS_MAX {
            remembered.insert(name);
            remembered.insert(name);
        }
        assert!(!remembered.contains(&0));
        assert!(remembered.contains(&1) && remembered.take(&1) && !remembered.take(&1));
    }

    #[test]
    fn a_name_that_was_taken_and_came_again_is_kept() {
        let mut remembered = Remembered::default();
        remembered.insert(1);
        assert!(remembered.take(&1));
        remembered.insert(1);
        assert!(remembered.contains(&1));
    }
}
