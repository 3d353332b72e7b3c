//! How an application is tested: with a daemon in the test, in real time or in virtual time, and with what
//! goes wrong on a real network.
//!
//! An application that takes a [`Client`](crate::Client) is tested in five lines, because the daemon comes
//! with the test. The feature `devnet` is for the test alone:
//!
//! ```toml
//! [dependencies]
//! kpthin = "0.1"
//!
//! [dev-dependencies]
//! kpthin = { version = "0.1", features = ["devnet"] }
//! ```
//!
//! The daemon and its network compute real capabilities, ciphers and signatures, which takes forty times as long
//! without optimisation. Tests need not wait for that: dependencies are optimised, once, while the application stays
//! as it is for the debugger. A test that writes and reads a hundred boxes took 12.2 s before, and 0.3 s with this:
//!
//! ```toml
//! [profile.dev.package."*"] # in the Cargo.toml of the workspace
//! opt-level = 2
//! ```
//!
//! # In real time
//!
//! Here on tokio; every adapter takes [`in_process`](crate::devnet::in_process):
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
//! # In virtual time
//!
//! A [`Simulation`](crate::devnet::Simulation) runs daemon, clients and application in one thread. A
//! network that takes seconds for every step takes none, days pass in milliseconds, and nothing depends on
//! the speed of the machine:
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
//! The same seed lets the same things happen, so a failure comes back for whoever runs the test again, and
//! many seeds are many tests. An application that draws random numbers of its own has to take them from
//! the seed too; its pauses are [`Client::pause`](crate::Client::pause) or
//! [`Simulation::sleep`](crate::devnet::Simulation::sleep).
//!
//! A test that would hang fails, after a simulated day or another
//! [patience](crate::devnet::Simulation::set_patience), and says what the client and the daemon were about.
//! Where the end of the patience is what the test expects,
//! [`try_block_on`](crate::devnet::Simulation::try_block_on) makes it an error, and
//! [`advance`](crate::devnet::Simulation::advance) lets weeks pass:
//!
//! ```
//! # use kpthin::{Read, devnet::{DevnetConfig, Simulation, StallCause}};
//! # use std::time::Duration;
//! const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
//!
//! let mut config = DevnetConfig::reference();
//! config.epoch_period = WEEK; // or a document is made and sent for every two minutes of them
//! let sim = Simulation::new(config, [7; 32]);
//! let client = sim.block_on(sim.connect())?;
//! let stream = sim.block_on(client.create_stream())?;
//! let write = || client.write(&stream.write_cap, &stream.first_message_index, "note");
//!
//! sim.net().set_mixnet(false);
//! let stalled = sim.try_block_on(write()).unwrap_err();
//! assert_eq!(stalled.cause, StallCause::Patience);
//! println!("{stalled}");
//!
//! sim.net().set_mixnet(true);
//! sim.block_on(write())?;
//! sim.advance(3 * WEEK); // a box is kept for two
//! let read = sim.block_on(client.read(&stream.read_cap, &stream.first_message_index))?;
//! assert_eq!(read, Read::NotWritten);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What goes wrong
//!
//! What goes wrong on a real network can be had on purpose, from the seed
//! ([`Faults`](crate::devnet::Faults) lists it all), from the first connection on:
//!
//! ```
//! # use kpthin::{Client, CallError, Read, devnet::{DevnetConfig, Faults, Simulation}};
//! # async fn my_application(client: &Client) -> Result<(), CallError> {
//! #     let stream = client.create_stream().await?;
//! #     client.write(&stream.write_cap, &stream.first_message_index, "note").await?;
//! #     Ok(())
//! # }
//! let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
//! let faults = ["loss=0.3", "cut=0.1", "restarts=60000"];
//! let faults = faults.iter().map(|text| text.parse::<Faults>());
//! let faults = faults.collect::<Result<Vec<_>, _>>()?.into_iter().fold(Faults::default(), Faults::and);
//! sim.net().with(|net, now| net.set_faults(now, faults));
//! let client = sim.block_on(sim.connect())?;
//! sim.block_on(my_application(&client))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What happened in the network can be looked at and changed:
//! [`Server::with`](crate::devnet::Server::with) reaches the machine,
//! [`Devnet::read_box`](crate::devnet::Devnet::read_box) the content of a box,
//! [`Server::set_mixnet`](crate::devnet::Server::set_mixnet) and
//! [`Server::shutdown`](crate::devnet::Server::shutdown) take things away.
//!
//! # Which daemon
//!
//! Test on all profiles of [`DevnetConfig`](crate::devnet::DevnetConfig): `instant` is a daemon as it should be,
//! `reference` one as it was observed, with its delays and its mistakes, and `reference_2026_10` a newer one. Each of the
//! mistakes, [`Quirks`](crate::devnet::Quirks), can be had alone.
