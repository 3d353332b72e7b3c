//! What a writer reports, and what it refuses.

use std::fmt;

use crate::error::StreamError;

/// The number of a box in its stream; boxes are numbered in the order in which they were pushed.
///
/// It is the counter of the box's index, the same as a reader's
/// [`Delivery::counter`](crate::Delivery::counter).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// The number itself.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.0
    }
}

impl From<u64> for Seq {
    fn from(counter: u64) -> Self {
        Self(counter)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What became of a box.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// The box.
    pub seq: Seq,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a box.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// A replica holds it, with the content that was pushed.
    Stored,
    /// The box was deleted before it could be confirmed; the writer goes on.
    Tombstoned,
    /// The box is deleted, as [`tombstone`](crate::StreamWriter::tombstone) asked.
    Deleted,
    /// The box holds something else: there is a second writer, or this one was restored from an old
    /// backup. The writer stops.
    Conflict,
    /// The daemon or the network will never take the box. The writer stops.
    Refused(StreamError),
}

impl Outcome {
    /// Whether the writer has stopped at this box.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self, Self::Conflict | Self::Refused(_))
    }
}

/// Why a body was not pushed. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushError {
    /// An empty box would be a tombstone.
    #[error("an empty body would delete the box; use `tombstone` for that")]
    Empty,
    /// The stream has no further box.
    #[error("the stream is at its end")]
    Exhausted,
    /// So many boxes have no receipt yet.
    #[error("{0} boxes have no receipt yet; take receipts first")]
    Full(usize),
    /// The daemon has not said yet how much a box can hold, neither to this client nor to one that
    /// pushed before with this state.
    #[error("how much a box can hold is not known before the first connection")]
    NoGeometry,
    /// The writer has stopped, and has told why in a receipt.
    #[error("the writer has stopped")]
    Stopped,
    /// The body is longer than a box can hold.
    #[error("the body has {len} bytes, a box holds at most {max}")]
    TooLong {
        /// Its length in bytes.
        len: usize,
        /// What a box can hold, in bytes.
        max: usize,
    },
}

/// Why boxes are not deleted, or not released. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// The range has no box.
    #[error("the range has no box")]
    Empty,
    /// So many ranges have not been worked off yet.
    #[error("{0} ranges have not been worked off yet; take receipts first")]
    Full(usize),
    /// A box was not pushed.
    #[error("box {seq} was not pushed; the stream has boxes from {first} up to and without {next}")]
    NotPushed {
        /// The box.
        seq: Seq,
        /// The first box of the capability.
        first: Seq,
        /// The box that the next push fills.
        next: Seq,
    },
    /// The writer has stopped, and has told why in a receipt.
    #[error("the writer has stopped")]
    Stopped,
}
