//! Where a server listens.

use std::fmt;
use std::net::SocketAddr;
#[cfg(feature = "store")]
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use super::clock::Clock;
use super::listen;
use super::shared::{Observer, Shared};
#[cfg(feature = "store")]
use super::store::{Opened, Store};
use super::{Server, ServerEvent, StartError};
use crate::config::DevnetConfig;

/// Where a [`Server`] is to listen, any number of places of each kind.
#[must_use = "nothing runs before `start`"]
pub struct ServerBuilder {
    config: DevnetConfig,
    seed: [u8; 32],
    places: Vec<Place>,
    public: bool,
    observer: Option<Observer>,
    clock: Option<Clock>,
    #[cfg(feature = "store")]
    store: Option<PathBuf>,
    #[cfg(feature = "store")]
    exact_seed: bool,
}

#[derive(Clone, Debug)]
enum Place {
    Abstract(String),
    Localhost(u16),
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl ServerBuilder {
    pub(super) const fn new(config: DevnetConfig, seed: [u8; 32]) -> Self {
        Self {
            config,
            seed,
            places: Vec::new(),
            public: false,
            observer: None,
            clock: None,
            #[cfg(feature = "store")]
            store: None,
            #[cfg(feature = "store")]
            exact_seed: false,
        }
    }

    /// Listens on TCP; port 0 takes a free one.
    pub fn tcp(mut self, address: SocketAddr) -> Self {
        self.places.push(Place::Tcp(address));
        self
    }

    /// Listens on TCP wherever `localhost` leads: on 127.0.0.1, and on ::1 if the machine has it.
    ///
    /// Port 0 takes one that is free on both.
    pub fn localhost(mut self, port: u16) -> Self {
        self.places.push(Place::Localhost(port));
        self
    }

    /// Listens on a Unix socket, to which only the owner of the process can connect.
    ///
    /// A socket that nobody listens on any more is replaced; the new one is removed when the server is dropped, unless
    /// something else has taken its place.
    pub fn unix_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.places.push(Place::Unix(path.into()));
        self
    }

    /// Listens on an abstract socket, which Linux alone has; the name is without the leading `@`.
    pub fn abstract_name(mut self, name: impl Into<String>) -> Self {
        self.places.push(Place::Abstract(name.into()));
        self
    }

    /// Listens also where others can reach it, who can then read, write and cancel everything.
    pub const fn allow_public_addresses(mut self) -> Self {
        self.public = true;
        self
    }

    /// Tells of every connection on a socket and of what goes wrong or stops the server, on the thread where it happens.
    ///
    /// That thread waits meanwhile, and so may clients: an observer that takes its time hands over to a thread of its own.
    /// It may use the server, and even drop it. A panic in it is caught, and changes nothing.
    pub fn on_event(mut self, observer: impl Fn(&ServerEvent) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Keeps boxes in a file, which is made if it is not there.
    ///
    /// A file belongs to one network: the seed in it counts, not the one given here, which only a new file gets; see
    /// [`exact_seed`](Self::exact_seed). A box that was confirmed is on the disk, whatever becomes of the process. If the
    /// file can't be written any more, the server stops rather than confirm. A file that is damaged is refused, at any
    /// byte; what a killed process had not written to the end was never confirmed and is cut off. A new file appears
    /// complete or not at all; it is made in the same folder, under its name with `.new` behind it.
    #[cfg(feature = "store")]
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.store = Some(path.into());
        self
    }

    /// Refuses a store that belongs to a network of another seed, instead of taking the seed in it.
    #[cfg(feature = "store")]
    pub const fn exact_seed(mut self) -> Self {
        self.exact_seed = true;
        self
    }

    /// The seed in the file of the store, if there are both; the file may be in use.
    ///
    /// # Errors
    ///
    /// [`StartError::Store`] if there is something else.
    #[cfg(feature = "store")]
    pub fn stored_seed(&self) -> Result<Option<[u8; 32]>, StartError> {
        self.store.as_deref().map_or(Ok(None), Store::stored_seed)
    }

    #[cfg(feature = "store")]
    fn open_store(&self, path: &Path) -> Result<Opened, StartError> {
        let check = |found| match self.exact_seed && found != self.seed {
            true => Err(StartError::OtherSeed { path: path.to_owned(), found, given: self.seed }),
            false => Ok(()),
        };
        // Before anything in it is mended.
        Store::stored_seed(path)?.map_or(Ok(()), check)?;
        let opened = Store::open(path, self.seed)?;
        check(opened.store.seed())?;
        Ok(opened)
    }

    #[cfg(test)]
    pub(super) fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Starts the devnet and listens.
    ///
    /// # Errors
    ///
    /// - [`StartError::NotLoopback`] if a TCP address is reachable from elsewhere and that was not allowed.
    /// - [`StartError::Listen`] if the operating system lets nobody listen there, as where somebody does.
    /// - [`StartError::NameTooLong`] and [`StartError::PathInUse`] if a Unix socket can't have that path, as somebody
    ///   listens on it or something else is there.
    /// - [`StartError::Store`] if the file of the store is in use, damaged, or none of this kind;
    ///   [`StartError::OtherSeed`] if it belongs to another network.
    /// - [`StartError::Unsupported`] for sockets that the platform lacks.
    /// - [`StartError::Io`] for everything else the operating system refuses.
    pub fn start(self) -> Result<Server, StartError> {
        for place in &self.places {
            if let Place::Tcp(address) = place
                && !self.public
                && !address.ip().is_loopback()
            {
                return Err(StartError::NotLoopback(*address));
            }
        }
        #[cfg(feature = "store")]
        let opened = self.store.as_deref().map(|path| self.open_store(path)).transpose()?;
        #[cfg(feature = "store")]
        let seed = opened.as_ref().map_or(self.seed, |opened| opened.store.seed());
        #[cfg(not(feature = "store"))]
        let seed = self.seed;
        let mut process_seed = [0; 32];
        getrandom::fill(&mut process_seed)
            .map_err(|error| StartError::io("draw random bytes")(error.into()))?;
        let clock = self.clock.unwrap_or_else(Clock::system);
        let shared = Shared::new(self.config, seed, process_seed, clock, self.observer);
        #[cfg(feature = "store")]
        if let Some(Opened { store, records, cut }) = opened {
            shared.keep_in(store, records);
            if cut > 0 {
                shared.tell(&ServerEvent::StoreCut { bytes: cut });
            }
        }
        let shared = Arc::new(shared);
        shared.spawn_timer()?;
        // From here on dropping the server ends what was begun.
        let mut server = Server { shared, addresses: Vec::new(), listening: Vec::new() };
        for place in self.places {
            let listening = match place {
                Place::Abstract(name) => vec![listen::abstract_name(&server.shared, name)?],
                Place::Localhost(port) => listen::localhost(&server.shared, port)?,
                Place::Tcp(address) => vec![listen::tcp(&server.shared, address)?],
                Place::Unix(path) => vec![listen::unix(&server.shared, path)?],
            };
            for (address, listening) in listening {
                server.addresses.push(address);
                server.listening.push(listening);
            }
        }
        Ok(server)
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder").field("places", &self.places).finish_non_exhaustive()
    }
}
