//! The client as a whole, against a peer in memory and a clock that only moves when told.

mod basic;
mod calls;
mod companion;
mod driver;
mod ending;
mod flows;
mod link;
mod peer;
mod random;
#[cfg(feature = "tracing")]
mod tracing;
mod tries;
mod waiting;
mod world;

pub(crate) use self::world::now;
