//! What there is in a link, for a search that recognises states.

use super::{
    super::{LinkId, waits::HEALTHY},
    Link,
    phase::{Close, Connection, ConnectionStage, Phase},
};
use crate::testing::Fingerprint;

impl Link {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint) {
        match &self.phase {
            Phase::Closed => to.tag("closed"),
            Phase::Down { retry_at } => to.time(*retry_at),
            Phase::On(connection) => connection.tell(to),
        }
        self.session.tell(to);
        self.backoff.tell(to);
    }
}

impl Connection {
    fn tell(&self, to: &mut Fingerprint) {
        self.id.tell(to);
        self.budget.tell(to);
        to.frames(self.frames.pending());
        to.tag(&alloc::format!("{:?} {} {}", self.stage.presented(), self.heard, self.shuts_down));
        match &self.stage {
            ConnectionStage::Closing(Close::Due { at_latest }) => to.time(*at_latest),
            ConnectionStage::Closing(Close::Over) => to.tag("closed"),
            ConnectionStage::Connecting => to.tag("connecting"),
            ConnectionStage::Ending { cause, reading, .. } => to.tag(&alloc::format!("{cause} {reading:?}")),
            ConnectionStage::Greeting { step, since } => {
                to.tag(&alloc::format!("{step:?}"));
                to.time(*since);
            }
            ConnectionStage::Presenting { since, .. } => to.time(*since),
            ConnectionStage::Up { since } => to.age(*since, HEALTHY),
        }
    }
}

impl LinkId {
    pub(in super::super) fn tell(self, to: &mut Fingerprint) {
        to.name(&[&b"link"[..], &self.0.to_be_bytes()].concat());
    }
}
