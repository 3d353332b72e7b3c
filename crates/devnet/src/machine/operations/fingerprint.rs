//! What there is in operations, for a search that recognises states.

use kpthin_core::testing::Fingerprint;

use super::{Due, Operation, Operations, Target, Wait};

impl Operations {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint) {
        to.list(&self.table, |to, (id, operation)| {
            id.tell(to);
            operation.tell(to);
        });
        to.number(self.effects.len());
        to.list(self.schedule.iter(), |to, (at, due)| {
            to.time(at);
            match due {
                Due::Opened(id, payload) => {
                    to.name(payload);
                    id.tell(to);
                }
                Due::Resend(id) => {
                    to.tag("resend");
                    id.tell(to);
                }
            }
        });
    }
}

impl Operation {
    fn tell(&self, to: &mut Fingerprint) {
        to.name(self.app.as_bytes());
        to.name(self.query_id.as_bytes());
        to.name(self.hash.as_bytes());
        to.name(&self.ciphertext);
        to.tag(match self.target {
            Target::Copy => "copy",
            Target::Read { polls: true, .. } => "polling read",
            Target::Read { polls: false, .. } => "read",
            Target::Write { strict: true } => "strict write",
            Target::Write { strict: false } => "write",
        });
        to.tag(match self.wait {
            Wait::Opening(_) => "opening",
            Wait::Orphaned => "orphaned",
            Wait::Packet(_) => "packet",
            Wait::Pause(_) => "pause",
            Wait::Turn => "turn",
        });
        // Only whether it was sent twice makes a difference.
        to.number(self.packets.min(2));
        to.name(&crate::network::courier_name(self.courier));
        to.tag(&format!("{} {}", self.hidden, self.cancelled));
    }
}
