//! What a stream's waits fail with.

use kpthin_bacap::{CapError, IndexError};
use kpthin_client::{BlockError, CallError, record::RecordError};

/// Why a stream gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// What the daemon or the network said, after everything that helps was tried.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The daemon steps from this box to another one than this library does.
    ///
    /// The index does not come from this stream, or the daemon is no daemon of this protocol.
    #[error("the daemon and this library disagree about the box after #{counter}")]
    IndexMismatch {
        /// The box they both start from.
        counter: u64,
    },
    /// The stream has no box after this one.
    #[error("the stream is at its end")]
    Exhausted,
    /// The writer has stopped, and has told why in a receipt.
    #[error("the writer has stopped")]
    Stopped,
    /// The time of a wait is up; nothing is lost, and it can be waited for again.
    #[error("the wait has timed out")]
    TimedOut,
    /// Waiting on this thread could keep the driver from running; await instead.
    #[error("waiting on this thread would block the driver")]
    WouldBlock,
}

impl From<BlockError> for StreamError {
    fn from(error: BlockError) -> Self {
        match error {
            BlockError::TimedOut => Self::TimedOut,
            BlockError::WouldBlock => Self::WouldBlock,
        }
    }
}

/// Why bytes or capabilities are no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The capability is none.
    #[error(transparent)]
    Capability(#[from] CapError),
    /// The index is not one of the capability's: it lies before its beginning, or leads elsewhere.
    #[error("box #{counter} does not belong to the capability, which begins at #{first}")]
    ForeignIndex {
        /// The number of the box.
        counter: u64,
        /// The first box of the capability.
        first: u64,
    },
    /// The bytes are no state of this kind.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<IndexError> for StreamError {
    fn from(_: IndexError) -> Self {
        Self::Exhausted
    }
}
