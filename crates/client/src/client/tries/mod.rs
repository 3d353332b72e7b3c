//! Tries of one operation, beside each other, until one of them is answered.

mod one;
mod patience;

use std::{collections::VecDeque, future::poll_fn, task::Poll, time::Duration};

use kpthin_core::{
    Instant,
    error::{CallError, Fate, Retry},
};

pub(super) use self::one::BoxOperation;
pub(crate) use self::patience::{Late, Others};
use self::{
    one::{Step, Try},
    patience::Patience,
};
use super::{
    Client,
    steps::{next, race},
};

/// Tries of one operation on their way at once.
const AT_ONCE: usize = 3;
/// Until a try is looked at again: what is known of the others may have changed.
const LOOK: Duration = Duration::from_secs(10);

/// The pause after the first refusal; the next ones are twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a pause lasts at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Refusals after which the last one is reported: about a minute and a half of pauses.
const REFUSALS_MAX: u32 = 8;

/// What is done about tries that take too long.
enum Remedy {
    /// The box is encrypted once more, beside them.
    Beside,
    /// The oldest one is started again.
    Again,
}

/// The tries of one operation.
struct Tries<'a, O: BoxOperation> {
    client: &'a Client,
    operation: O,
    /// Those on their way, the oldest first.
    running: VecDeque<Try<O>>,
    patience: Patience,
    pause: Duration,
    refusals: u32,
    /// How the try with the worst fate ended.
    worst: Option<CallError>,
}

/// Tries an operation until it is answered, with as many tries as make sense.
///
/// One that takes much longer than others do is started again, or gets another one beside it: what is written is the same
/// to the byte, and what is read is only looked at, so it does not matter which one is answered, nor how many of them.
pub(super) async fn run<O: BoxOperation>(client: &Client, operation: O) -> Result<O::Answer, CallError> {
    let mut tries = Tries {
        client,
        operation,
        running: VecDeque::new(),
        patience: Patience::default(),
        pause: PAUSE,
        refusals: 0,
        worst: None,
    };
    tries.begin();
    loop {
        match tries.due() {
            Ok(remedy) => tries.mend(&remedy),
            Err(left) => match tries.step(left).await {
                None | Some((_, Step::Started)) => {}
                Some((at, Step::Ended(Ok(answer)))) => {
                    tries.answered(at);
                    return Ok(answer);
                }
                Some((at, Step::Ended(Err(error)))) => tries.failed(at, error).await?,
            },
        }
    }
}

