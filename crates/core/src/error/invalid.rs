//! Why a request is refused before anything is sent.

/// Why a request means nothing to the daemon, found out before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// Something that must not be empty is.
    #[error("{member} is empty")]
    Empty {
        /// The member's name on the wire.
        member: &'static str,
    },
    /// The index lies behind the one that the capability begins at, or has the same number and belongs to another stream.
    #[error("the index (box {counter}) is not one that the capability (from box {first}) reaches")]
    ForeignIndex {
        /// The index's number.
        counter: u64,
        /// The number of the capability's own.
        first: u64,
    },
    /// A member could not be made up: there are no random numbers.
    #[error("{member} is not set")]
    Missing {
        /// The member's name on the wire.
        member: &'static str,
    },
    /// The request belongs to a link, not to a caller.
    #[error("{name} is sent by the machine itself")]
    NotForCallers {
        /// The request's name on the wire.
        name: &'static str,
    },
    /// The daemon's answer would be longer than a frame may be: the call has to be divided (§4.17).
    #[error("the answer would hold {elements} elements, at most {max} fit")]
    ReplyTooLarge {
        /// The number of elements the answer would have.
        elements: u64,
        /// The number allowed.
        max: u64,
    },
    /// No node of the current document offers the service.
    #[error("no service named {capability:?} in the current document")]
    UnknownService {
        /// The capability asked for.
        capability: alloc::string::String,
    },
    /// A range of no boxes: the reference daemon would lose the buffer.
    #[error("max_count is 0, at least 1 is needed")]
    ZeroCount,
}
