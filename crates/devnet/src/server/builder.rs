//! Where a server listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Clock;
use super::listen::{self, Listening};
use super::shared::{Observer, Shared};
#[cfg(feature = "store")]
use super::store::Store;
use super::{Server, ServerEvent, StartError};
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
    #[cfg(feature = "store")]
    store: Option<PathBuf>,
}

impl ServerBuilder {
    pub(super) const fn new(config: DevnetConfig, seed: [u8; 32]) -> Self {
        Self {
            config,
            seed,
            tcp: None,
            unix: None,
            abstract_name: None,
            public: false,
            observer: None,
            #[cfg(feature = "store")]
            store: None,
        }
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

    /// Tells of every connection on a socket and of what stops the server, on the thread where it happens.
    pub fn on_event(mut self, observer: impl Fn(&ServerEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Keeps boxes in a file, which is made if it is not there.
    ///
    /// A file belongs to one network: the seed in it counts, not the one given here, which only a new file gets. A box
    /// that was confirmed is on the disk, whatever becomes of the process. If the file can't be written any more, the
    /// server stops rather than confirm.
    #[cfg(feature = "store")]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(path.into());
        self
    }

    /// Starts the devnet and listens.
    ///
    /// # Errors
    ///
    /// - [`StartError::NotLoopback`] if the TCP address is reachable from elsewhere and that was not allowed.
    /// - [`StartError::PathInUse`] if somebody listens on the path, or there is something else.
    /// - [`StartError::Store`] if the file is in use, or none of this kind.
    /// - [`StartError::Unsupported`] for sockets that the platform lacks.
    /// - [`StartError::Io`] for everything else the operating system refuses.
    pub fn start(self) -> Result<Server, StartError> {
        if let Some(address) = self.tcp
            && !self.public
            && !address.ip().is_loopback()
        {
            return Err(StartError::NotLoopback(address));
        }
        #[cfg(feature = "store")]
        let (store, seed) = match &self.store {
            Some(path) => {
                let (store, seed) = Store::open(path, self.seed)?;
                let records = store.load(path)?;
                (Some((store, records)), seed)
            }
            None => (None, self.seed),
        };
        #[cfg(not(feature = "store"))]
        let seed = self.seed;
        let shared = Shared::new(self.config, seed, Clock::wall(), self.observer);
        #[cfg(feature = "store")]
        if let Some((store, records)) = store {
            shared.keep_in(store, records);
        }
        let shared = Arc::new(shared);
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
