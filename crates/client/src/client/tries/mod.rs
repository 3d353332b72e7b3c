//! Tries of one operation, beside each other, until one of them is answered.

use std::{
    collections::VecDeque,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::{CallError, Fate, Retry},
    wire::{ResendingReply, StartResendingEncryptedMessage},
};

use super::{
    Client,
    patience::{Lasted, Others, Patience},
    steps::{next, race},
};
use crate::{call::Call, machines::CallKey};

/// Tries of one operation on their way at once. One more takes the place of the oldest.
const AT_ONCE: usize = 3;
/// Until a try is looked at again: what is known of the others may have changed.
const LOOK: Duration = Duration::from_secs(10);

/// The pause after the first refusal; the next ones are twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a pause lasts at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Refusals after which the last one is reported: about a minute and a half of pauses.
const REFUSALS_MAX: u32 = 8;

/// What is done to a box, any number of times if need be: something is encrypted, and sent until it
/// is answered.
pub(super) trait BoxOperation: Send + Sync {
    /// What is encrypted afresh for every try.
    type Envelope: Send + Sync + Unpin;
    /// What the caller wants.
    type Answer: Send;

    /// Whether it reads rather than writes.
    const IS_READ: bool;

    fn encrypt(&self, client: &Client) -> Call<Self::Envelope>;

    fn request(&self, envelope: &Self::Envelope) -> StartResendingEncryptedMessage;

    /// What the daemon's answer means, which may be an answer even if it is an error.
    fn answer(
        &self,
        envelope: &Self::Envelope,
        result: Result<ResendingReply, CallError>,
    ) -> Result<Self::Answer, CallError>;
}

/// One try.
enum Try<O: BoxOperation> {
    Encrypting(Call<O::Envelope>),
    Started { call: Call<ResendingReply>, envelope: O::Envelope },
}

/// What happens to a try.
enum Step<A> {
    Ended(Result<A, CallError>),
    Started,
}

impl<O: BoxOperation> Try<O> {
    const fn key(&self) -> Option<CallKey> {
        match self {
            Self::Encrypting(_) => None,
            Self::Started { call, .. } => call.key(),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, client: &Client, operation: &O) -> Poll<Step<O::Answer>> {
        match self {
            Self::Encrypting(call) => Pin::new(call).poll(cx).map(|encrypted| match encrypted {
                Ok(envelope) => {
                    let call = client.start_resending_encrypted_message(operation.request(&envelope));
                    *self = Self::Started { call, envelope };
                    Step::Started
                }
                Err(error) => Step::Ended(Err(error)),
            }),
            Self::Started { call, envelope } => {
                Pin::new(call).poll(cx).map(|result| Step::Ended(operation.answer(envelope, result)))
            }
        }
    }
}

/// The tries of one operation.
struct Tries<'a, O: BoxOperation> {
    client: &'a Client,
    operation: O,
    /// Those on their way, the oldest first.
    running: VecDeque<Try<O>>,
    /// When the newest one began, and how long that is in connected time.
    begun: Instant,
    lasted: Lasted,
    patience: Patience,
    pause: Duration,
    refusals: u32,
    /// How the try with the worst fate ended.
    worst: Option<CallError>,
}

/// Tries an operation until it is answered, with as many tries as make sense.
///
/// A try that takes much longer than others do gets another one beside it: what is written is the same to the
/// byte, and what is read is only looked at, so it does not matter which one is answered, nor how many of them.
pub(super) async fn run<O: BoxOperation>(client: &Client, operation: O) -> Result<O::Answer, CallError> {
    let mut tries = Tries {
        client,
        operation,
        running: VecDeque::new(),
        begun: client.now(),
        lasted: Lasted::default(),
        patience: Patience::default(),
        pause: PAUSE,
        refusals: 0,
        worst: None,
    };
    tries.begin();
    loop {
        match tries.step().await {
            Some((_, Step::Started)) => {}
            Some((at, Step::Ended(Ok(answer)))) => {
                tries.answered(at);
                return Ok(answer);
            }
            Some((at, Step::Ended(Err(error)))) => tries.failed(at, error).await?,
            None => tries.overdue(),
        }
    }
}

