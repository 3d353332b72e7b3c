//! An embedded stand-in for the Katzenpost client daemon, for development and tests; it gives no anonymity.
//!
//! A thin client talks to a daemon, and the daemon to a mix network. Where there is no mix network at hand, in a test or
//! on a developer's machine, a devnet answers instead: it speaks the same protocol, keeps real boxes and stores them by
//! the rules of real replicas. Capabilities, indexes and boxes are byte-identical to those of the real network for the
//! same seed and plaintext, all artefacts have their real sizes, and a program that works here needs another address to
//! work there, nothing else.
//!
//! - [`Devnet`] is the machine: bytes in, bytes out, time and a seed as arguments. A test joins it to a client in one
//!   thread, with virtual time.
//! - [`Server`] drives one on real sockets and on [pipes](Pipe) within the process.
//! - [`DevnetConfig`] says what it is like: [`instant`](DevnetConfig::instant) does what the specification recommends at
//!   once; [`reference`](DevnetConfig::reference) shows the reference daemon as it is, with its losses and its slowness;
//!   [`reference_2026_10`](DevnetConfig::reference_2026_10) a newer one. Test on all of them.
//! - [`Quirks`] is the table of everything in which daemons deviate from the specification; each can be switched alone.
//! - [`Faults`] is the table of what goes wrong on purpose.
//!
//! # What it is not
//!
//! - Not anonymous in any way: no mixing, no cover traffic, reader and writer are linkable, and the process sees every
//!   plaintext, every capability and who asks for what.
//! - Not post-quantum: the key agreement is X25519 alone.
//! - Not a node of a mix network, and no way to reach anyone outside the process or its listening socket.
//! - Not a replacement for the daemon: envelopes and descriptors are of no use with a real one, and the signatures under
//!   its documents are by throw-away keys and prove nothing.
//! - Not a measurement: latencies and failures are simulated.
//!
//! Whoever can connect can do everything, so it listens on the loopback interface only unless told otherwise. All names
//! in its documents begin with `devnet-`.
//!
//! # What is not there yet
//!
//! - The seal of a voucher's answer is a substitute: X25519 alone, in fields of the real sizes. An answer that was sealed
//!   here is opened here and nowhere else; everything else about vouchers is byte-equal to the real network.
//! - Sessions and operations are in memory only, as are the real daemon's; boxes may be kept in a file (feature `store`).
//! - Of the reference's quirks it lacks those that only cost a process its memory: unbounded queues, tombstone ranges and
//!   replies (Q-07), tokens that are never forgotten (Q-04). A document with another geometry does not end it (Q-06), and
//!   a message without a SURB is not malformed, as nobody would notice (Q-21).
//!
//! # Examples
//!
//! A devnet on a free TCP port greets whoever connects:
//!
//! ```
//! use std::io::Read;
//! use std::net::TcpStream;
//!
//! use kpthin_core::wire::AnyResponse;
//! use kpthin_devnet::{DevnetConfig, Server};
//!
//! let net = Server::start(DevnetConfig::instant(), [7; 32])?;
//! let mut stream = TcpStream::connect(net.tcp_addr().expect("started on TCP"))?;
//!
//! let mut prefix = [0; 4];
//! stream.read_exact(&mut prefix)?;
//! let mut body = vec![0; u32::from_be_bytes(prefix) as usize];
//! stream.read_exact(&mut body)?;
//! let Some(AnyResponse::ConnectionStatus(status)) = AnyResponse::decode(&body)? else {
//!     panic!("every connection begins with its status");
//! };
//! assert!(status.is_connected);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![warn(clippy::cast_possible_truncation, clippy::indexing_slicing, clippy::panic, clippy::unreachable)]

mod config;
mod entropy;
mod env;
mod faults;
mod frames;
mod machine;
mod network;
pub(crate) mod pigeonhole;
mod quirks;
mod schedule;
mod server;
mod services;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;

pub use config::{DevnetConfig, Pacing, Profile, Timing};
pub use faults::Faults;
pub use machine::{BoxState, ConnId, Crash, Devnet, EndReason, Output, Record, Traffic};
pub use quirks::Quirks;
pub use server::{Address, NOTICE, Pipe, Server, ServerBuilder, ServerEvent, StartError};
pub use services::{Service, ServiceKind, UnknownService};
pub use settings::SettingError;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