impl<O: BoxOperation> Tries<'_, O> {
    fn begin(&mut self) {
        self.running.push_back(Try::encrypting(self.client, &self.operation));
    }

    /// What happens next, and to which try; `None` if nothing has for so long, or something else may be due now.
    async fn step(&mut self, left: Duration) -> Option<(usize, Step<O::Answer>)> {
        let Self { client, operation, running, .. } = self;
        let changed = client.status_changed();
        let status = client.status();
        let begun = client.now();
        let step = poll_fn(|cx| {
            let mut polls = running.iter_mut().enumerate();
            let step = polls.find_map(|(at, it)| match it.poll(cx, client, operation) {
                Poll::Pending => None,
                Poll::Ready(step) => Some((at, step)),
            });
            step.map_or(Poll::Pending, Poll::Ready)
        });
        if !status.is_connected() {
            // That time counts against nobody.
            let step = race(step, next(changed, &status)).await;
            let time = client.now().saturating_since(begun);
            running.iter_mut().for_each(|it| it.lasted.disconnected(time));
            return step;
        }
        race(step, race(client.pause(left.min(LOOK)), changed)).await
    }

    /// What to do now about tries that have taken too long, or how long to wait until there may be something.
    fn due(&mut self) -> Result<Remedy, Duration> {
        for at in 0..self.running.len() {
            let written_at = self.running.get(at).and_then(|it| self.progress(it).0);
            if let Some(it) = self.running.get_mut(at) {
                it.lasted.written(written_at);
            }
        }
        let (Some(oldest), Some(newest)) = (self.running.front(), self.running.back()) else {
            return Err(LOOK);
        };
        let now = self.client.now();
        let (oldest_at, others) = self.progress(oldest);
        let (newest_at, _) = self.progress(newest);
        let age = oldest.lasted.since_written(now);
        let until_again = match age {
            Some(age) if others.answered_since(oldest_at) => {
                self.patience.with_oldest(others).saturating_sub(age)
            }
            _ => LOOK,
        };
        let (remedy, left) = match newest_at {
            // It waits for the daemon.
            None if self.running.len() == 1 => return Err(LOOK),
            // It waits for the daemon, or for a place that others hold.
            None => (Remedy::Again, others.lateness().saturating_sub(newest.lasted.in_all(now))),
            Some(at) => {
                let left = self.patience.with(others, at).saturating_sub(newest.lasted.in_all(now));
                let has_room = self.running.len() < AT_ONCE && !others.is_crowded();
                (if has_room { Remedy::Beside } else { Remedy::Again }, left)
            }
        };
        // The oldest one has to have had its time.
        let had = others.lateness().saturating_sub(age.unwrap_or_default());
        let left = if matches!(remedy, Remedy::Again) { left.max(had) } else { left };
        match (until_again, left) {
            (Duration::ZERO, _) => Ok(Remedy::Again),
            (_, Duration::ZERO) => Ok(remedy),
            (until_again, left) => Err(until_again.min(left)),
        }
    }

    /// Some tries have taken too long.
    fn mend(&mut self, remedy: &Remedy) {
        if let (Some(oldest), Some(newest)) = (self.running.front(), self.running.back()) {
            let (newest_at, others) = self.progress(newest);
            if self.running.len() == 1 || matches!(remedy, Remedy::Again) {
                self.note_late(oldest);
            }
            if newest_at.is_some() {
                self.patience.lost(others, newest_at);
            }
        }
        match remedy {
            Remedy::Beside => self.begin(),
            Remedy::Again => {
                if let Some(oldest) = self.running.pop_front() {
                    self.note(&CallError::TimedOut(Fate::MaybeExecuted));
                    self.running.push_back(oldest.again(self.client, &self.operation));
                }
            }
        }
    }

    fn progress(&self, it: &Try<O>) -> (Option<Instant>, Others) {
        self.client.shared().progress(self.client.handle.role(), it.key(), O::IS_READ)
    }

    /// A try was answered, maybe long after an earlier one should have been.
    fn answered(&self, at: usize) {
        let now = self.client.now();
        let late = self.running.iter().take(at).any(|earlier| {
            let (written_at, others) = self.progress(earlier);
            written_at.is_some_and(|written_at| others.is_late(written_at, now))
        });
        self.client.shared().note_try(late);
    }

    /// Tells the others that a try was late, if that says anything.
    fn note_late(&self, it: &Try<O>) {
        let (written_at, others) = self.progress(it);
        if others.answered_since(written_at)
            && written_at.is_some_and(|written_at| others.is_late(written_at, self.client.now()))
        {
            self.client.shared().note_try(true);
        }
    }

    /// A try has failed: pauses before another one, if the error is one that another try may get over.
    async fn failed(&mut self, at: usize, error: CallError) -> Result<(), CallError> {
        self.running.remove(at);
        let counts = match error {
            CallError::Cancelled(_) | CallError::Closed(..) | CallError::TimedOut(_) => {
                return Err(self.report(error));
            }
            // The machine has no room: that says nothing against this operation.
            CallError::TooManyCalls => false,
            _ => match error.retry() {
                Retry::Later | Retry::ReEncrypt | Retry::Same if self.refusals < REFUSALS_MAX => true,
                _ => return Err(self.report(error)),
            },
        };
        if counts {
            self.refusals += 1;
            self.note(&error);
        }
        if self.running.is_empty() {
            self.client.pause(self.pause).await;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
            self.begin();
        }
        Ok(())
    }

    fn note(&mut self, error: &CallError) {
        if self.worst.as_ref().is_none_or(|worst| worst.fate() < error.fate()) {
            self.worst = Some(error.clone());
        }
    }

    /// The error to report when a try failed with `error`: that one, unless another try had a worse
    /// fate or still has it, which must not be hidden.
    fn report(&mut self, error: CallError) -> CallError {
        if self.running.iter().any(|other| self.progress(other).0.is_some()) {
            self.note(&CallError::TimedOut(Fate::MaybeExecuted));
        }
        self.worst.take().filter(|worst| worst.fate() > error.fate()).unwrap_or(error)
    }
}
