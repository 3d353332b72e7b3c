//! Where a server listens, as it is told.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A place where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// An abstract socket, which Linux alone has; the name is without the leading `@`.
    Abstract(String),
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket in the file system.
    Unix(PathBuf),
}

impl Address {
    /// What kind of socket it is: `tcp` or `unix`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Abstract(_) | Self::Unix(_) => "unix",
            Self::Tcp(_) => "tcp",
        }
    }
}

/// As a `thinclient.toml` names it: an address with its port, a path, or a name behind an `@`.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abstract(name) => write!(f, "@{name}"),
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}
