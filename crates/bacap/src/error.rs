//! What can be wrong with bytes, indexes and boxes that come from elsewhere.

use thiserror::Error;

/// Bytes that are no capability.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CapError {
    /// The public half of a write capability is not the key of its seed.
    #[error("the public key of the write capability does not belong to its seed")]
    KeyMismatch,
    /// A write capability has 168 bytes, a read capability 136; this is how many there were.
    #[error("a capability of {0} bytes has the wrong length")]
    Length(usize),
    /// The root key of a read capability is not the encoding of a curve point.
    #[error("the root key of the read capability is not a curve point")]
    NotAKey,
}

/// A step that no index can take, or bytes that are no index.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexError {
    /// The counter is 2⁶⁴ − 1: the stream has no further box.
    #[error("the stream has no box after this one")]
    Exhausted,
    /// An index has 104 bytes; this is how many there were.
    #[error("an index of {0} bytes has the wrong length")]
    Length(usize),
    /// The target lies before the index, and indexes only go forward.
    #[error("an index cannot go back")]
    Rewind,
}

/// Why a box was not opened, in the order of the checks.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The box id is all zero: the answer holds no box.
    #[error("there is no box")]
    NoBox,
    /// The box id is not the one that capability, index and context lead to.
    #[error("the box is not the one asked for")]
    WrongBox,
    /// The signature does not verify: these bytes were not written by the owner of the write capability.
    #[error("the signature of the box is wrong")]
    Signature,
    /// The signature is good, but the content does not decrypt: the writer made a broken box.
    #[error("the content of the box does not decrypt")]
    Content,
}
