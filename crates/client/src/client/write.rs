//! Filling boxes: new streams, messages, tombstones.

use std::collections::VecDeque;

use kpthin_core::{
    error::{CallError, InvalidRequest, ReplicaError},
    wire::{
        KeypairReply, MessageBoxIndex, ResendingReply, SecretBytes, Seed, StartResendingEncryptedMessage,
        WriteCap,
    },
};

use super::{
    Client,
    tries::{self, BoxOperation},
};
use crate::{
    call::Call,
    envelope::{Confirm, EncryptedWrite},
    flow::FlowKind,
};

/// Tombstones on their way at once; the daemon's own queue holds sixteen.
const TOMBSTONES_AT_ONCE: usize = 8;

/// What became of one box of [`Client::tombstone`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TombstoneReport {
    /// The box.
    pub index: MessageBoxIndex,
    /// `Ok` if a replica holds the tombstone now.
    pub result: Result<(), CallError>,
}

/// What became of the boxes of [`Client::tombstone`].
#[derive(Clone, Debug, PartialEq)]
#[must_use = "some of the boxes may have failed"]
#[non_exhaustive]
pub struct Tombstones {
    /// One per box that was tried, in order.
    pub boxes: Vec<TombstoneReport>,
    /// The box after the last one tried, or why it could not be found, which ends the range early.
    pub next: Result<MessageBoxIndex, CallError>,
}

impl Tombstones {
    /// Whether all boxes asked for are deleted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.next.is_ok() && self.boxes.iter().all(|report| report.result.is_ok())
    }
}

/// The filling of one box.
struct Write {
    write_cap: WriteCap,
    index: MessageBoxIndex,
    plaintext: SecretBytes,
    confirm: Confirm,
}

impl BoxOperation for Write {
    type Envelope = EncryptedWrite;
    type Answer = MessageBoxIndex;

    const IS_READ: bool = false;

    fn encrypt(&self, client: &Client) -> Call<EncryptedWrite> {
        client.encrypt_write(&self.write_cap, &self.index, self.plaintext.clone())
    }

    fn request(&self, envelope: &EncryptedWrite) -> StartResendingEncryptedMessage {
        envelope.request(&self.write_cap, self.confirm)
    }

    fn answer(
        &self,
        envelope: &EncryptedWrite,
        result: Result<ResendingReply, CallError>,
    ) -> Result<MessageBoxIndex, CallError> {
        result.map(|_| envelope.next_index().clone())
    }
}

impl Client {
    /// Makes a new stream, from a random seed: the operating system's, outside of a simulation.
    ///
    /// The capabilities in the reply are all there is to it: keep the write capability to write,
    /// give the read capability to readers.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::Missing`] if there are no random numbers to be had.
    pub fn create_stream(&self) -> Call<KeypairReply> {
        match self.shared().draw() {
            Ok(seed) => self.new_keypair(&Seed::from(*seed)),
            Err(error) => Call::refused(error),
        }
    }

    /// Writes a box and returns the index of the next.
    ///
    /// Success means that a replica stored it, or held exactly this already: writing the same
    /// again is harmless. Where it helps, the box is encrypted afresh and tried again.
    ///
    /// # Errors
    ///
    /// - [`ReplicaError::BoxAlreadyExists`]: the box holds something else, which stays.
    /// - [`ReplicaError::Tombstone`]: the box was deleted.
    /// - [`InvalidRequest::Empty`]: an empty box would be a tombstone; see
    ///   [`tombstone`](Self::tombstone).
    /// - [`CallError::TooLarge`]: see [`max_message_len`](Self::max_message_len).
    /// - the others: what the last try failed with, or an earlier one whose
    ///   [`fate`](CallError::fate) is worse. Unless that says otherwise, the box may be written.
    pub fn write(
        &self,
        write_cap: &WriteCap,
        index: &MessageBoxIndex,
        plaintext: impl Into<SecretBytes>,
    ) -> Call<MessageBoxIndex> {
        self.write_with(write_cap, index, plaintext, Confirm::Replica)
    }

    /// Writes a box as [`write`](Self::write) does, with a choice of what success means.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write); with [`Confirm::Courier`] the replicas' verdicts stay unknown.
    pub fn write_with(
        &self,
        write_cap: &WriteCap,
        index: &MessageBoxIndex,
        plaintext: impl Into<SecretBytes>,
        confirm: Confirm,
    ) -> Call<MessageBoxIndex> {
        let plaintext = plaintext.into();
        if plaintext.is_empty() {
            return Call::refused(InvalidRequest::Empty { member: "plaintext" }.into());
        }
        self.write_box(write_cap, index, plaintext, confirm)
    }

    fn write_box(
        &self,
        write_cap: &WriteCap,
        index: &MessageBoxIndex,
        plaintext: SecretBytes,
        confirm: Confirm,
    ) -> Call<MessageBoxIndex> {
        let write = Write { write_cap: write_cap.clone(), index: index.clone(), plaintext, confirm };
        self.flow(FlowKind::Finite, |client| async move { tries::run(&client, write).await })
    }

    /// Deletes `count` boxes from an index on, written or not, and reports on each.
    ///
    /// A tombstone replaces what the box holds and stays as long as a message would. A box that
    /// fails does not end the range.
    ///
    /// # Errors
    ///
    /// [`InvalidRequest::ZeroCount`] for no boxes; what happens to boxes is in the reports.
    #[doc(alias = "tombstone_range")]
    #[doc(alias = "TombstoneRange")]
    pub fn tombstone(&self, write_cap: &WriteCap, from: &MessageBoxIndex, count: u32) -> Call<Tombstones> {
        if count == 0 {
            return Call::refused(InvalidRequest::ZeroCount.into());
        }
        let (write_cap, mut next) = (write_cap.clone(), from.clone());
        self.flow(FlowKind::Finite, |client| async move {
            let mut running = VecDeque::new();
            let mut boxes = Vec::new();
            let mut failure = None;
            for _ in 0..count {
                if running.len() == TOMBSTONES_AT_ONCE {
                    report(&mut running, &mut boxes).await;
                }
                let call = client.write_box(&write_cap, &next, SecretBytes::default(), Confirm::Replica);
                running.push_back((next.clone(), call));
                match client.next_message_box_index(&next).await {
                    Ok(index) => next = index,
                    Err(error) => {
                        failure = Some(error);
                        break;
                    }
                }
            }
            while !running.is_empty() {
                report(&mut running, &mut boxes).await;
            }
            Ok(Tombstones { boxes, next: failure.map_or(Ok(next), Err) })
        })
    }
}

/// Waits for the tombstone that was started first.
async fn report(
    running: &mut VecDeque<(MessageBoxIndex, Call<MessageBoxIndex>)>,
    boxes: &mut Vec<TombstoneReport>,
) {
    if let Some((index, call)) = running.pop_front() {
        let result = match call.await {
            // Deleted before: a tombstone may be written again, but a replica may also say so.
            Ok(_) | Err(CallError::Replica(ReplicaError::Tombstone)) => Ok(()),
            Err(error) => Err(error),
        };
        boxes.push(TombstoneReport { index, result });
    }
}
