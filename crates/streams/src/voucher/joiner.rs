//! The side that invites: it gives out a voucher and is answered.

use std::fmt;

use kpthin_client::{
    Call, Client,
    record::{Head, RecordWriter},
    wire::{SecretBytes, Voucher, VoucherSecretKey, WriteCap},
};

use super::{VoucherError, check_len, publish, receive, second};
use crate::{error::StateError, writer::WriterState};

const HEAD: Head = Head { magic: *b"KPTS", kind: b'n', version: 1 };

/// What a joiner keeps until it is answered.
///
/// # When to save it
///
/// Before [`Joiner::publish`]: without the key in it the answer can't be opened.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinerState {
    voucher: Voucher,
    payload: SecretBytes,
    /// The voucher's stream.
    stream: WriteCap,
    secret_key: VoucherSecretKey,
    /// The stream that the joiner will write, before it is mutated.
    message: WriteCap,
}

impl JoinerState {
    /// The bytes to store. They are as secret as the stream that will be written.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = RecordWriter::new(HEAD, 32 + 168 + 162 + 168 + 4 + self.payload.len());
        writer.put(self.voucher.as_bytes());
        writer.put(self.stream.as_bytes());
        writer.put(self.secret_key.as_bytes());
        writer.put(self.message.as_bytes());
        writer.put_counted(&self.payload);
        writer.finish()
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`StateError::Record`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let mut reader = HEAD.open(bytes)?;
        let state = Self {
            voucher: Voucher::from(*reader.array::<32>()?),
            stream: WriteCap::from(*reader.array::<168>()?),
            secret_key: VoucherSecretKey::from(*reader.array::<162>()?),
            message: WriteCap::from(*reader.array::<168>()?),
            payload: reader.counted()?.into(),
        };
        reader.end()?;
        Ok(state)
    }
}

impl fmt::Debug for JoinerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinerState(..)")
    }
}

/// What a joiner has when it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Joined {
    /// What the inductor wanted the joiner to know, for example capabilities to read.
    pub who_reply: SecretBytes,
    /// Where the joiner writes from now on.
    ///
    /// It is another stream than the one the voucher was minted for, so that nobody who only knows the
    /// voucher can read it.
    pub writer: WriterState,
}

/// Invites somebody by a voucher: 32 bytes that go over a channel both trust, once.
///
/// 1. [`mint`](Self::mint) makes the voucher; save the state.
/// 2. [`publish`](Self::publish) puts the invitation where the voucher leads.
/// 3. Hand over [`voucher`](Self::voucher). Whoever has it can read the invitation and answer it.
/// 4. [`join`](Self::join) waits for the answer; save what it returns.
///
/// The futures are made of calls: await them on any executor, or use [`Client::block_on`] on a plain
/// thread. Each step can be taken again after a crash.
pub struct Joiner {
    client: Client,
    state: JoinerState,
}

impl Joiner {
    /// Makes a voucher for a stream that this side will write, under a name that the other side sees.
    ///
    /// # Errors
    ///
    /// As [`Client::voucher_mint`]. A name of more than about a thousand bytes does not fit into the
    /// box of the invitation, which [`publish`](Self::publish) finds out.
    pub fn mint(client: &Client, message: &WriteCap, display_name: impl Into<String>) -> Call<JoinerState> {
        let (message, display_name) = (message.clone(), display_name.into());
        client.flow(kpthin_client::FlowKind::Finite, |client| async move {
            let minted = client.voucher_mint(&message, display_name).await?;
            Ok(JoinerState {
                voucher: minted.voucher,
                payload: minted.voucher_payload,
                stream: minted.voucher_write_cap,
                secret_key: minted.voucher_secret_key,
                message,
            })
        })
    }

    /// A joiner that goes on where `state` is.
    #[must_use]
    pub fn new(client: &Client, state: JoinerState) -> Self {
        Self { client: client.clone(), state }
    }

    /// The state to save.
    #[must_use]
    pub const fn state(&self) -> &JoinerState {
        &self.state
    }

    /// What is handed over to the other side.
    #[must_use]
    pub const fn voucher(&self) -> &Voucher {
        &self.state.voucher
    }

    /// Puts the invitation where the voucher leads. Doing it again is harmless.
    ///
    /// # Errors
    ///
    /// [`VoucherError::Used`] if it was answered already, and what the network said.
    pub async fn publish(&self) -> Result<(), VoucherError> {
        check_len(&self.client, &self.state.payload)?;
        let stream = &self.state.stream;
        publish(&self.client, stream, &stream.index(), &self.state.payload).await
    }

    /// Waits for the answer, for as long as it takes.
    ///
    /// # Errors
    ///
    /// [`VoucherError::Call`] with the daemon's code 30 if the answer is not for this voucher.
    pub async fn join(&self) -> Result<Joined, VoucherError> {
        let read_cap = self.state.stream.read_cap();
        let sealed = receive(&self.client, &read_cap, second(&read_cap)?).await?;
        let opened = self.client.voucher_open(&self.state.secret_key, sealed, &self.state.message).await?;
        let cap = opened.mutated_message_write_cap;
        let index = cap.index();
        Ok(Joined { who_reply: opened.who_reply, writer: WriterState::new(cap, index)? })
    }
}

impl fmt::Debug for Joiner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Joiner").finish_non_exhaustive()
    }
}
