//! What there is in connections, for a search that recognises states.

use kpthin_core::testing::Fingerprint;

use super::conn::{Conn, Phase, Wait, Work};
use super::greeting::Gate;
use super::{Connections, Due};

impl Connections {
    pub(in super::super) fn tell(&self, to: &mut Fingerprint) {
        to.list(&self.table, |to, (id, conn)| {
            id.tell(to);
            conn.tell(to);
        });
        for line in [&self.ready, &self.waiting] {
            to.list(line, |to, id| id.tell(to));
        }
        to.list(&self.closed, |to, (id, _)| id.tell(to));
        to.list(&self.transmit, |to, id| id.tell(to));
        to.number(self.tasks.len());
        to.number(u8::from(self.news.document.is_some()));
        to.list(self.schedule.iter(), |to, (at, due)| {
            to.time(at);
            let (tag, id) = match due {
                Due::FrameDeadline(id) => ("frame deadline", id),
                Due::Gate(id) => ("gate", id),
                Due::Greet(id) => ("greet", id),
                Due::LocalDone(id) => ("local done", id),
                Due::ReadOn(id) => ("read on", id),
                Due::SilenceDeadline(id) => ("silence deadline", id),
                Due::WriteDeadline(id) => ("write deadline", id),
            };
            to.tag(tag);
            id.tell(to);
        });
    }
}

impl Conn {
    fn tell(&self, to: &mut Fingerprint) {
        to.name(self.app.as_bytes());
        to.tag(match self.phase {
            Phase::Greeting(Wait::InLine) => "in line",
            Phase::Greeting(Wait::Until(_)) => "greeting",
            Phase::Leaving(_) => "leaving",
            Phase::Serving => "serving",
        });
        match &self.gate {
            Gate::Held { missed, .. } => to.tag(&format!("{missed:?}")),
            Gate::Open => to.tag("open"),
        }
        match &self.work {
            Work::Blocked(queued) => queued.tell(to),
            Work::Idle => to.tag("idle"),
            Work::Local(_, call) => {
                to.tag(call.job.kind().name());
                to.option(call.query_id, |to, id| to.name(id.as_bytes()));
                to.name(call.app.as_bytes());
            }
            Work::Rest(_) => to.tag("rest"),
        }
        to.option(self.stamp, |to, app| to.name(app.as_bytes()));
        to.tag(&format!("{:?} {}", self.end, self.has_read));
        to.frames(self.inbound.pending());
        to.frames(&self.outbound.iter().flatten().copied().collect::<Vec<_>>());
    }
}
