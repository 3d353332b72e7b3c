//! Reading a stream, box after box.

mod coverage;
mod delivery;
pub(crate) mod lookahead;
pub(crate) mod pace;
pub(crate) mod state;
#[cfg(test)]
mod tests;

use std::fmt;

use kpthin_client::{Call, CallError, Client};

pub use self::{
    delivery::{Delivery, Item},
    pace::Pauses,
    state::ReaderState,
};
use crate::{inbox::Attention, readers::Readers, wait::Waiting};

/// Reads a stream: every box once, in order, waiting for those that are not written yet.
///
/// It reads ahead, several boxes at once, and asks again and again for one that is not there, with
/// [`Pauses`] in between and encrypted afresh each time: the daemon's own polling has missed a
/// write for minutes (§9.10). All of that goes over the companion link of the client, so
/// that readers don't hold up its writes.
///
/// It begins when [`next`](Self::next) is first awaited, and pauses when nobody has asked for more.
/// Errors that pass by themselves are not reported: the reader goes on; see
/// [`trouble`](Self::trouble).
///
/// # Examples
///
/// ```
/// use kpthin_client::Client;
/// use kpthin_streams::{Item, ReaderState, StreamError, StreamReader};
///
/// async fn print_all(client: &Client, state: ReaderState) -> Result<(), StreamError> {
///     let reader = StreamReader::new(client, state);
///     loop {
///         let delivery = reader.next().await?;
///         match &delivery.item {
///             Item::Message(text) => println!("{}", String::from_utf8_lossy(text)),
///             Item::Tombstone => println!("(deleted)"),
///             Item::Gap { boxes } => println!("({boxes} were not read in time)"),
///         }
///         // Store `delivery.after.to_bytes()` together with the item.
///     }
/// }
/// ```
pub struct StreamReader {
    readers: Readers<()>,
}

impl StreamReader {
    /// A reader that goes on where `state` is.
    #[must_use]
    pub fn new(client: &Client, state: ReaderState) -> Self {
        Self::with_pauses(client, state, Pauses::default())
    }

    /// A reader with pauses of its own.
    #[must_use]
    pub fn with_pauses(client: &Client, state: ReaderState, pauses: Pauses) -> Self {
        let readers = Readers::new(client);
        drop(readers.change(|schedule| schedule.insert((), state, Attention::Foreground, pauses)));
        Self { readers }
    }

    /// Waits for the next item.
    ///
    /// # Errors
    ///
    /// The reader stays where it is, and the next call tries again.
    ///
    /// - [`StreamError::Call`](crate::StreamError::Call): the client was stopped, or the box can't
    ///   be read: the capability and the index don't belong together, or replicas hold a bad box.
    /// - [`StreamError::IndexMismatch`](crate::StreamError::IndexMismatch): the daemon goes to
    ///   another box from here.
    /// - [`StreamError::Exhausted`](crate::StreamError::Exhausted): a stream ends after 2⁶⁴ − 1.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing: the item is handed out by the next call.
    pub fn next(&self) -> Waiting<Delivery> {
        let readers = self.readers.clone();
        let client = self.readers.client().clone();
        Waiting::new(client, move |cx| readers.poll_next(cx).map(|next| next.and_then(|(_, item)| item)))
    }

    /// Looks whether the boxes from here on have expired, and if so, makes them a gap.
    ///
    /// Replicas keep a box for one to two weeks. A reader that was away for longer waits at a box
    /// that will never be there again. This looks for a later box within `max` boxes, and declares
    /// those before it gone only if
    ///
    /// - two replica epochs have begun since the reader was last served, and
    /// - it was not there to see that the box was still unwritten, and
    /// - the box is still not there when it is asked for again two minutes later.
    ///
    /// So a box that is only late is not skipped. Returns whether [`next`](Self::next) now delivers
    /// an [`Item::Gap`]; otherwise nothing has changed. It takes minutes.
    ///
    /// # Errors
    ///
    /// As [`Client::ask`].
    ///
    /// # Cancel safety
    ///
    /// Dropping it has no effect, or that which it has when it ends.
    pub fn skip_expired(&self, max: u32) -> Call<bool> {
        self.readers.skip_expired((), max)
    }

    /// The state at the item that [`next`](Self::next) delivers next; `None` at the stream's end.
    ///
    /// What is to be saved is mostly [`Delivery::after`]; see [`ReaderState`].
    #[must_use]
    pub fn state(&self) -> Option<ReaderState> {
        self.readers.state(&())
    }

    /// Why the last look failed, while the reader goes on trying.
    #[must_use]
    pub fn trouble(&self) -> Option<CallError> {
        self.readers.trouble(&())
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader").field("state", &self.state()).finish_non_exhaustive()
    }
}
