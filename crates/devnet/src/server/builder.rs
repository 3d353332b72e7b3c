//! Where a server listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Clock;
use super::listen::{self, Listening};
use super::shared::{Observer, Shared};
use super::{ConnectionEvent, Server, StartError};
use crate::config::DevnetConfig;

/// Where a [`Server`] is to listen, at most one place of each kind.
#[must_use = "nothing runs before `start`"]
pub struct ServerBuilder {
    config: DevnetConfig,
    seed: [u8; 32],
    tcp: Option<SocketAddr>,
    unix: Option<PathBuf>,
    abstract_name: Option<String>,
    public: bool,
    observer: Option<Observer>,
}

impl ServerBuilder {
    pub(super) const fn new(config: DevnetConfig, seed: [u8; 32]) -> Self {
        Self { config, seed, tcp: None, unix: None, abstract_name: None, public: false, observer: None }
    }

    /// Listens on TCP; port 0 takes a free one.
    pub const fn tcp(mut self, address: SocketAddr) -> Self {
        self.tcp = Some(address);
        self
    }

    /// Listens on a Unix socket, to which only the owner of the process can connect.
    ///
    /// A socket that nobody listens on any more is replaced; the new one is removed when the server is dropped, unless
    /// something else has taken its place.
    pub fn unix_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.unix = Some(path.into());
        self
    }

    /// Listens on an abstract socket, which Linux alone has; the name is without the leading `@`.
    pub fn abstract_name(mut self, name: impl Into<String>) -> Self {
        self.abstract_name = Some(name.into());
        self
    }

    /// Listens also where others can reach it, who can then read, write and cancel everything.
    pub const fn allow_public_addresses(mut self) -> Self {
        self.public = true;
        self
    }

    /// Tells of every connection on a socket, on the thread that serves it.
    pub fn on_connection(mut self, observer: impl Fn(&ConnectionEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Starts the devnet and listens.
    ///
    /// # Errors
    ///
    /// - [`StartError::NotLoopback`] if the TCP address is reachable from elsewhere and that was not allowed.
    /// - [`StartError::PathInUse`] if somebody listens on the path, or there is something else.
    /// - [`StartError::Unsupported`] for sockets that the platform lacks.
    /// - [`StartError::Io`] for everything else the operating system refuses.
    pub fn start(self) -> Result<Server, StartError> {
        if let Some(address) = self.tcp
            && !self.public
            && !address.ip().is_loopback()
        {
            return Err(StartError::NotLoopback(address));
        }
        let shared = Arc::new(Shared::new(self.config, self.seed, Clock::wall(), self.observer));
        shared.spawn_timer()?;
        // From here on dropping the server ends what was begun.
        let mut server = Server { shared, tcp: None, unix: None, listening: Vec::new() };
        if let Some(address) = self.tcp {
            let (listening, address) = listen::tcp(&server.shared, address)?;
            server.keep(listening);
            server.tcp = Some(address);
        }
        if let Some(path) = self.unix {
            server.keep(listen::unix(&server.shared, &path)?);
            server.unix = Some(path);
        }
        if let Some(name) = self.abstract_name {
            server.keep(listen::abstract_name(&server.shared, &name)?);
        }
        Ok(server)
    }
}

impl Server {
    fn keep(&mut self, listening: Listening) {
        self.listening.push(listening);
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("tcp", &self.tcp)
            .field("unix", &self.unix)
            .finish_non_exhaustive()
    }
}
