//! The side that was given a voucher and answers it.

use std::fmt;

use kpthin_client::{
    Client,
    record::{Head, RecordWriter},
    wire::{SecretBytes, Voucher, WriteCap},
};

use super::{VoucherError, check_len, publish, receive, second};
use crate::{error::StateError, reader::ReaderState};

const HEAD: Head = Head { magic: *b"KPTS", kind: b'i', version: 1 };

/// Somebody who can be read from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contact {
    /// How the joiner wants to be called. It is signed by the joiner, and by nobody else.
    pub display_name: String,
    /// Where to read what the joiner writes.
    pub reader: ReaderState,
}

/// What an inductor keeps until its answer is published.
///
/// # When to save it
///
/// Before [`Inductor::reply`]: the answer is random, and another one would lead the joiner elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct InductorState {
    contact: Contact,
    sealed_reply: SecretBytes,
    /// The voucher's stream.
    stream: WriteCap,
}

impl InductorState {
    /// The bytes to store. Whoever has them can read the contact.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let (name, reply) = (self.contact.display_name.as_bytes(), &self.sealed_reply);
        let len = 168 + ReaderState::LEN + 4 + name.len() + 4 + reply.len();
        let mut writer = RecordWriter::new(HEAD, len);
        writer.put(self.stream.as_bytes());
        self.contact.reader.put(&mut writer);
        writer.put_counted(name);
        writer.put_counted(reply);
        writer.finish()
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`StateError::Record`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = HEAD.open(bytes)?;
        let stream = WriteCap::from(*reader.array::<168>()?);
        let contact = ReaderState::take(&mut reader)?;
        let name = String::from_utf8(reader.counted()?.to_vec());
        let display_name = name.map_err(|_| kpthin_client::record::RecordError::Damaged)?;
        let sealed_reply = reader.counted()?.into();
        reader.end()?;
        Ok(Self { contact: Contact { display_name, reader: contact }, sealed_reply, stream })
    }
}

impl fmt::Debug for InductorState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InductorState({:?})", self.contact.display_name)
    }
}

/// Answers a voucher.
///
/// 1. [`accept`](Self::accept) finds the invitation and prepares the answer; save the state.
/// 2. [`reply`](Self::reply) publishes the answer and deletes the invitation.
/// 3. [`contact`](Self::contact) tells who it is and where to read.
///
/// The futures are made of calls: await them on any executor, or use [`Client::block_on`] on a plain
/// thread. Each step can be taken again after a crash.
pub struct Inductor {
    client: Client,
    state: InductorState,
}

impl Inductor {
    /// Waits for the invitation that a voucher leads to, and prepares an answer to it.
    ///
    /// `who_reply` is what the joiner shall know, for example capabilities to read; it has to fit into
    /// one box with some 370 bytes around it.
    ///
    /// # Errors
    ///
    /// [`VoucherError::Used`] if it was answered and deleted already; [`VoucherError::Call`] with
    /// `TooLarge` if the answer does not fit, and with the daemon's codes 28 and 29 if the invitation
    /// is not genuine.
    pub async fn accept(
        client: &Client,
        voucher: &Voucher,
        who_reply: impl Into<SecretBytes>,
    ) -> Result<InductorState, VoucherError> {
        let who_reply = who_reply.into();
        let stream = client.voucher_derive_stream(voucher).await?;
        let read_cap = stream.voucher_read_cap;
        let payload = receive(client, &read_cap, read_cap.index()).await?;
        let inducted = client.voucher_induct(voucher, payload, who_reply).await?;
        check_len(client, &inducted.sealed_reply)?;
        let cap = inducted.mutated_message_read_cap;
        let index = cap.index();
        Ok(InductorState {
            contact: Contact { display_name: inducted.display_name, reader: ReaderState::new(cap, index)? },
            sealed_reply: inducted.sealed_reply,
            stream: stream.voucher_write_cap,
        })
    }

    /// An inductor that goes on where `state` is.
    #[must_use]
    pub fn new(client: &Client, state: InductorState) -> Self {
        Self { client: client.clone(), state }
    }

    /// The state to save.
    #[must_use]
    pub const fn state(&self) -> &InductorState {
        &self.state
    }

    /// Who it is, and where to read what they write.
    #[must_use]
    pub const fn contact(&self) -> &Contact {
        &self.state.contact
    }

    /// Publishes the answer, then deletes the invitation. Doing it again is harmless.
    ///
    /// # Errors
    ///
    /// [`VoucherError::Taken`] if somebody else who knows the voucher was faster: then the contact
    /// writes elsewhere. Otherwise what the network said.
    pub async fn reply(&self) -> Result<(), VoucherError> {
        let stream = &self.state.stream;
        let answer = second(&stream.read_cap())?;
        publish(&self.client, stream, &answer, &self.state.sealed_reply).await?;
        let report = self.client.tombstone(stream, &stream.index(), 1).await?;
        match report.boxes.into_iter().find_map(|report| report.result.err()) {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Inductor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inductor").field("state", &self.state).finish_non_exhaustive()
    }
}
