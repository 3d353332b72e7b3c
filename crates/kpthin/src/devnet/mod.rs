//! The embedded daemon, how a client reaches it without a socket, and a simulation in virtual time.
//!
//! # Testing an application
//!
//! An application that takes a [`Client`](kpthin_client::Client) is tested in five lines, because the
//! daemon comes with the test. In real time, on tokio:
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::Arc;
//! # use kpthin::{Client, CallError, Read, devnet::{self, DevnetConfig, Server}};
//! # async fn my_application(client: &Client) -> Result<(), CallError> {
//! #     let stream = client.create_stream().await?;
//! #     client.write(&stream.write_cap, &stream.first_message_index, "note").await?;
//! #     let read = client.read(&stream.read_cap, &stream.first_message_index).await?;
//! #     assert!(matches!(read, Read::Message { .. }));
//! #     Ok(())
//! # }
//! let net = Arc::new(Server::start(DevnetConfig::instant(), [7; 32])?);
//! let client = kpthin::tokio::connect(devnet::in_process(&net)).await?;
//! my_application(&client).await?;
//! net.restart(); // what does it do when the daemon dies?
//! my_application(&client).await?;
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! In virtual time, where a network that takes seconds for every step takes none, days pass in
//! milliseconds, and nothing depends on the speed of the machine:
//!
//! ```
//! # use kpthin::{Client, CallError, Read, devnet::{DevnetConfig, Simulation}};
//! # async fn my_application(client: &Client) -> Result<(), CallError> {
//! #     let stream = client.create_stream().await?;
//! #     client.write(&stream.write_cap, &stream.first_message_index, "note").await?;
//! #     while client.read(&stream.read_cap, &stream.first_message_index).await? == Read::NotWritten {
//! #         client.pause(std::time::Duration::from_secs(5)).await;
//! #     }
//! #     Ok(())
//! # }
//! let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
//! let client = sim.block_on(sim.connect())?;
//! sim.block_on(my_application(&client))?;
//! sim.net().restart();
//! sim.block_on(my_application(&client))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What goes wrong on a real network can be had on purpose, from the seed:
//!
//! ```
//! # use kpthin::{Client, CallError, Read, devnet::{DevnetConfig, Faults, Simulation}};
//! # async fn my_application(client: &Client) -> Result<(), CallError> {
//! #     let stream = client.create_stream().await?;
//! #     client.write(&stream.write_cap, &stream.first_message_index, "note").await?;
//! #     Ok(())
//! # }
//! # let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
//! # let client = sim.block_on(sim.connect())?;
//! let faults = "loss=0.3".parse::<Faults>()?.and("restarts=60000".parse()?);
//! sim.net().with(|net, now| net.set_faults(now, faults));
//! sim.block_on(my_application(&client))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What happened in the network can be looked at and changed: [`Server::with`] reaches the machine,
//! [`Devnet::read_box`] the content of a box, [`Server::set_mixnet`] and [`Server::shutdown`] take
//! things away. Test on all profiles: [`DevnetConfig::instant`] is a daemon as it should be,
//! [`DevnetConfig::reference`] one as it was observed, with its delays and its mistakes, and
//! [`DevnetConfig::reference_2026_10`] a newer one. Each of the mistakes, [`Quirks`], can be had alone.

mod simulation;

use std::{
    io,
    sync::Arc,
    task::{Context, Poll},
};

use kpthin_client::{Config, Duplex};
#[doc(inline)]
pub use kpthin_devnet::*;

pub use self::simulation::{Simulation, Sleep};

/// A connection within the process: no port, no path.
///
/// The client does not keep the devnet running: once it is dropped, dialling is refused.
pub fn in_process(net: &Arc<Server>) -> Config {
    let net = Arc::downgrade(net);
    Config::connector(move || {
        let end = net.upgrade().map(|net| End(net.connect_in_process()));
        async { end.ok_or_else(|| io::ErrorKind::ConnectionRefused.into()) }
    })
}

/// The client's end of a pipe.
struct End(Pipe);

impl Duplex for End {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_shutdown(cx)
    }
}
