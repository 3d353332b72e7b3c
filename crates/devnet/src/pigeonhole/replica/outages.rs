//! Which replicas don't do what they should, and what becomes of requests then.

use std::collections::BTreeSet;

use kpthin_bacap::BoxId;

use super::{Push, Replicas};
use crate::pigeonhole::messages::ReplyInnerMessage;

/// Replicas that are out of order, by number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outages {
    /// They answer nobody.
    pub(crate) down: BTreeSet<u8>,
    /// Other replicas don't reach them.
    pub(crate) partitioned: BTreeSet<u8>,
    /// They have no room for new boxes.
    pub(crate) full: BTreeSet<u8>,
}

impl Replicas {
    pub(crate) fn set_outages(&mut self, outages: Outages) {
        for (number, replica) in &mut self.replicas {
            replica.store.set_full(outages.full.contains(number));
        }
        self.outages = outages;
    }

    /// Whether a replica answers.
    pub(crate) fn answers(&self, number: u8) -> bool {
        !self.outages.down.contains(&number)
    }

    /// Whether a replica can reach another one; itself it always can.
    pub(super) fn reaches(&self, from: u8, to: u8) -> bool {
        let apart = self.outages.partitioned.contains(&from) || self.outages.partitioned.contains(&to);
        from == to || (self.answers(to) && !apart)
    }

    /// Whether a push would arrive now.
    pub(crate) fn can_push(&self, push: &Push) -> bool {
        self.answers(push.from) && self.reaches(push.from, push.replica)
    }

    /// Reads a box from a replica without an envelope, as a courier does for a copy command, if it answers.
    pub(crate) fn ask(&self, number: u8, epoch: u64, box_id: BoxId) -> Option<ReplyInnerMessage> {
        if self.answers(number) { self.read(number, epoch, box_id) } else { None }
    }
}
