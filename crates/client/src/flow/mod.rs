//! Flows: async functions that the driver itself polls.

mod table;
mod task;

#[cfg(test)]
pub(crate) use self::table::FLOWS_MAX;
pub(crate) use self::{
    table::{End, Flows},
    task::{Body, FlowWaker, Task},
};

/// Names a flow of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FlowId(pub(crate) u64);

/// What becomes of a flow when its client is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum FlowKind {
    /// It ends by itself: draining lets it take its remaining steps, until the drain's deadline.
    Finite,
    /// It waits for what may never come: draining ends it at once.
    Standing,
}
