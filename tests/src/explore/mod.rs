//! A search of every state that a small world can be in.
//!
//! A [`World`] is a machine, an embedded daemon, the bytes between them, and a list of calls. Every order in which
//! frames arrive, calls start and end, time passes and things go wrong is a row of [`Step`]s. [`search()`] takes them all,
//! breadth first, recognises states it has seen by their fingerprint, and checks each one. What breaks is told with the
//! shortest row of steps that leads there, which [`replay`] repeats.

mod act;
mod calls;
mod check;
mod drive;
mod honest;
mod plan;
mod search;
mod setting;
mod step;
#[cfg(test)]
mod tests;
mod wire;
mod world;
mod worlds;

pub use calls::What;
pub use search::{Finding, Report, replay, search};
pub use setting::{Begin, Faults, Setting};
pub use step::{Step, Who};
pub use world::World;
pub use worlds::{OVERTAKEN, WORLDS};
