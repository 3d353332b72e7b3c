//! What a reader hands out.

use kpthin_client::wire::SecretBytes;

use super::state::ReaderState;

/// What was found in a box.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the three cases are all there are")]
pub enum Item {
    /// A message.
    Message(SecretBytes),
    /// Nothing any more: the writer has deleted it, and its signature says so.
    Tombstone,
    /// Boxes that were not read in time and are gone, as [`skip_expired`] found.
    ///
    /// [`skip_expired`]: crate::StreamReader::skip_expired
    Gap {
        /// How many.
        boxes: u64,
    },
}

/// One item, and the state to store with it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// What was found.
    pub item: Item,
    /// The number of the box, or of the first one of a gap.
    pub counter: u64,
    /// The reader's state behind this item.
    ///
    /// Store it in the same transaction as the item: then a crash neither repeats nor loses it.
    pub after: ReaderState,
}
