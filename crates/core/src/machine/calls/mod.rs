//! The calls that have not ended: what is written when, what is written again, how each of them ends.

mod agenda;
mod call;
mod cancelling;
mod cancels;
mod clock;
mod ending;
mod fencing;
#[cfg(any(test, feature = "testing"))]
mod fingerprint;
mod key;
mod lanes;
mod late;
mod links;
mod locals;
mod messages;
mod pace;
mod places;
mod probe;
pub(crate) mod rebase;
#[cfg(test)]
mod recount;
mod replay;
mod replies;
mod silence;
mod starting;
mod suspects;
mod table;
pub(super) mod validate;
mod wire;
mod writing;

use alloc::collections::BTreeMap;
use core::time::Duration;

pub use self::pace::OperationPace;
use self::{
    agenda::Agenda, cancels::Cancels, key::Key, lanes::Lanes, late::Remembered, pace::Paces, table::Table,
    wire::Wire,
};
pub(super) use self::{call::Origin, replies::names_courier};
use super::{
    CallId, Role,
    seed::{Purpose, Seed},
};
use crate::wire::SurbId;

/// All calls, and what has to be remembered for them.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    table: Table,
    /// The call that lives under each key.
    live: BTreeMap<Key, CallId>,
    cancels: Cancels,
    lanes: Lanes,
    agenda: Agenda,
    /// Messages that left and ended before their reply. That of one that is forgotten counts as traffic without progress.
    late: Remembered<SurbId>,
    /// Keys whose cancels were written to this daemon and not answered before their link ended; it may read them yet.
    unanswered_cancels: Remembered<Key>,
    /// The longest that the daemon worked on a slow request.
    slowest: Option<Duration>,
    /// How fast the network answers.
    paces: Paces,
    /// What they have on the link, while there is one.
    wire: Option<Wire>,
    role: Role,
    seed: Seed,
    query_prefix: u64,
    /// The next value of the counter that calls, their turns, queries and messages share.
    minted: u64,
}

impl Calls {
    pub(super) fn new(role: Role, seed: Seed) -> Self {
        Self {
            table: Table::default(),
            live: BTreeMap::new(),
            cancels: Cancels::default(),
            lanes: Lanes::default(),
            agenda: Agenda::default(),
            late: Remembered::default(),
            unanswered_cancels: Remembered::default(),
            slowest: None,
            paces: Paces::default(),
            wire: None,
            role,
            query_prefix: u64::from_be_bytes(seed.derive(Purpose::QueryPrefix, 0)),
            seed,
            minted: 0,
        }
    }

    /// All that have not ended on the wire.
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    const fn mint(&mut self) -> u64 {
        let next = self.minted;
        self.minted += 1;
        next
    }

    /// The name of a further call.
    pub(super) const fn next_id(&mut self) -> CallId {
        CallId(self.mint())
    }
}
