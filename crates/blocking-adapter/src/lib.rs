//! Runs the kpthin client for the Katzenpost mix network on plain threads, without any async
//! runtime.
//!
//! [`connect`] dials the daemon and returns the client once the handshake is complete. Every
//! request is a [`Call`](kpthin_client::Call) that is under way at once; end it with
//! [`wait`](kpthin_client::Call::wait) or [`wait_timeout`](kpthin_client::Call::wait_timeout), on
//! any thread and on several at a time. Another thread can end such a wait with the call's
//! [`canceller`](kpthin_client::Call::canceller). Events are an iterator, by
//! [`into_blocking`](kpthin_client::Events::into_blocking).
//!
//! A client takes one thread that drives it, and each of its connections two more that read and
//! write; a dial takes one while it lasts. All of them end when the client is closed, except for a
//! dial that the operating system does not let go of: it is abandoned, and its thread ends when the
//! system gives it up.
//!
//! What a program does with the client is the client's own: nothing here knows the protocol.
//!
//! # Examples
//!
//! The address is that of a daemon; `Config::from_file("thinclient.toml")` reads it from the file
//! that comes with one.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let net = kpthin_devnet::Server::start(kpthin_devnet::DevnetConfig::instant(), [7; 32])?;
//! # let address = net.tcp_addr().expect("started on TCP").to_string();
//! use std::time::Duration;
//! use kpthin_client::Config;
//!
//! let client = kpthin_blocking::connect(Config::tcp(address))?;
//! let stream = client.create_stream().wait()?;
//! let write = client.write(&stream.write_cap, &stream.first_message_index, "hello");
//! write.wait_timeout(Duration::from_secs(60))?;
//! client.stop().wait()?;
//! # Ok(())
//! # }
//! ```

mod dial;
mod drive;
mod socket;
mod wakeup;

use kpthin_client::{Client, Config, ConnectError};

pub use self::{
    dial::connector,
    drive::{DriverThread, Threads},
    socket::{Socket, Stream},
};

/// Connects to the daemon, on threads of the client's own.
///
/// It returns when the handshake is complete. The client then reconnects by itself until it is
/// stopped, or its last handle is gone.
///
/// # Errors
///
/// [`ConnectError`] names the step that failed, unless the configuration says to
/// [keep trying](kpthin_client::FirstConnect::KeepTrying).
pub fn connect(config: impl Into<Config>) -> Result<Client, ConnectError> {
    connect_with_thread(config).map(|(client, _)| client)
}

/// Connects as [`connect`] does, and returns the thread that drives the client as well.
///
/// A program that has to know that nothing of a client runs any more, stops it and then
/// [joins](DriverThread::join) the thread.
///
/// # Errors
///
/// As [`connect`].
pub fn connect_with_thread(config: impl Into<Config>) -> Result<(Client, DriverThread), ConnectError> {
    let (connecting, driver) = kpthin_client::connect(Threads::default(), config);
    let thread = drive::spawn(driver);
    // Without a thread the driver is gone by now, and connecting says so.
    Ok((connecting.wait()?, thread))
}
