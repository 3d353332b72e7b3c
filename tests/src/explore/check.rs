//! How time passes, and what has to be true after every step.

use std::time::Duration;

use kpthin_core::{
    Instant,
    machine::{DisconnectCause, LinkStatus},
};

use super::{Step, Who, World};

/// What is further off than this is out of reach of a search.
pub(super) const FAR: Duration = Duration::from_secs(30 * 86_400);

impl World {
    /// Who has something to do by itself, and when.
    pub(super) fn wakes(&self) -> Vec<(Instant, Who)> {
        let driver = self.link.as_ref().and_then(|link| link.ends).map(|(_, until)| until);
        let wakes =
            [(self.machine_wake, Who::Machine), (self.devnet_wake, Who::Daemon), (driver, Who::Driver)];
        let near = wakes.into_iter().filter_map(|(at, who)| Some((at?, who)));
        near.filter(|(at, _)| at.saturating_since(self.now) < FAR).collect()
    }

    /// Time passes until somebody's has come.
    pub(super) fn wake(&mut self, who: Who) {
        let Some((at, _)) = self.wakes().into_iter().find(|(_, other)| *other == who) else { return };
        if at > self.now && self.is_busy() {
            self.left.delays = self.left.delays.saturating_sub(1);
        }
        self.now = self.now.max(at);
        match who {
            Who::Daemon => self.devnet.handle_timeout(self.now),
            Who::Machine => {
                self.machine.handle_timeout(self.now);
                self.drain();
                if self.machine_wake.is_some_and(|at| at <= self.now) {
                    self.break_with("the machine wants to be woken in the past".to_owned());
                }
            }
            Who::Driver => {
                if let Some(link) = self.link.take() {
                    if let Some(conn) = link.conn.filter(|_| !link.daemon_closed && !link.unseen) {
                        self.devnet.handle_disconnected(self.now, conn);
                    }
                    self.machine.handle_disconnected(self.now, link.id, DisconnectCause::Local);
                }
            }
        }
    }

    /// Checks what has to be true after every step.
    pub(super) fn check(&mut self) {
        let open = self.open().count();
        let status = self.machine.status();
        if status.outstanding != open {
            let text = format!("{open} calls are open, and the machine has {}", status.outstanding);
            self.break_with(text);
        }
        if status.queued > status.outstanding + self.calls.len() {
            self.break_with("more calls are queued than there are".to_owned());
        }
        if self.closed && open > 0 {
            self.break_with("a closed machine leaves calls open".to_owned());
        }
        if status.link == LinkStatus::Down && self.link.is_none() && self.machine_wake.is_none() {
            self.break_with("a machine without link waits for nothing".to_owned());
        }
    }

    /// Does steps in the order in which they happen where nothing goes wrong.
    pub(super) fn next_honest(&self) -> Option<Step> {
        let steps = self.steps();
        let order =
            [Step::StartDaemon, Step::MixnetOn, Step::Accept, Step::Write, Step::Up, Step::Ended, Step::Down];
        order
            .into_iter()
            .find(|step| steps.contains(step))
            .or_else(|| steps.into_iter().find(|step| matches!(step, Step::Time(_))))
    }
}
