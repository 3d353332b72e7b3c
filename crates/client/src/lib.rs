//! A client for the Katzenpost daemon that works on any executor: handles, calls, events and one generic driver.

mod block;
mod call;
mod cell;
mod client;
mod config;
mod connect;
mod driver;
mod envelope;
mod events;
mod flow;
mod io;
mod pause;
mod shared;
mod slots;
mod status;
#[cfg(test)]
mod tests;
mod trace;

pub use call::{Call, Canceller, WaitError};
pub use client::{Client, Read, TombstoneReport, Tombstones};
pub use config::{Config, ConfigError, Endpoint, Family, FirstConnect};
pub use connect::{ConnectError, Connecting, connect};
pub use driver::Driver;
pub use envelope::{Confirm, EncryptedRead, EncryptedWrite, EnvelopeError, WhenUnwritten};
pub use events::{BlockingEvents, Events, Recv};
pub use flow::FlowKind;
pub use io::{Clock, Duplex, Runtime};
pub use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, DaemonError, Fate, InvalidRequest, ReplicaError, Retry},
    machine::{DisconnectCause, Event, HandshakeStep, LinkError, LinkStatus, Status},
    pki, wire,
};
pub use pause::Pause;
pub use status::StatusChanged;
