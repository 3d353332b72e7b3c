//! Whether everything ends well from a state on, if nothing goes wrong any more.

use std::{collections::HashSet, time::Duration};

use kpthin_core::machine::{LinkStatus, Machine};

use super::{Faults, Step, What, World, calls::Stage};

/// Every documented wait is shorter.
const HOURS: Duration = Duration::from_secs(6 * 3_600);
const STEPS_MAX: usize = 20_000;

/// States from which everything ends well.
#[derive(Debug, Default)]
pub(super) struct Honest {
    good: HashSet<u128>,
}

impl World {
    /// Nothing happens here but by time, by the program, or by a fault.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_busy()
    }

    pub(super) fn run_until_up(&mut self) {
        for _ in 0..STEPS_MAX {
            if self.is_up() && !self.is_busy() {
                return;
            }
            let step = self.next_honest().expect("a step towards a link");
            self.apply(step);
        }
        panic!("the link does not come up");
    }

    /// Lets so much time pass with whatever happens in it by itself.
    pub(super) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        for _ in 0..STEPS_MAX {
            let next = self.wakes().into_iter().map(|(at, _)| at).min();
            if !self.is_busy() && next.is_none_or(|at| at > until) {
                self.now = until;
                self.machine.handle_timeout(until);
                self.devnet.handle_timeout(until);
                return self.drain();
            }
            let Some(step) = self.next_honest() else { return };
            self.apply(step);
        }
        self.break_with("no rest".to_owned());
    }
}

impl Honest {
    /// What is wrong with how it ends.
    pub(super) fn judge(&mut self, world: &World) -> Option<String> {
        let mut world = world.clone();
        world.left = Faults::default();
        let mut seen = Vec::new();
        let until = world.now + HOURS;
        for _ in 0..STEPS_MAX {
            if world.broken.is_some() {
                return world.broken;
            }
            if world.is_quiet() {
                let fingerprint = world.told().finish();
                if self.good.contains(&fingerprint) {
                    self.good.extend(seen);
                    return None;
                }
                seen.push(fingerprint);
                if world.has_ended() {
                    let wrong = world.rest();
                    if wrong.is_none() {
                        self.good.extend(seen);
                    }
                    return wrong;
                }
            }
            let next = world.next_honest().filter(|_| world.now < until);
            let Some(step) = world.end_of_a_poll().or(next) else { break };
            world.apply(step);
        }
        let open: Vec<_> = world.open().map(|(number, _)| world.plan.calls[number].what).collect();
        Some(format!("{open:?} hang"))
    }
}

impl World {
    fn has_ended(&self) -> bool {
        self.open().next().is_none()
    }

    /// A read that waits for a box which nobody writes ends only when it is cancelled.
    fn end_of_a_poll(&self) -> Option<Step> {
        let (poll, _) = self.open().next()?;
        let all = || self.open().all(|(number, _)| self.plan.calls[number].may_wait(&self.devnet));
        (self.is_quiet() && all()).then_some(Step::Cancel(poll))
    }

    /// All calls have ended: what is left of them?
    fn rest(mut self) -> Option<String> {
        if self.closed {
            return self.machine_wake.map(|_| "a closed machine wants to be woken".to_owned());
        }
        let ghosts = self.ghosts.len();
        // Longer than what is kept for calls that were given up, and for sessions.
        self.pass(Duration::from_secs(1_000).max(self.plan.setting.grace + Duration::from_secs(400)));
        if self.broken.is_some() {
            return self.broken;
        }
        let status = self.machine.status();
        if (status.queued, status.outstanding) != (0, 0) {
            return Some(format!(
                "left behind: {} queued, {} outstanding",
                status.queued, status.outstanding
            ));
        }
        // A link that only the client still has is as good as one that is up.
        if status.link != LinkStatus::Up {
            return Some(format!("the link is {:?} in the end", status.link));
        }
        if self.machine_wake.is_some() {
            return Some("a machine without calls wants to be woken".to_owned());
        }
        let operations = self.devnet.operations();
        if operations > 0 && ghosts == 0 && !self.link.as_ref().is_some_and(|link| link.unseen) {
            return Some(format!("the daemon still works on {operations} operations for nobody"));
        }
        self.compare_with_a_new_one()
    }

    /// A link later, the machine is like one that never had a call.
    fn compare_with_a_new_one(self) -> Option<String> {
        // Replies that may still come for messages are remembered, as documented.
        let abandoned = self.plan.calls.iter().zip(&self.calls).any(|(prepared, call)| match prepared.what {
            What::Message => call.stage != Stage::Ended(None),
            What::MessageWithoutReply => true,
            _ => false,
        });
        // So are cancels that the daemon may read yet, until it is another process.
        if abandoned || self.old_cancels {
            return None;
        }
        let mut new = self.clone();
        new.machine = Machine::new(self.plan.setting.machine(), [43; 32], self.now);
        new.calls.clear();
        new.link = None;
        new.ghosts.clear();
        new.drain();
        new.run_until_up();
        let [old, new] = [self, new].map(Self::machine_a_link_later);
        (old != new).then(|| "the machine is not like one that never had these calls".to_owned())
    }

    fn machine_a_link_later(mut self) -> u128 {
        self.pass(Duration::from_secs(20));
        if let Some(link) = self.link.take() {
            if let Some(conn) = link.conn {
                self.devnet.handle_disconnected(self.now, conn);
            }
            let cause = kpthin_core::machine::DisconnectCause::EndOfFile;
            self.machine.handle_disconnected(self.now, link.id, cause);
        }
        self.drain();
        self.run_until_up();
        self.pass(Duration::from_secs(60));
        let mut to = kpthin_core::testing::Fingerprint::new(self.now);
        self.machine.fingerprint(&mut to);
        to.finish()
    }
}
