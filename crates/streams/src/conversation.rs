//! Two streams that belong together: one to write, one to read.

use kpthin_client::{
    Client,
    record::{Head, RecordWriter},
    wire::SecretBytes,
};

use crate::{
    error::StateError,
    reader::{Delivery, ReaderState, StreamReader},
    writer::{StreamWriter, WriterState},
};

const HEAD: Head = Head { magic: *b"KPTS", kind: b'c', version: 1 };

/// The states of a [`Conversation`], to be saved as one.
///
/// # When to save it
///
/// As both of its halves: after a push and before its release, and with each item that was read, in
/// the same transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a conversation has two sides")]
pub struct ConversationState {
    /// Of the stream that this side writes.
    pub writer: WriterState,
    /// Of the stream that the other side writes.
    pub reader: ReaderState,
}

impl ConversationState {
    /// The bytes to store. They are as secret as the capabilities and the messages in them.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, self.writer.len() + ReaderState::LEN);
        self.writer.put(&mut writer);
        self.reader.put(&mut writer);
        writer.finish()
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`StateError::Record`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = HEAD.open(bytes)?;
        let (writer, read) = (WriterState::take(&mut reader)?, ReaderState::take(&mut reader)?);
        reader.end()?;
        Ok(Self { writer, reader: read })
    }
}

/// A stream to write and a stream to read: what two people need to talk.
///
/// Each side makes a stream of its own and gives its read capability to the other, over a channel
/// that both trust.
///
/// # Examples
///
/// ```
/// use kpthin_client::Client;
/// use kpthin_streams::{Conversation, ConversationState, Item};
///
/// async fn answer(client: &Client, state: ConversationState) -> Result<(), Box<dyn std::error::Error>> {
///     let talk = Conversation::new(client, state);
///     let delivery = talk.reader().next().await?;
///     if let Item::Message(question) = &delivery.item {
///         let seq = talk.writer().push([b"you said: ", &question[..]].concat())?;
///         // Store `talk.state_after(&delivery).to_bytes()` together with the item.
///         talk.writer().release(seq)?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Conversation {
    writer: StreamWriter,
    reader: StreamReader,
}

impl Conversation {
    /// A conversation that goes on where `state` is.
    #[must_use]
    pub fn new(client: &Client, state: ConversationState) -> Self {
        Self {
            writer: StreamWriter::new(client, state.writer),
            reader: StreamReader::new(client, state.reader),
        }
    }

    /// The stream that this side writes.
    #[must_use]
    pub const fn writer(&self) -> &StreamWriter {
        &self.writer
    }

    /// The stream that the other side writes.
    #[must_use]
    pub const fn reader(&self) -> &StreamReader {
        &self.reader
    }

    /// The state to save; `None` once the stream that is read is at its end.
    #[must_use]
    pub fn state(&self) -> Option<ConversationState> {
        Some(ConversationState { writer: self.writer.state(), reader: self.reader.state()? })
    }

    /// The state to save together with an item.
    #[must_use]
    pub fn state_after(&self, delivery: &Delivery) -> ConversationState {
        ConversationState { writer: self.writer.state(), reader: delivery.after.clone() }
    }
}
