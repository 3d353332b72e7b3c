//! Why a server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use super::Address;

/// Why a server does not start.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system refuses; `what` says which step.
    #[error("cannot {what}: {reason}")]
    Io {
        /// The step.
        what: &'static str,
        /// The reason, to match on.
        kind: io::ErrorKind,
        /// The reason, to read.
        reason: String,
    },
    /// The operating system refuses to listen there.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// Where.
        address: Address,
        /// The reason, to match on.
        kind: io::ErrorKind,
        /// The reason, to read.
        reason: String,
    },
    /// A path of a Unix socket, or a name of an abstract one, is longer than the platform takes.
    #[error("{address} has {len} bytes, and a socket's path or name at most {len_max}: choose a shorter one")]
    NameTooLong {
        /// Which one.
        address: Address,
        /// Its length in bytes.
        len: usize,
        /// What the platform takes.
        len_max: usize,
    },
    /// Others than this machine could connect, to something without any protection; see
    /// [`ServerBuilder::allow_public_addresses`](super::ServerBuilder::allow_public_addresses).
    #[error("{0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// The store belongs to a network of another seed; see `ServerBuilder::exact_seed`.
    #[error("{}: belongs to a network of another seed, {} instead of {}", .path.display(), hex(found), hex(given))]
    OtherSeed {
        /// The file of the store.
        path: PathBuf,
        /// The seed in it.
        found: [u8; 32],
        /// The seed that was given.
        given: [u8; 32],
    },
    /// Somebody listens there, or it is no socket.
    #[error("{} is in use: somebody listens on it, or it is no socket", .0.display())]
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
    pub(super) fn store(path: &std::path::Path, reason: &dyn std::fmt::Display) -> Self {
        Self::Store { path: path.to_owned(), reason: reason.to_string() }
    }

    pub(super) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io { what, kind: error.kind(), reason: error.to_string() }
    }

    pub(super) fn listen(address: Address) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Listen { address, kind: error.kind(), reason: error.to_string() }
    }
}

fn hex(seed: &[u8; 32]) -> String {
    seed.iter().map(|byte| format!("{byte:02x}")).collect()
}
