//! Runs the kpthin client for the Katzenpost mix network on tokio.
//!
//! [`connect`] dials the daemon, spawns the driver on the current runtime and returns the client
//! once the handshake is complete. What a program does then is the client's own: nothing here
//! knows the protocol.
//!
//! The runtime needs its I/O and time drivers (`enable_all`). When it shuts down, every pending
//! call fails with [`CloseReason::DriverGone`](kpthin_client::CloseReason::DriverGone).
//!
//! # Examples
//!
//! The address is that of a daemon; `Config::from_file("thinclient.toml")` reads it from the file
//! that comes with one.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let net = kpthin_devnet::Server::start(kpthin_devnet::DevnetConfig::instant(), [7; 32])?;
//! # let address = net.tcp_addr().expect("started on TCP").to_string();
//! use kpthin_client::Config;
//!
//! let client = kpthin_tokio::connect(Config::tcp(address)).await?;
//! let stream = client.create_stream().await?;
//! client.write(&stream.write_cap, &stream.first_message_index, "hello").await?;
//! client.stop().await?;
//! # Ok(())
//! # }
//! ```

mod socket;

use std::{io, time::Duration};

use kpthin_client::{Client, Config, ConnectError, Connecting, Driver, Duplex, Endpoint, Instant, Runtime};
use tokio::{runtime, task, time};

pub use self::socket::Socket;

/// Connects to the daemon and spawns the driver on the current runtime.
///
/// It ends when the handshake is complete. The client then reconnects by itself until it is
/// stopped, or its last handle is gone.
///
/// # Errors
///
/// [`ConnectError`] names the step that failed, unless the configuration says to
/// [keep trying](kpthin_client::FirstConnect::KeepTrying).
///
/// # Panics
///
/// Outside of a tokio runtime.
///
/// # Cancel safety
///
/// Dropping the future gives the connection up, and the driver closes the socket.
pub async fn connect(config: impl Into<Config>) -> Result<Client, ConnectError> {
    let (connecting, driver) = connect_with_driver(config);
    drop(task::spawn(driver));
    connecting.await
}

/// Prepares a client and its driver, for programs that spawn the driver themselves.
///
/// Nothing happens until the driver is polled, which has to be inside of a tokio runtime.
pub fn connect_with_driver(config: impl Into<Config>) -> (Connecting, Driver<Tokio>) {
    kpthin_client::connect(Tokio { origin: time::Instant::now() }, config)
}

/// The tokio runtime as the driver sees it; its clock is tokio's, so a paused one works too.
#[derive(Debug)]
pub struct Tokio {
    origin: time::Instant,
}

impl Runtime for Tokio {
    fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        socket::dial(endpoint).await
    }

    async fn sleep_until(&self, at: Instant) {
        const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let at = self.origin.checked_add(at.since_origin()).unwrap_or_else(|| time::Instant::now() + FAR);
        time::sleep_until(at).await;
    }

    fn on_worker(&self) -> bool {
        runtime::worker_index().is_some()
    }
}
