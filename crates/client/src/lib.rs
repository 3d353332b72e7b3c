//! A client for the Katzenpost daemon that works on any executor: handles, calls, events and one
//! generic driver.
//!
//! [`Client`] is the handle that programs hold. Every request is a method that returns a [`Call`]
//! at once; it is under way already. Await it on any executor, or wait for it on a plain thread.
//! Everything that happens, happens in one [`Driver`]: a future that an adapter spawns, or runs on
//! a thread of its own. This crate depends on no runtime: connections, the clock and pauses come
//! from the adapter's [`Runtime`].
//!
//! What it is not: the protocol, which is [`kpthin_core`], and an adapter, such as `kpthin-tokio`.
//! Most programs want the facade crate `kpthin`.
//!
//! # Examples
//!
//! A runtime of a few lines, and a client on it. Nobody listens here, so connecting fails and says
//! where:
//!
//! ```
//! use std::{io, pin::pin, task::{Context, Poll, Waker}};
//! use kpthin_client::{Clock, Config, ConnectError, Duplex, Endpoint, Instant, Runtime};
//!
//! struct NoNetwork(Clock);
//!
//! impl Runtime for NoNetwork {
//!     fn now(&self) -> Instant {
//!         self.0.now()
//!     }
//!
//!     async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Duplex>> {
//!         Err(io::ErrorKind::NetworkUnreachable.into())
//!     }
//!
//!     async fn sleep_until(&self, at: Instant) {
//!         std::thread::sleep(self.0.to_std(at) - std::time::Instant::now());
//!     }
//! }
//!
//! let config = Config::tcp("localhost:64331");
//! let (mut connecting, mut driver) = kpthin_client::connect(NoNetwork(Clock::start()), config);
//!
//! let mut cx = Context::from_waker(Waker::noop());
//! assert!(pin!(driver).poll(&mut cx).is_ready());
//! let Poll::Ready(Err(error)) = pin!(connecting).poll(&mut cx) else { panic!("nobody listens") };
//! assert!(matches!(error, ConnectError::Dial { .. }));
//! assert_eq!(error.to_string(), "tcp:localhost:64331: could not connect: network unreachable");
//! ```

mod block;
mod call;
mod cell;
mod client;
mod config;
mod connect;
mod dial;
mod driver;
mod driver_state;
mod envelope;
mod events;
mod flow;
mod handle;
mod io;
mod machines;
mod pause;
mod permits;
pub mod record;
mod shared;
mod slots;
mod state;
mod status;
#[cfg(test)]
mod tests;
mod trace;

pub use block::{BlockError, unparking_waker};
pub use call::{Call, Canceller, WaitError};
pub use client::{Asked, Client, Read, TombstoneReport, Tombstones};
pub use config::{Config, ConfigError, Endpoint, Family, FirstConnect};
pub use connect::{ConnectError, Connecting, connect};
pub use dial::connect_any;
pub use driver::Driver;
pub use envelope::{Confirm, EncryptedRead, EncryptedWrite, WhenUnwritten};
pub use events::{BlockingEvents, Events, Recv};
pub use flow::FlowKind;
pub use io::{Clock, Duplex, Runtime};
pub use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, DaemonError, Fate, InvalidRequest, ReplicaError, Retry},
    machine::limits::COMPANION_WINDOW as ASKS_AT_ONCE,
    machine::{DisconnectCause, Event, HandshakeStep, LinkError, LinkStatus, Status},
    pki, wire,
};
pub use pause::Pause;
pub use status::StatusChanged;
