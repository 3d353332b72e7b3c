//! An embedded stand-in for the Katzenpost client daemon, for development and tests; it gives no anonymity.
#![warn(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable
)]

mod config;
mod entropy;
mod machine;
mod network;
pub(crate) mod pigeonhole;

pub use config::{DevnetConfig, Profile, Timing};
pub use machine::{BoxState, ConnId, Devnet, Output};
