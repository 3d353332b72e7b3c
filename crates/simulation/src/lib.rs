//! An embedded daemon, its clients and a program in one thread, on a clock that jumps: tests of Katzenpost
//! programs in virtual time.
//!
//! [`Simulation`] joins a [devnet](kpthin_devnet) and any number of [clients](kpthin_client) on one
//! simulated clock and one seed. Days pass in milliseconds, nothing depends on how fast the machine
//! is, and the same seed lets the same things happen, to the last byte on the last link.
//! [`in_process()`] is the connection it uses, for programs that test in real time.
//!
//! It is for tests. What runs in it has no secrets: everything random follows from the seed. Programs
//! have it as `kpthin::devnet`; how an application is tested with it is told in `kpthin::testing`.
//!
//! # Examples
//!
//! A network that works like the reference takes seconds for each step; here it takes none:
//!
//! ```
//! use kpthin_devnet::DevnetConfig;
//! use kpthin_simulation::Simulation;
//!
//! let sim = Simulation::new(DevnetConfig::reference(), [7; 32]);
//! let client = sim.block_on(sim.connect())?;
//! let stream = sim.block_on(client.create_stream())?;
//! sim.block_on(client.write(&stream.write_cap, &stream.first_message_index, "milk"))?;
//! assert!(sim.now().since_origin().as_secs() > 5);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod clients;
mod in_process;
mod runtime;
mod simulation;
mod stalled;
mod tasks;
mod time;

pub use in_process::{InProcess, in_process};
pub use simulation::Simulation;
pub use stalled::{DevnetStatus, StallCause, Stalled};
pub use time::Sleep;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
