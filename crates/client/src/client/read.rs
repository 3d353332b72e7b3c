//! Looking into boxes: reading what is there, and asking whether something is.

use kpthin_core::{
    error::{CallError, ReplicaError},
    wire::{MessageBoxIndex, ReadCap, ResendingReply, SecretBytes, StartResendingEncryptedMessage},
};

use super::{
    Client,
    steps::{alone, race},
    tries::{self, BoxOperation},
};
use crate::{
    call::Call,
    envelope::{EncryptedRead, WhenUnwritten},
    flow::FlowKind,
};

/// What a box was found to hold.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the three outcomes are all there are")]
pub enum Read {
    /// A message.
    Message {
        /// Its content.
        plaintext: SecretBytes,
        /// The box after this one.
        next: MessageBoxIndex,
    },
    /// Nothing yet, or nothing any more: replicas keep boxes for one to two weeks.
    NotWritten,
    /// The writer has deleted it, and its signature says so.
    Tombstone {
        /// The box after this one.
        next: MessageBoxIndex,
    },
}

/// The answer to one look into a box.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// What the box was found to hold.
    pub read: Read,
    /// The box after this one, as the daemon steps.
    pub next: MessageBoxIndex,
    /// The replica epoch in which it was asked, a week's number: boxes are kept for the epoch in
    /// which they are written and the next (§6.9). `None` if the envelope did not tell.
    pub replica_epoch: Option<u64>,
}

impl Asked {
    /// An answer as a program's tests may want to have it.
    #[must_use]
    pub const fn new(read: Read, next: MessageBoxIndex, replica_epoch: Option<u64>) -> Self {
        Self { read, next, replica_epoch }
    }
}

impl Client {
    /// Reads a box, once: an unwritten one is not waited for.
    ///
    /// Where it helps, the question is encrypted afresh and tried again. To wait for a box that may
    /// be unwritten, [`ask`](Self::ask) instead.
    ///
    /// # Errors
    ///
    /// What the last try failed with. [`DaemonError::BacapDecryptionFailed`] means that the
    /// capability and the index don't belong together, or that replicas hold a bad box.
    ///
    /// [`DaemonError::BacapDecryptionFailed`]: kpthin_core::error::DaemonError::BacapDecryptionFailed
    pub fn read(&self, read_cap: &ReadCap, index: &MessageBoxIndex) -> Call<Read> {
        let look = Look { read_cap: read_cap.clone(), index: index.clone() };
        self.flow(FlowKind::Finite, |client| async move {
            tries::run(&client, look).await.map(|asked| asked.read)
        })
    }

    /// Asks once whether a box is written, beside everything else that the client does.
    ///
    /// It goes over a link of its own, the *companion*, which is opened at the first ask: the
    /// daemon serves both links in turn, so that a program can ask for many boxes without end and
    /// its writes still leave with every second packet (§9.10). At most 10 asks are on their way at
    /// once; others wait, in the order in which they were made. Asking again is for whoever waits:
    /// pause in between, as `kpthin-streams` does.
    ///
    /// While the companion's link is lost its asks wait; nothing else notices. If the daemon has no room for a second
    /// connection, they go over the first one, at most 3 at once, and the companion is tried again a minute later; it also makes
    /// room if the first link finds none.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    ///
    /// # Cancel safety
    ///
    /// Dropping the call cancels what was asked.
    pub fn ask(&self, read_cap: &ReadCap, index: &MessageBoxIndex) -> Call<Asked> {
        let look = Look { read_cap: read_cap.clone(), index: index.clone() };
        self.flow(FlowKind::Standing, |client| async move {
            let companion = client.companion();
            let permit = companion.permit_to_ask().await;
            if !companion.is_alone() {
                let asked = race(tries::run(&companion, look.clone()), alone(&companion)).await;
                if let Some(asked) = asked {
                    return asked;
                }
            }
            drop(permit);
            // There is no room for the companion.
            let _permit = client.permit_to_ask().await;
            tries::run(&client, look).await
        })
    }
}

/// A look into one box.
#[derive(Clone)]
struct Look {
    read_cap: ReadCap,
    index: MessageBoxIndex,
}

impl BoxOperation for Look {
    type Envelope = EncryptedRead;
    type Answer = Asked;

    const IS_READ: bool = true;

    fn encrypt(&self, client: &Client) -> Call<EncryptedRead> {
        client.encrypt_read(&self.read_cap, &self.index)
    }

    fn request(&self, envelope: &EncryptedRead) -> StartResendingEncryptedMessage {
        envelope.request(&self.read_cap, WhenUnwritten::Report)
    }

    fn answer(
        &self,
        envelope: &EncryptedRead,
        result: Result<ResendingReply, CallError>,
    ) -> Result<Asked, CallError> {
        let next = envelope.next_index().clone();
        let read = match result {
            Ok(reply) => Read::Message { plaintext: reply.plaintext.unwrap_or_default(), next },
            Err(CallError::Replica(ReplicaError::BoxIdNotFound)) => Read::NotWritten,
            Err(CallError::Replica(ReplicaError::Tombstone)) => Read::Tombstone { next },
            Err(error) => return Err(error),
        };
        Ok(Asked { read, next: envelope.next_index().clone(), replica_epoch: envelope.replica_epoch() })
    }
}
