//! Reading many streams at once.

use std::{fmt, time::Duration};

use kpthin_client::{Call, CallError, Client};

use crate::{
    error::StreamError,
    reader::{Delivery, Pauses, ReaderState},
    readers::Readers,
    wait::Waiting,
};

/// How much of the daemon's time a reader of an [`Inbox`] gets.
///
/// The daemon encrypts one question after the other, for seconds each. While there is more to ask
/// for than it can do, shares count; while there is less, the pauses do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the three cases are all there are")]
pub enum Attention {
    /// Somebody looks at it: sixteen shares, pauses of at most half a minute.
    Foreground,
    /// Four shares, pauses of at most two minutes.
    #[default]
    Normal,
    /// One share, pauses of at most ten minutes.
    Background,
}

impl Attention {
    /// The reverse of the share.
    pub(crate) const fn stride(self) -> u64 {
        match self {
            Self::Foreground => 1,
            Self::Normal => 4,
            Self::Background => 16,
        }
    }

    fn pauses(self) -> Pauses {
        let longest = match self {
            Self::Foreground => return Pauses::default(),
            Self::Normal => 2 * 60,
            Self::Background => 10 * 60,
        };
        Pauses { longest: Duration::from_secs(longest), ..Pauses::default() }
    }
}

/// Reads many streams, each under a key of the program's: one scheduler for all of them.
///
/// At most ten boxes are asked for at once, over the client's companion link, so that hundreds of
/// waiting readers don't hold up a write. Whose turn it is, goes by [`Attention`].
///
/// # Examples
///
/// ```
/// use kpthin_client::Client;
/// use kpthin_streams::{Attention, Inbox, ReaderState, StreamError};
///
/// async fn read_all(client: &Client, contacts: Vec<(String, ReaderState)>) -> Result<(), StreamError> {
///     let inbox = Inbox::new(client);
///     for (name, state) in contacts {
///         inbox.insert(name, state, Attention::Normal);
///     }
///     loop {
///         let (name, delivery) = inbox.next().await?;
///         match delivery {
///             // Store `delivery.after` together with the item.
///             Ok(delivery) => println!("{name}: {:?}", delivery.item),
///             Err(error) => println!("{name} can't be read: {error}"),
///         }
///     }
/// }
/// ```
pub struct Inbox<K> {
    readers: Readers<K>,
}

impl<K: Clone + Ord + Send + 'static> Inbox<K> {
    /// An inbox without readers.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { readers: Readers::new(client) }
    }

    /// Adds a reader under a key, and returns the state of one that it replaces.
    pub fn insert(&self, key: K, state: ReaderState, attention: Attention) -> Option<ReaderState> {
        self.readers.change(|schedule| schedule.insert(key, state, attention, attention.pauses()))
    }

    /// Takes a reader away and returns its state. What it asked for is cancelled.
    pub fn remove(&self, key: &K) -> Option<ReaderState> {
        self.readers.change(|schedule| schedule.remove(key))
    }

    /// Changes how much attention a reader gets; tells whether there is one with this key.
    pub fn set_attention(&self, key: &K, attention: Attention) -> bool {
        self.readers.change(|schedule| schedule.set_attention(key, attention, attention.pauses()))
    }

    /// The keys of all readers, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.readers.look(|schedule| schedule.keys().cloned().collect())
    }

    /// Waits for the next item of any reader; those that have one take turns.
    ///
    /// With the key comes the delivery, or the error of this reader as
    /// [`StreamReader::next`](crate::StreamReader::next) has them: it stays where it is and tries
    /// again, and the others go on.
    ///
    /// # Errors
    ///
    /// [`StreamError::Call`]: the client was stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping it loses nothing.
    pub fn next(&self) -> Waiting<(K, Result<Delivery, StreamError>)> {
        let readers = self.readers.clone();
        Waiting::new(self.readers.client().clone(), move |cx| readers.poll_next(cx))
    }

    /// Looks whether the boxes of a reader have expired; see
    /// [`StreamReader::skip_expired`](crate::StreamReader::skip_expired).
    ///
    /// # Errors
    ///
    /// As [`Client::ask`].
    pub fn skip_expired(&self, key: K, max: u32) -> Call<bool> {
        self.readers.skip_expired(key, max)
    }

    /// The state of a reader at the item that it delivers next.
    ///
    /// `None` if there is no such reader, or its stream is at its end.
    #[must_use]
    pub fn state(&self, key: &K) -> Option<ReaderState> {
        self.readers.state(key)
    }

    /// Why the last look of a reader failed, while it goes on trying.
    #[must_use]
    pub fn trouble(&self, key: &K) -> Option<CallError> {
        self.readers.trouble(key)
    }

    /// How long a sweep takes: the longest time between the last two looks for the same reader.
    ///
    /// A message is seen at most so long after it has arrived. `None` until every reader was looked
    /// for twice.
    #[must_use]
    pub fn sweep(&self) -> Option<Duration> {
        self.readers.look(|schedule| schedule.sweep())
    }
}

impl<K> fmt::Debug for Inbox<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").finish_non_exhaustive()
    }
}
