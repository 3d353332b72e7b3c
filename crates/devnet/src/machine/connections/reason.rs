//! Why connections end.

use kpthin_core::frame::BODY_LEN_MAX;
use thiserror::Error;

/// What made the daemon's process crash.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Crash {
    /// A message that wants a reply named neither a SURB id nor a usable destination.
    #[error(
        "a message wanted a reply and named neither a SURB id nor a usable destination (crash-on-missing-surb)"
    )]
    MissingSurb,
    /// A body of CBOR null or undefined.
    #[error("a client sent a body of null (crash-on-null)")]
    Null,
}

/// Why a connection has ended: what authors of clients want to know first.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndReason {
    /// The client sent more than the daemon holds for a connection that is busy.
    #[error("more than {} bytes were sent to a connection that is busy", BODY_LEN_MAX + (1 << 20))]
    Backlog,
    /// A capability has no proper key, or halves that don't match (M6).
    #[error("a capability has no proper key, or its halves don't match (bad-capability-closes)")]
    BadCapability,
    /// The client sent `thin_close`.
    #[error("the client said good-bye (thin_close)")]
    Closed,
    /// The daemon's process has crashed.
    #[error("the daemon has crashed: {0}")]
    Crashed(Crash),
    /// The client has closed its sending side, and all it had sent is worked off.
    #[error("the client sends nothing more")]
    EndOfFile,
    /// A fault that was asked for.
    #[error("on purpose: the fault {0}")]
    Fault(&'static str),
    /// The rest of a frame did not come in time (C2).
    #[error("a frame that had begun was not complete in time (frame-deadline)")]
    FrameDeadline,
    /// The client is gone without a word, or its socket fails.
    #[error("the client is gone: {0}")]
    Gone(String),
    /// All connections together hold too much.
    #[error("all connections together hold too many bytes")]
    Memory,
    /// The client has never sent a byte.
    #[error("the client has never said anything")]
    NeverSpoke,
    /// The daemon does not run.
    #[error("the daemon does not run")]
    NotRunning,
    /// The operating system has no thread for it.
    #[error("there is no thread for it")]
    NoThread,
    /// The daemon is started anew.
    #[error("the daemon is started anew")]
    Restarted,
    /// The daemon stops, and has said so.
    #[error("the daemon stops")]
    ShutDown,
    /// The server stops.
    #[error("the server stops")]
    Stopped,
    /// The file of boxes can't be written any more.
    #[error("the file of boxes can't be written any more")]
    StoreFailed,
    /// Another connection has presented the session's token.
    #[error("another connection has taken the session over")]
    TakenOver,
    /// There are as many connections as there may be (C1).
    #[error("there are {limit} connections already")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
    /// The client has taken nothing for too long, or left too much unread.
    #[error("the client does not read what it is sent")]
    Unread,
    /// What the client sent is no request.
    #[error("{0}")]
    Violation(String),
}
