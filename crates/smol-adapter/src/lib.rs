//! Runs the kpthin client for the Katzenpost mix network on `async-io`: under smol, async-std, or
//! any other executor.
//!
//! [`connect`] gives two futures: one that becomes the client, and the driver, which the program
//! spawns on whatever executor it has, or runs on a thread of its own. What a program does with the
//! client then is the client's own: nothing here knows the protocol.
//!
//! Sockets and timers are `async-io`'s, which runs a thread of its own for them; nothing here
//! depends on an executor. When the executor shuts down and drops the driver, every pending call
//! fails with [`CloseReason::DriverGone`](kpthin_client::CloseReason::DriverGone).
//!
//! # Examples
//!
//! On smol. The address is that of a daemon; `Config::from_file("thinclient.toml")` reads it from
//! the file that comes with one.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let net = kpthin_devnet::Server::start(kpthin_devnet::DevnetConfig::instant(), [7; 32])?;
//! # let address = net.tcp_addr().expect("started on TCP").to_string();
//! use kpthin_client::Config;
//!
//! smol::block_on(async {
//!     let (connecting, driver) = kpthin_smol::connect(Config::tcp(address));
//!     smol::spawn(driver).detach();
//!     let client = connecting.await?;
//!
//!     let stream = client.create_stream().await?;
//!     client.write(&stream.write_cap, &stream.first_message_index, "hello").await?;
//!     client.stop().await?;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! On async-std it is the same with `async_std::task::block_on`, and with
//! `async_std::task::spawn(driver)`, which needs no `detach`.

mod socket;

use std::io;

use async_io::Timer;
use kpthin_client::{Clock, Config, Connecting, Driver, Duplex, Endpoint, Instant, Runtime};

pub use self::socket::Socket;

/// Prepares a client and its driver.
///
/// Nothing happens until the driver is polled: spawn it. Connecting ends when the handshake is
/// complete, or with the step that failed; the client then reconnects by itself until it is
/// stopped, or its last handle is gone.
///
/// # Cancel safety
///
/// Dropping [`Connecting`] gives the connection up, and the driver closes the socket.
pub fn connect(config: impl Into<Config>) -> (Connecting, Driver<AsyncIo>) {
    kpthin_client::connect(AsyncIo(Clock::start()), config)
}

/// `async-io` as the driver sees it.
#[derive(Debug)]
pub struct AsyncIo(Clock);

impl Runtime for AsyncIo {
    fn now(&self) -> Instant {
        self.0.now()
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        socket::dial(endpoint).await
    }

    async fn sleep_until(&self, at: Instant) {
        let _at = Timer::at(self.0.to_std(at)).await;
    }
}
