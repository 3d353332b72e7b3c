//! Why a frame could not be read.

use super::{QueryId, RequestKind};
use crate::cbor::{CborError, MemberProblem};

/// Why the body of a frame could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body is not one CBOR map within the limits.
    #[error("not a CBOR map: {0}")]
    Cbor(#[from] CborError),
    /// The body is a map, but a member of its message cannot be used.
    #[error("{message}: member {member}: {problem}")]
    Member {
        /// The message's name on the wire.
        message: &'static str,
        /// The message's query id, if that could be read.
        query_id: Option<QueryId>,
        /// The member.
        member: &'static str,
        /// What is wrong with it.
        problem: MemberProblem,
    },
}

impl DecodeError {
    /// Whether a daemon closes the link over this, instead of answering with code 3 (§1.3).
    ///
    /// True for what is no map, for members of a wrong type or given twice, and where no query id
    /// says whom to answer. A byte string of a wrong length, a member that is missing, or one that
    /// may not stand there, can be answered.
    #[must_use]
    pub const fn is_violation(&self) -> bool {
        match self {
            Self::Cbor(_) => true,
            Self::Member { query_id, problem, .. } => {
                query_id.is_none()
                    || !matches!(
                        problem,
                        MemberProblem::Excluded { .. }
                            | MemberProblem::Length { .. }
                            | MemberProblem::Missing
                    )
            }
        }
    }

    /// The kind of the request that can't be used, `None` if it is no request.
    #[must_use]
    pub fn request_kind(&self) -> Option<RequestKind> {
        match self {
            Self::Cbor(_) => None,
            Self::Member { message, .. } => RequestKind::from_name(message),
        }
    }
}
