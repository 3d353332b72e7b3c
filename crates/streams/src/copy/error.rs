//! What a copy job is refused for, and how it ends.

use kpthin_client::{CallError, ReplicaError, wire::MessageBoxIndex};

use crate::error::StateError;

/// Why a step of a copy job was not done. The job is as it was, and the step can be taken again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// What the daemon or the network said, after everything that helps was tried.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The destination is none.
    #[error(transparent)]
    Destination(#[from] StateError),
    /// Nothing can be appended to a job that is closed.
    #[error("the job is closed")]
    Closed,
    /// The temporary stream holds other elements than this state has: an older state was restored
    /// after a later one had been uploaded. [`rebuild`](crate::CopyJob::rebuild) begins anew.
    #[error("the temporary stream holds something else; the state is an old one")]
    Conflict,
    /// There is nothing to copy.
    #[error("there is nothing to copy")]
    Empty,
    /// The daemon steps from this destination box to another one than this library does.
    #[error("the daemon and this library disagree about the box after #{counter}")]
    IndexMismatch {
        /// The box they both start from.
        counter: u64,
    },
    /// How much a box can hold is not known before the first connection.
    #[error("how much a box can hold is not known before the first connection")]
    NoGeometry,
    /// Elements are still to be sealed or uploaded.
    #[error("elements are still to be sealed or uploaded")]
    NotUploaded,
    /// A courier takes so many boxes in one job.
    #[error("{boxes} boxes are too many for one job, a courier takes {max}")]
    TooMany {
        /// How many there would be.
        boxes: u64,
        /// How many there can be.
        max: u64,
    },
}

/// How a copy has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CopyOutcome {
    /// Every box is written.
    Done,
    /// A box was refused. Those before it stay written, those behind it were not begun.
    ///
    /// The courier remembers it for half an hour and says the same again; see
    /// [`CopyJob::set_courier`](crate::CopyJob::set_courier).
    Failed {
        /// Which destination, in the order of appending, if it is known.
        destination: Option<usize>,
        /// Which box, if it is known.
        index: Option<MessageBoxIndex>,
        /// What the replica said, if one spoke.
        replica: Option<ReplicaError>,
    },
    /// It failed, and an earlier run of the same command may have succeeded: read the destinations before doing it again.
    ///
    /// After the end of a program, or of a connection, in the middle of a copy it has probably succeeded: newer couriers delete
    /// the temporary stream then, and who asks again is told of tombstones.
    Uncertain,
    /// The elements were sealed too long ago: replicas can't open them any more.
    ///
    /// [`CopyJob::rebuild`](crate::CopyJob::rebuild) seals everything anew, for the same boxes.
    Stale,
}

/// Why [`CopyJob::run`](crate::CopyJob::run) did not come to an outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "the two reasons are all there are")]
pub enum RunError<E> {
    /// A step failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The program could not save the state.
    #[error("the state could not be saved: {0}")]
    Save(E),
}
