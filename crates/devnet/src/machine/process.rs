//! The daemon's process: whether it runs, and what of it ends when it does not (§3.5).

use std::time::Duration;

use kpthin_core::Instant;
use kpthin_core::wire::InstanceToken;

use super::connections::Crash;
use crate::entropy::SeededEntropy;
use crate::env::Env;
use crate::faults::Faults;
use crate::pigeonhole::Entropy;
use crate::schedule::{Schedule, Ticket};

/// How long a daemon is away that said it stops and comes back by itself.
const AWAY: Duration = Duration::from_secs(1);
/// What happens again and again does so no more often, or the daemon would do nothing else.
const PERIOD_MIN: Duration = Duration::from_millis(1);
/// After so long a missing SURB id ends the process.
const CRASH_AFTER: Duration = Duration::from_millis(4_500);

/// Whether the daemon runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It ended without a word.
    Crashed(Crash),
    /// It said that it stops, and will be there again by itself.
    Returning,
    Running,
    ShutDown,
}

/// What happens to the process by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// It crashes.
    Crash,
    /// Its first document is there.
    Document,
    /// A fault takes the mix network away or brings it back.
    Flap,
    /// A fault, or the time it was to be away, starts it anew.
    Restart,
    /// A fault stops it.
    ShutDown,
}

/// The daemon's process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    pub(super) state: State,
    instance_token: InstanceToken,
    /// When its first document will be there; none once it is.
    document: Option<Ticket>,
    schedule: Schedule<Due>,
    entropy: SeededEntropy,
}

impl Process {
    pub(super) fn new(env: &Env<'_>, seed: [u8; 32]) -> Self {
        let mut entropy = SeededEntropy::new(seed);
        let instance_token = InstanceToken::from(entropy.draw::<16>());
        let schedule = Schedule::default();
        let mut process = Self { state: State::Running, instance_token, document: None, schedule, entropy };
        process.await_document(env);
        process
    }

    /// Has it start anew, with another mark.
    pub(super) fn restart(&mut self, env: &Env<'_>) {
        self.state = State::Running;
        self.instance_token = InstanceToken::from(self.entropy.draw::<16>());
        self.schedule.retain(|due| *due != Due::Crash);
        self.await_document(env);
    }

    fn await_document(&mut self, env: &Env<'_>) {
        if let Some(ticket) = self.document.take() {
            self.schedule.cancel(ticket);
        }
        let wait = env.timing().first_document;
        if !wait.is_zero() {
            self.document = Some(self.schedule.add(env.now + wait, Due::Document));
        }
    }

    #[cfg(feature = "testing")]
    pub(super) fn tell(&self, to: &mut kpthin_core::testing::Fingerprint) {
        to.tag(&format!("{:?} {}", self.state, self.document.is_some()));
        to.name(self.instance_token.as_bytes());
        to.list(self.schedule.iter(), |to, (at, due)| {
            to.time(at);
            to.tag(&format!("{due:?}"));
        });
    }

    /// Counts the planned events.
    #[cfg(test)]
    pub(super) fn planned(&self) -> usize {
        self.schedule.len()
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.schedule.next_at()
    }

    /// Takes what is due.
    pub(super) fn handle_timeout(&mut self, env: &Env<'_>) -> Option<Due> {
        let due = self.schedule.pop_due(env.now)?;
        let faults = env.injector.faults();
        match due {
            Due::Crash => {}
            Due::Document => self.document = None,
            Due::Flap => self.plan_again(env, faults.flapping, due),
            Due::Restart => self.plan_again(env, faults.restarts, due),
            Due::ShutDown => self.plan_again(env, faults.shutdowns, due),
        }
        Some(due)
    }

    /// Whether the daemon has had time to fetch a document since it was started.
    pub(super) const fn has_fetched(&self) -> bool {
        self.document.is_none()
    }

    pub(super) const fn instance_token(&self) -> InstanceToken {
        self.instance_token
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Has it come back by itself.
    pub(super) fn return_soon(&mut self, env: &Env<'_>) {
        self.state = State::Returning;
        self.schedule.add(env.now + AWAY, Due::Restart);
    }

    /// Has it crash in a while.
    pub(super) fn crash_soon(&mut self, env: &Env<'_>) {
        self.schedule.add(env.now + CRASH_AFTER, Due::Crash);
    }

    /// Plans what faults do to it from now on.
    pub(super) fn plan_faults(&mut self, env: &Env<'_>) {
        self.schedule.retain(|due| !matches!(due, Due::Flap | Due::Restart | Due::ShutDown));
        let Faults { flapping, restarts, shutdowns, .. } = *env.injector.faults();
        self.plan_again(env, flapping, Due::Flap);
        self.plan_again(env, restarts, Due::Restart);
        self.plan_again(env, shutdowns, Due::ShutDown);
        // A daemon that is to come back does so, whatever is planned from now on.
        if self.state == State::Returning {
            self.return_soon(env);
        }
    }

    fn plan_again(&mut self, env: &Env<'_>, every: Duration, due: Due) {
        if !every.is_zero() {
            self.schedule.add(env.now + every.max(PERIOD_MIN), due);
        }
    }
}
