//! Writing a stream, box after box.

mod flow;
mod receipt;
pub(crate) mod state;
mod tasks;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    future::Future,
    ops::RangeInclusive,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use kpthin_client::{Client, FlowKind, StatusChanged, wire::SecretBytes};

use self::tasks::Tasks;
pub use self::{
    receipt::{Outcome, PushError, RangeError, Receipt, Seq},
    state::WriterState,
};
use crate::{
    engine::{self, Engine},
    error::StreamError,
    wait::{Waiters, Waiting, wake},
};

/// What the handle and the flow share.
struct Inner {
    tasks: Tasks,
    engine: Engine,
    waiters: Waiters,
}

struct Shared(Mutex<Inner>);

impl Shared {
    /// Also after a panic: every change under the lock is complete or was not begun.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a stream as its only writer, so that no box ever gets two contents and readers find no
/// hole.
///
/// A message goes through four steps, and a crash between any two of them repeats nothing and loses
/// nothing:
///
/// 1. [`push`](Self::push) binds the next box to the message. Nothing is sent.
/// 2. The program saves [`state`](Self::state).
/// 3. [`release`](Self::release) has it sent, several boxes at once. A box that fails holds those
///    behind it and is sent again, with the same content, for as long as it takes.
/// 4. [`receipt`](Self::receipt) tells what became of it.
///
/// A program that keeps no state uses [`send`](Self::send), which does the first three at once.
///
/// Dropping the writer leaves what is released running; see [`Client::stop_after`].
///
/// # Examples
///
/// ```
/// use kpthin_client::Client;
/// use kpthin_streams::{Outcome, StreamWriter, WriterState};
///
/// # fn save(_: &[u8]) -> std::io::Result<()> { Ok(()) }
/// async fn say(client: &Client, state: WriterState, text: &str) -> Result<(), Box<dyn std::error::Error>> {
///     let writer = StreamWriter::new(client, state);
///     let seq = writer.push(text)?;
///     save(&writer.state().to_bytes())?;
///     writer.release(seq)?;
///
///     let receipt = writer.receipt().await?;
///     assert_eq!((receipt.seq, receipt.outcome), (seq, Outcome::Stored));
///     save(&writer.state().to_bytes())?;
///     Ok(())
/// }
/// ```
pub struct StreamWriter {
    client: Client,
    shared: Arc<Shared>,
}

impl StreamWriter {
    /// A writer that goes on where `state` is. What is in a state is saved, and is sent at once.
    #[must_use]
    pub fn new(client: &Client, state: WriterState) -> Self {
        let inner =
            Inner { tasks: Tasks::new(state), engine: Engine::default(), waiters: Waiters::default() };
        let writer = Self { client: client.clone(), shared: Arc::new(Shared(Mutex::new(inner))) };
        writer.news();
        writer
    }

    /// Binds the next box to a message, for ever. Sends nothing.
    ///
    /// # Errors
    ///
    /// [`PushError`] if the message is empty or longer than a box can hold
    /// ([`Client::max_message_len`]), if that is not known yet, if 4,096 boxes have no receipt yet, or
    /// if the writer has stopped. Nothing has changed then.
    pub fn push(&self, body: impl Into<SecretBytes>) -> Result<Seq, PushError> {
        let limit = self.client.max_message_len();
        self.shared.lock().tasks.push(body.into(), limit)
    }

    /// Sends what was pushed up to this box, which a saved state holds now.
    ///
    /// # Errors
    ///
    /// [`RangeError::NotPushed`] for a box that was not.
    pub fn release(&self, seq: Seq) -> Result<(), RangeError> {
        self.shared.lock().tasks.release(seq)?;
        self.news();
        Ok(())
    }

    /// Pushes a message and releases it at once, for programs that keep no state.
    ///
    /// After a crash the box must not be written again by a writer that does not know of it.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn send(&self, body: impl Into<SecretBytes>) -> Result<Seq, PushError> {
        let seq = self.push(body)?;
        // Just pushed, so it can be released.
        let _ = self.release(seq);
        Ok(seq)
    }

