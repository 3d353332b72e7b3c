//! The machine and a daemon joined by a simulated wire, for suites that need more than one crate.
//!
//! [`Pair`] holds both sides in one thread. Time is virtual and jumps to the next moment at which
//! something can happen, so hours pass in milliseconds and nothing sleeps. Whatever is random
//! comes from the seed, which is printed when a test fails.

pub mod adapters;
mod after;
pub mod bodies;
pub mod boxes;
mod campaign;
mod daemon;
pub mod every;
pub mod explore;
pub mod fuzz;
mod net;
mod pair;
mod profiles;
mod proxy;
mod rng;
pub mod sample;
mod scripted;
mod solo;
mod tap;
mod wire;

pub use after::{After, answered_or_lost};
pub use campaign::{Played, campaign};
pub use daemon::{Conn, Daemon};
pub use net::Net;
pub use pair::{Completion, Pair};
pub use profiles::{changes, newer_without, older_with, profiles, quick, references};
pub use proxy::Proxy;
pub use rng::Rng;
pub use scripted::{Scripted, Talk};
pub use solo::Solo;
pub use tap::{Tap, Written};
pub use wire::{Cut, Direction, HIDDEN_FOR, How};

/// A number that somebody set for a longer or a narrower run.
#[must_use]
pub fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
