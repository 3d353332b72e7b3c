//! How many connections there may be, and how much they may hold.

use super::conn::Conn;
use super::{ConnId, Connections, EndReason};
use crate::env::Env;

/// A wish to be connected beyond this is refused, whatever else is said.
const CONNS_MAX: usize = 1_024;
/// A connection that holds less than this is never the one too many.
const HELD_FREELY: usize = 1 << 20;

impl Connections {
    /// How many there may be, if there are so many.
    pub(in super::super) fn limit_reached(&self, env: &Env<'_>) -> Option<usize> {
        let limit = env.quirks().connection_limit.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(CONNS_MAX).min(CONNS_MAX);
        // Those that left the line before they were greeted keep their place in it.
        (self.table.len().max(self.waiting.len()) >= limit).then_some(limit)
    }

    /// Ends a connection that has just taken more than there is for all.
    pub(super) fn limit_memory(&mut self, env: &Env<'_>, id: ConnId) {
        if self.table.get(&id).is_none_or(|conn| conn.held() < HELD_FREELY) {
            return;
        }
        let held = self.table.values().map(Conn::held).sum::<usize>();
        if held > env.config.memory_max {
            self.cut_for(id, EndReason::Memory);
        }
    }
}
