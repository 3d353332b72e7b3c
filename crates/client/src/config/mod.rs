//! Where the daemon is, and how to begin.

mod file;

use std::{fmt, future::Future, io, net::SocketAddr, path::PathBuf, pin::Pin, sync::Arc, time::Duration};

use kpthin_core::machine;

pub use self::file::ConfigError;
use crate::io::Duplex;

/// Which addresses a host name may stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "an adapter has to know all of them")]
pub enum Family {
    /// Both; what resolves first is tried first.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// Where a daemon listens, in terms that an adapter dials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A Linux abstract socket, by its name without the leading `@`.
    Abstract(String),
    /// A TCP address.
    Tcp {
        /// Host and port, for example `localhost:64331`.
        address: String,
        /// Which addresses the host may stand for.
        family: Family,
    },
    /// A Unix socket in the file system.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Abstract(name) => write!(f, "unix:@{name}"),
            Self::Tcp { address, .. } => write!(f, "tcp:{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What to do when the first connection fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum FirstConnect {
    /// Connecting fails with the step that failed.
    #[default]
    Fail,
    /// The client is there at once, its status down, and connects when it can: for programs that
    /// start before their daemon.
    KeepTrying,
}

pub(crate) type Dial<Io> = Pin<Box<dyn Future<Output = io::Result<Io>> + Send>>;
type Connect = dyn Fn() -> Dial<Box<dyn Duplex>> + Send + Sync;

/// What the driver dials.
#[derive(Clone)]
pub(crate) enum Target {
    Connector(Arc<Connect>),
    Endpoint(Endpoint),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connector(_) => f.write_str("a connector"),
            Self::Endpoint(endpoint) => endpoint.fmt(f),
        }
    }
}

/// Where the daemon is, and how to begin.
///
/// # Examples
///
/// ```
/// use kpthin_client::{Config, FirstConnect};
///
/// let config = Config::tcp("localhost:64331").first_connect(FirstConnect::KeepTrying);
/// # let _ = config;
/// ```
#[derive(Clone)]
#[must_use = "a configuration does nothing until it is connected with"]
pub struct Config {
    pub(crate) target: Target,
    pub(crate) first_connect: FirstConnect,
    pub(crate) machine: machine::Config,
}

impl Config {
    const fn new(target: Target, machine: machine::Config) -> Self {
        Self { target, first_connect: FirstConnect::Fail, machine }
    }

    /// A daemon at a TCP address, for example `localhost:64331`.
    pub fn tcp(address: impl Into<String>) -> Self {
        Endpoint::Tcp { address: address.into(), family: Family::Any }.into()
    }

    /// A daemon at a Unix socket; a path that begins with `@` names a Linux abstract socket.
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        match path.to_str().and_then(|path| path.strip_prefix('@')) {
            Some(name) => Endpoint::Abstract(name.to_owned()).into(),
            None => Endpoint::Unix(path).into(),
        }
    }

    /// A daemon behind a connection that the program makes itself: in-process, tunnelled, or for a
    /// test.
    ///
    /// `connect` is called by the driver for every connection attempt; dropping its future gives
    /// the attempt up. A panic in any of this ends the driver, and every call with it.
    pub fn connector<F, C, Io>(connect: F) -> Self
    where
        F: Fn() -> C + Send + Sync + 'static,
        C: Future<Output = io::Result<Io>> + Send + 'static,
        Io: Duplex,
    {
        let connect = move || -> Dial<Box<dyn Duplex>> {
            let connecting = connect();
            Box::pin(async move { connecting.await.map(|io| Box::new(io) as Box<dyn Duplex>) })
        };
        Self::new(Target::Connector(Arc::new(connect)), machine::Config::default())
    }

    /// What to do when the first connection fails; [`FirstConnect::Fail`] unless said otherwise.
    pub const fn first_connect(mut self, first_connect: FirstConnect) -> Self {
        self.first_connect = first_connect;
        self
    }

    /// How long dialling and each wait of the handshake may last; 90 s unless said otherwise.
    ///
    /// A daemon that has no network document yet is silent for 30 s, times the clients in front,
    /// so less makes it look dead when it is not (§3.2).
    pub const fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.machine.handshake_timeout = timeout;
        self
    }
}

impl From<Endpoint> for Config {
    fn from(endpoint: Endpoint) -> Self {
        Self::new(Target::Endpoint(endpoint), machine::Config::default())
    }
}

/// A daemon at a TCP address that is known already.
impl From<SocketAddr> for Config {
    fn from(address: SocketAddr) -> Self {
        Self::tcp(address.to_string())
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("target", &format_args!("{}", self.target))
            .field("first_connect", &self.first_connect)
            .field("machine", &self.machine)
            .finish()
    }
}
