//! How much memory what is read may take.

/// Bytes that may still be allocated for what is read.
///
/// Everything that keeps what it reads takes from it first: an element of one byte may be of a type of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget(usize);

impl Budget {
    /// For what comes alone: three times its length and 64 KiB.
    pub(crate) const fn alone(len: usize) -> Self {
        Self(len.saturating_mul(3).saturating_add(64 << 10))
    }

    /// For what is in a frame, which is held meanwhile: a frame may take three times its length and 64 KiB, of which its buffer
    /// has its length and 16 KiB, and something is left for whom it is handed to.
    pub(crate) const fn in_frame(len: usize) -> Self {
        Self(len.saturating_add(len / 2).saturating_add(32 << 10))
    }

    /// For a document, whose bytes are there twice while it arrives.
    pub(crate) const fn of_document(len: usize) -> Self {
        Self(len / 2 + (16 << 10))
    }

    /// The lesser one.
    pub(crate) fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }

    /// Takes what is going to be allocated out of it; `false` if so much is not left.
    pub(crate) const fn charge(&mut self, bytes: usize) -> bool {
        match self.0.checked_sub(bytes) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};

    use super::{
        super::{CborProblem, MemberProblem, Reader, Value},
        *,
    };

    /// Reads a value with a budget; whether that sufficed.
    fn suffices<T: Value>(item: &[u8], budget: usize) -> bool {
        match T::read(&mut Reader::with_budget(item, Budget(budget))) {
            Ok(_) => true,
            Err(MemberProblem::Cbor(error)) => {
                assert_eq!(error.problem, CborProblem::OverBudget);
                false
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_kept_is_paid_for_first() {
        assert!(suffices::<String>(b"\x63abc", 3) && !suffices::<String>(b"\x63abc", 2));
        assert!(
            suffices::<String>(b"\x7f\x61a\x62bc\xff", 3) && !suffices::<String>(b"\x7f\x61a\x62bc\xff", 2)
        );
        let two = 2 * size_of::<String>();
        assert!(
            suffices::<Vec<String>>(b"\x82\x60\x60", two)
                && !suffices::<Vec<String>>(b"\x82\x60\x60", two - 1)
        );
        assert!(suffices::<u64>(b"\x01", 0));
    }

    #[test]
    fn a_list_without_length_is_paid_for_as_it_grows() {
        let item = [&[0x9f][..], &[0x60; 100], &[0xff]].concat();
        // Places of 4, 8, 16, .. 128, all of which were paid for.
        let places = (4 + 8 + 16 + 32 + 64 + 128) * size_of::<String>();
        assert!(suffices::<Vec<String>>(&item, places) && !suffices::<Vec<String>>(&item, places - 1));
    }

    #[test]
    fn a_length_that_was_merely_declared_costs_no_more_than_the_bytes_that_are_there() {
        let item = [0x9a, 0x00, 0x01, 0xff, 0xff, 0x60];
        let mut reader = Reader::with_budget(&item, Budget(6 * size_of::<String>()));
        let Err(MemberProblem::Cbor(error)) = Vec::<String>::read(&mut reader) else {
            panic!("it ends early")
        };
        assert_eq!(error.problem, CborProblem::UnexpectedEnd);
    }

    #[test]
    fn pairs_of_a_map_cost_more_than_they_hold() {
        let mut item = vec![0xb8, 200];
        (0..200_u8).for_each(|key| item.extend([0x18, key, 0x60]));
        let held = 200 * (size_of::<u64>() + size_of::<String>());
        assert!(
            !suffices::<BTreeMap<u64, String>>(&item, held)
                && suffices::<BTreeMap<u64, String>>(&item, 4 * held)
        );
    }

    #[test]
    fn what_is_skipped_costs_nothing() {
        for item in
            [&b"\x9f\x60\x60\xff"[..], b"\x5f\x41a\x41b\xff", b"\x7f\x61a\xff", b"\xa1\x61a\x82\x00\x00"]
        {
            let mut reader = Reader::with_budget(item, Budget(0));
            assert_eq!(reader.skip(), Ok(()));
        }
    }
}
