//! The Katzenpost thin-client protocol as a state machine without I/O.
//!
//! A program reaches the Katzenpost mix network through a daemon on its own machine, over a local
//! socket. This crate is everything about that socket's protocol that needs no socket: framing,
//! all requests and responses in both directions ([`wire`]), the network's documents and service
//! discovery ([`pki`]), errors that say whose fault it is ([`error`]), and the [`machine`] that
//! decides what is sent when, what is sent again after the link is lost, and how every call ends.
//!
//! It is not a client: it opens no socket, reads no clock and draws no random number. Time and a
//! seed come in as arguments, bytes go in and out as slices, and one driver drains what the
//! machine wants done. The crate `kpthin-client` is such a driver with handles around it; most
//! programs want the facade crate `kpthin`.
//!
//! # Examples
//!
//! A frame is made and read by the same code that the client, the embedded daemon and the tests
//! use:
//!
//! ```
//! use kpthin_core::wire::{AnyRequest, NewKeypair, QueryId, RequestFrame, Seed};
//!
//! let request = RequestFrame {
//!     query_id: Some(QueryId::from([7; 16])),
//!     request: NewKeypair { seed: Seed::from([1; 32]) }.into(),
//! };
//! let mut bytes = Vec::new();
//! request.encode(&mut bytes)?;
//!
//! let (prefix, body) = bytes.split_at(4);
//! assert_eq!(prefix, (body.len() as u32).to_be_bytes());
//! assert_eq!(RequestFrame::decode(body)?, Some(request));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! Where to start: [`machine::Machine`] for the protocol, [`wire::RequestKind`] for the list of
//! requests.
#![no_std]
#![warn(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::string_slice,
    clippy::panic,
    clippy::unreachable,
    clippy::match_wildcard_for_single_variants,
    clippy::wildcard_enum_match_arm,
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod cbor;
pub mod error;
pub mod frame;
pub mod machine;
pub mod pki;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod time;
pub mod wire;

pub use time::Instant;
