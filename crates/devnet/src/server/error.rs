//! Why a server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// Why a server does not start.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system refuses; `what` says which step.
    #[error("cannot {what}: {kind}")]
    Io {
        /// The step.
        what: &'static str,
        /// The reason.
        kind: io::ErrorKind,
    },
    /// Others than this machine could connect, to something without any protection; see
    /// [`ServerBuilder::allow_public_addresses`](super::ServerBuilder::allow_public_addresses).
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// Somebody listens there, or it is no socket.
    #[error("{} is in use", .0.display())]
    PathInUse(PathBuf),
    /// The file of the store can't be used.
    #[error("{}: {reason}", .path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The platform has no such sockets.
    #[error("the platform does not support {0}")]
    Unsupported(&'static str),
}

impl StartError {
    #[cfg(feature = "store")]
    pub(super) fn store(path: &std::path::Path, error: &dyn std::fmt::Display) -> Self {
        Self::Store { path: path.to_owned(), reason: error.to_string() }
    }

    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, kind: error.kind() }
    }
}
