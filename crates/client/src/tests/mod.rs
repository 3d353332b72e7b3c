//! The client as a whole, against a peer in memory and a clock that only moves when told.

mod basic;
mod calls;
mod ending;
mod flows;
mod link;
#[cfg(feature = "tracing")]
mod tracing;
mod waiting;
mod world;
