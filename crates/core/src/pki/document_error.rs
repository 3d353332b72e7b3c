//! Why a document, a descriptor or a certificate could not be read.

use crate::{
    cbor::MemberFault,
    wire::{CborError, MemberProblem},
};

/// Why a document, a descriptor or a certificate could not be read.
///
/// The daemon or the network made it, so a caller can only wait for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The bytes are not exactly one CBOR map within the limits.
    #[error("not a CBOR map: {0}")]
    Cbor(#[from] CborError),
    /// A member of the map cannot be used.
    #[error("member {member}: {problem}")]
    Member {
        /// The member, empty if its key could not be read.
        member: &'static str,
        /// What is wrong with it.
        problem: MemberProblem,
    },
}

impl From<MemberFault> for DocumentError {
    fn from(MemberFault { member, problem }: MemberFault) -> Self {
        Self::Member { member, problem }
    }
}
