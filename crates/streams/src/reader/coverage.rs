//! Whether a box that is not there can have been there: what a reader knows about retention.
//!
//! A replica keeps a box for the replica epoch in which it was written and for the next (§6.9). So
//! a box that is not there in epoch `e` was not written in `e` nor in the one before. Whether it was
//! written earlier, and is gone by now, depends on what the reader saw then.

/// What a reader knows about the box at its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// The epoch in which the reader was last served: with the box before this one, or, before any
    /// box, with its first answer.
    served: Option<u64>,
    /// If this box was ever written, then in this epoch or a later one.
    not_before: Option<u64>,
}

impl Coverage {
    pub(crate) const fn from_parts(served: Option<u64>, not_before: Option<u64>) -> Self {
        Self { served, not_before }
    }

    pub(crate) const fn parts(self) -> [Option<u64>; 2] {
        [self.served, self.not_before]
    }

    /// The box before this one was there in `epoch`: it was written then or in the epoch before, and
    /// this one after it.
    pub(crate) fn delivered(&mut self, epoch: Option<u64>) {
        if let Some(epoch) = epoch {
            *self = Self { served: Some(epoch), not_before: Some(epoch.saturating_sub(1)) };
        }
    }

    /// This box was not there in `epoch`.
    pub(crate) fn not_written(&mut self, epoch: Option<u64>) {
        let Some(epoch) = epoch else { return };
        let _ = self.served.get_or_insert(epoch);
        // Had it been written since then, it would still be there.
        let certain = self.not_before.is_none_or(|since| (since..=since.saturating_add(1)).contains(&epoch));
        if certain {
            self.not_before = Some(epoch);
        }
    }

    /// Whether a box that is not there in `epoch` may have been there and gone.
    pub(crate) fn may_have_expired(self, epoch: Option<u64>) -> bool {
        let later =
            |epoch: u64, since: Option<u64>| since.is_some_and(|since| epoch >= since.saturating_add(2));
        epoch.is_some_and(|epoch| later(epoch, self.served) && later(epoch, self.not_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served_in(epoch: u64) -> Coverage {
        let mut coverage = Coverage::default();
        coverage.delivered(Some(epoch));
        coverage
    }

    #[test]
    fn two_epochs_have_to_begin_since_the_reader_was_served() {
        let coverage = served_in(10);
        assert_eq!(
            [9, 10, 11, 12, 13].map(|epoch| coverage.may_have_expired(Some(epoch))),
            [false, false, false, true, true]
        );
        assert!(!coverage.may_have_expired(None));
    }

    #[test]
    fn a_box_that_was_looked_for_all_the_time_cannot_have_expired() {
        let mut coverage = served_in(10);
        for epoch in 10..40 {
            coverage.not_written(Some(epoch));
            assert!(!coverage.may_have_expired(Some(epoch)), "epoch {epoch}");
        }
        assert!(!coverage.may_have_expired(Some(40)), "written in 39, it would still be there");
        assert!(coverage.may_have_expired(Some(41)));
    }

    #[test]
    fn a_look_that_comes_too_late_proves_nothing() {
        // Written in 9 right after the box before it, this one was gone in 11.
        let mut coverage = served_in(10);
        coverage.not_written(Some(11));
        assert!(!coverage.may_have_expired(Some(11)), "only one epoch has begun since");
        coverage.not_written(Some(12));
        assert!(coverage.may_have_expired(Some(12)));
        coverage.not_written(Some(13));
        assert!(coverage.may_have_expired(Some(13)));
    }

    #[test]
    fn before_any_box_the_first_answer_counts() {
        let mut coverage = Coverage::default();
        assert!(!coverage.may_have_expired(Some(50)));
        coverage.not_written(Some(10));
        assert!(!coverage.may_have_expired(Some(11)));
        assert!(coverage.may_have_expired(Some(12)));
        coverage.not_written(None);
        assert_eq!(Coverage::from_parts(coverage.parts()[0], coverage.parts()[1]), coverage);
    }
}