    /// Deletes boxes that were pushed before, once all of them have been written.
    ///
    /// Save the state afterwards, or a crash forgets it. Each box gets a receipt,
    /// [`Outcome::Deleted`]. Finding the first box takes a step for each box between it and the
    /// beginning of the stream, some microseconds each.
    ///
    /// # Errors
    ///
    /// [`RangeError`] if the range is empty or reaches beyond what was pushed, or if the writer has
    /// stopped. Nothing has changed then.
    pub fn tombstone(&self, boxes: RangeInclusive<Seq>) -> Result<(), RangeError> {
        self.shared.lock().tasks.tombstone(&boxes)?;
        self.news();
        Ok(())
    }

    /// The state to save: after [`push`](Self::push), before [`release`](Self::release).
    #[must_use]
    pub fn state(&self) -> WriterState {
        self.shared.lock().tasks.state()
    }

    /// Waits for the next receipt. They come in the order of what was asked for, at least once each:
    /// a box whose receipt is not in a saved state gets it again after a restart.
    ///
    /// # Errors
    ///
    /// - [`StreamError::Stopped`]: a receipt that [is final](Outcome::is_final) was the last one.
    /// - [`StreamError::Call`]: the client was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing.
    pub fn receipt(&self) -> Waiting<Receipt> {
        self.waiting(|tasks| match tasks.take_receipt() {
            Some(receipt) => Some(Ok(receipt)),
            None => tasks.is_silent().then_some(Err(StreamError::Stopped)),
        })
    }

    /// Waits until everything that was released is written and deleted, whether receipts are taken
    /// or not.
    ///
    /// # Errors
    ///
    /// As [`receipt`](Self::receipt), which then tells more.
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect: the boxes go out all the same.
    pub fn flush(&self) -> Waiting<()> {
        self.waiting(|tasks| {
            if tasks.has_stopped() {
                return Some(Err(StreamError::Stopped));
            }
            (!tasks.has_work()).then_some(Ok(()))
        })
    }

    fn waiting<T: 'static>(
        &self,
        mut look: impl FnMut(&mut Tasks) -> Option<Result<T, StreamError>> + Send + 'static,
    ) -> Waiting<T> {
        let this = Self { client: self.client.clone(), shared: self.shared.clone() };
        let mut closing = Closing::new(&this.client);
        Waiting::new(self.client.clone(), move |cx| {
            {
                let mut inner = this.shared.lock();
                if let Some(result) = look(&mut inner.tasks) {
                    return Poll::Ready(result);
                }
                inner.waiters.add(cx);
            }
            this.news();
            // Nothing may be under way that would notice.
            closing.poll(cx, &this.client).map(Err)
        })
    }

    /// Has the flow look at what is new.
    fn news(&self) {
        let (start, waker) = {
            let mut inner = self.shared.lock();
            let start = if inner.tasks.has_work() { inner.engine.start() } else { None };
            (start, inner.engine.news())
        };
        wake(waker);
        if let Some(run) = start {
            let shared = self.shared.clone();
            let spawned =
                engine::spawn(&self.client, FlowKind::Finite, |client| flow::run(client, shared, run));
            if spawned.is_err() {
                // Whoever waits finds out why.
                let _ = self.shared.lock().engine.end(run);
            }
        }
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// Waits for the end of a client.
struct Closing(StatusChanged);

impl Closing {
    fn new(client: &Client) -> Self {
        Self(client.status_changed())
    }

    fn poll(&mut self, cx: &mut Context<'_>, client: &Client) -> Poll<StreamError> {
        loop {
            if let Some(error) = engine::closed(client) {
                return Poll::Ready(error.into());
            }
            if Pin::new(&mut self.0).poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.0 = client.status_changed();
        }
    }
}
