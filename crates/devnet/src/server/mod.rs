//! The devnet on real sockets and in-process pipes, on threads of its own.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the server is the machine's driver: clock, threads, locks and sockets are its business"
)]

mod address;
mod builder;
mod clock;
mod error;
mod listen;
mod pipe;
mod shared;
mod socket;
#[cfg(unix)]
mod socket_file;
#[cfg(feature = "store")]
mod store;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kpthin_core::Instant;

use crate::config::DevnetConfig;
use crate::machine::{ConnId, Crash, Devnet, EndReason};
pub use address::Address;
pub use builder::ServerBuilder;
use clock::Clock;
pub use error::StartError;
use listen::Listening;
pub use pipe::Pipe;
use shared::Shared;

/// What the devnet is, for a program to say when it starts one.
pub const NOTICE: &str =
    "This is a devnet, an embedded stand-in for a Katzenpost daemon. It gives no anonymity.";

/// What happened to a server by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// Nobody can be accepted there at present; it is tried again and again, and told again only after it went well.
    AcceptFailed {
        /// Where it listens.
        address: Address,
        /// Why, such as too many open files.
        reason: String,
    },
    /// A connection on a socket has ended.
    Closed {
        /// Which one.
        conn: ConnId,
        /// Why.
        reason: EndReason,
    },
    /// A client has made the daemon crash, as a body of null does to the reference (Q-01).
    ///
    /// [`Server::restart`] starts it again.
    Crashed(Crash),
    /// A connection on a socket was accepted.
    Opened {
        /// Which one.
        conn: ConnId,
        /// Where it came in: `tcp` or `unix`.
        over: &'static str,
    },
    /// The file of boxes ended with bytes that a killed process had not written completely, and that are gone now.
    ///
    /// No box in them was ever confirmed, unless somebody has shortened the file.
    StoreCut {
        /// How many.
        bytes: u64,
    },
    /// The file of boxes can't be written any more: every connection is closed, and the server stays as it is.
    StoreFailed {
        /// Why.
        reason: String,
    },
    /// There was no thread to be had for a connection, which is closed.
    ThreadFailed {
        /// Which one.
        conn: ConnId,
        /// Why.
        reason: String,
    },
}

/// A running devnet.
///
/// Dropping it closes all connections and stops all threads. It waits for them, except where it is dropped on one of them,
/// by an observer or a waker: then they end by themselves. Each socket connection takes two threads and at most some
/// 64 MiB of bytes that the client has not taken; one that takes none for a minute is closed. A client that is slow or
/// stuck delays nobody else.
///
/// # Examples
///
/// ```
/// use kpthin_devnet::{DevnetConfig, Server};
///
/// let net = Server::start(DevnetConfig::instant(), [7; 32])?;
/// let address = net.tcp_addr().expect("started on TCP");
/// assert!(address.ip().is_loopback());
///
/// net.set_mixnet(false);
/// net.restart();
/// # Ok::<(), kpthin_devnet::StartError>(())
/// ```
pub struct Server {
    shared: Arc<Shared>,
    addresses: Vec<Address>,
    listening: Vec<Listening>,
}

impl Server {
    /// Starts a devnet that listens on a free TCP port of the loopback interface.
    ///
    /// # Errors
    ///
    /// [`StartError::Listen`] if there is no port to be had, [`StartError::Io`] if there is no thread.
    pub fn start(config: DevnetConfig, seed: [u8; 32]) -> Result<Self, StartError> {
        Self::builder(config, seed).tcp(SocketAddr::from(([127, 0, 0, 1], 0))).start()
    }

    /// Prepares a devnet that listens where it is told to, or nowhere.
    ///
    /// Pipes within the process are always there.
    pub const fn builder(config: DevnetConfig, seed: [u8; 32]) -> ServerBuilder {
        ServerBuilder::new(config, seed)
    }

    /// Starts a devnet whose time stands still until [`advance_to`](Self::advance_to) moves it.
    ///
    /// It listens nowhere, has no thread of its own and begins at
    /// [`DevnetConfig::unix_time_at_origin`], so the same seed and the same calls give the same bytes.
    #[must_use]
    pub fn with_manual_clock(config: DevnetConfig, seed: [u8; 32]) -> Self {
        let shared = Arc::new(Shared::new(config, seed, seed, Clock::manual(), None));
        // Finds out when it is due for the first time.
        shared.with(|_, _| ());
        Self { shared, addresses: Vec::new(), listening: Vec::new() }
    }

    /// The time as the server measures it.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.shared.now()
    }

    /// When something happens by itself next.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        self.shared.wake_at()
    }

    /// Moves a manual clock forward and does what is due then; a later time stays.
    ///
    /// With the wall clock it only does what is due.
    pub fn advance_to(&self, at: Instant) {
        self.shared.advance_to(at);
    }

    /// What its network was made of.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        self.shared.seed
    }

    /// Where it listens, in the order in which that was asked for, with the ports that it got.
    #[must_use]
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// The first TCP address on which it listens, with the port that it got.
    #[must_use]
    pub fn tcp_addr(&self) -> Option<SocketAddr> {
        self.addresses.iter().find_map(|address| match address {
            Address::Tcp(address) => Some(*address),
            _ => None,
        })
    }

    /// The first path in the file system on which it listens.
    #[must_use]
    pub fn unix_path(&self) -> Option<&Path> {
        self.addresses.iter().find_map(|address| match address {
            Address::Unix(path) => Some(path.as_path()),
            _ => None,
        })
    }

    /// Connects within the process, without a socket.
    #[must_use]
    pub fn connect_in_process(&self) -> Pipe {
        Pipe::new(Arc::clone(&self.shared))
    }

    /// Starts the daemon anew: all connections drop, sessions and operations are forgotten, boxes are kept.
    pub fn restart(&self) {
        self.with(Devnet::restart);
    }

    /// Stops the daemon: every client is told, then closed. Later connections are closed at once.
    ///
    /// [`restart`](Self::restart) starts it again.
    pub fn shutdown(&self) {
        self.with(Devnet::shutdown);
    }

    /// Waits until no connection is left, after [`shutdown`](Self::shutdown) for example, at most for `timeout`.
    ///
    /// Tells whether there is none.
    #[must_use]
    pub fn wait_until_closed(&self, timeout: Duration) -> bool {
        self.shared.wait_until_closed(timeout)
    }

    /// Connects the daemon to the mix network or cuts it off.
    pub fn set_mixnet(&self, connected: bool) {
        self.with(|devnet, now| devnet.set_mixnet(now, connected));
    }

    /// Begins the next epoch before its time.
    pub fn advance_epoch(&self) {
        self.with(Devnet::advance_epoch);
    }

    /// Does something with the machine, for example [`Devnet::read_box`], and then drains it.
    ///
    /// It is locked meanwhile: `act` must not use the server, its pipes or what waits for them. Calls other than looking
    /// need the time as the server measures it, which comes along.
    pub fn with<T>(&self, act: impl FnOnce(&mut Devnet, Instant) -> T) -> T {
        self.shared.with(|state, now| act(&mut state.devnet, now))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop();
        self.listening.clear();
        self.shared.wait_for_threads();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}