impl<O: BoxOperation> Tries<'_, O> {
    fn begin(&mut self) {
        self.running.push_back(Try::Encrypting(self.operation.encrypt(self.client)));
        (self.begun, self.lasted) = (self.client.now(), Lasted::default());
    }

    /// What happens next, and to which try; `None` if the newest one has taken too long.
    async fn step(&mut self) -> Option<(usize, Step<O::Answer>)> {
        let Self { client, operation, running, begun, lasted, patience, .. } = self;
        let newest = running.back().and_then(Try::key);
        let oldest = running.front().and_then(Try::key).filter(|_| running.len() >= AT_ONCE);
        let is_alone = running.len() == 1;
        let step = poll_fn(|cx| {
            let mut polls = running.iter_mut().enumerate();
            let step = polls.find_map(|(at, it)| match it.poll(cx, client, operation) {
                Poll::Pending => None,
                Poll::Ready(step) => Some((at, step)),
            });
            step.map_or(Poll::Pending, Poll::Ready)
        });
        let overdue = async {
            loop {
                let changed = client.status_changed();
                let status = client.status();
                if !status.is_connected() {
                    next(changed, &status).await;
                    continue;
                }
                let now = client.now();
                let (written_at, others) = client.shared().progress(client.handle.role(), newest, O::IS_READ);
                let left = match written_at {
                    Some(at) => patience.with(others, written_at).saturating_sub(lasted.since(at, now)),
                    // It waits for the daemon, or for a place that others hold.
                    None if is_alone => LOOK,
                    None => others.lateness().saturating_sub(lasted.since(*begun, now)),
                };
                // One more would take the place of the oldest, which has to have had its time.
                let (oldest_at, _) = client.shared().progress(client.handle.role(), oldest, O::IS_READ);
                let aged = oldest_at
                    .map_or(Duration::ZERO, |at| others.lateness().saturating_sub(now.saturating_since(at)));
                let left = left.max(aged);
                if left.is_zero() {
                    return patience.lost(others, written_at);
                }
                let _ = race(client.pause(left.min(LOOK)), changed).await;
                lasted.add(client.now().saturating_since(now));
            }
        };
        race(step, overdue).await
    }

    /// The newest try has taken too long.
    fn overdue(&mut self) {
        let is_written = self.newest_is_written();
        if self.running.len() >= AT_ONCE || !is_written {
            // Whatever the others wait for, this one holds a place of theirs.
            self.note_late(self.running.front());
            self.running.pop_front();
            self.note(&CallError::TimedOut(Fate::MaybeExecuted));
        } else if self.running.len() == 1 {
            self.note_late(self.running.front());
        }
        if is_written {
            self.begin();
        } else {
            (self.begun, self.lasted) = (self.client.now(), Lasted::default());
        }
    }

    fn progress(&self, it: Option<&Try<O>>) -> (Option<Instant>, Others) {
        self.client.shared().progress(self.client.handle.role(), it.and_then(Try::key), O::IS_READ)
    }

    fn newest_is_written(&self) -> bool {
        self.progress(self.running.back()).0.is_some()
    }

    /// A try was answered, maybe long after an earlier one should have been.
    fn answered(&self, at: usize) {
        let now = self.client.now();
        let late = self.running.iter().take(at).any(|earlier| {
            let (written_at, others) = self.progress(Some(earlier));
            written_at.is_some_and(|written_at| others.is_late(written_at, now))
        });
        self.client.shared().note_try(late);
    }

    /// Tells the others that a try was late, if that says anything.
    fn note_late(&self, it: Option<&Try<O>>) {
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
        if self.running.iter().any(|other| self.progress(Some(other)).0.is_some()) {
            self.note(&CallError::TimedOut(Fate::MaybeExecuted));
        }
        self.worst.take().filter(|worst| worst.fate() > error.fate()).unwrap_or(error)
    }
}
