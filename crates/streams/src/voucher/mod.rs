//! Contact vouchers: how two programs that have nothing in common yet come to read each other.

mod inductor;
mod joiner;

use kpthin_client::{
    CallError, Client, ReplicaError,
    wire::{MessageBoxIndex, ReadCap, SecretBytes, WriteCap},
};

pub use self::{
    inductor::{Contact, Inductor, InductorState},
    joiner::{Joined, Joiner, JoinerState},
};
use crate::{
    error::{StateError, StreamError},
    reader::{Item, ReaderState, StreamReader},
    steps,
};

/// Why a step of a voucher exchange was not done. It can be taken again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VoucherError {
    /// What the daemon or the network said. The daemon's codes 28 to 30 mean that the voucher, its
    /// signature or its answer is not genuine.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A capability in an answer is none.
    #[error(transparent)]
    State(#[from] StateError),
    /// The box could not be waited for.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The box has been deleted: the voucher was used before.
    #[error("the voucher has been used before")]
    Used,
    /// The box holds something else: somebody else who knows the voucher was faster.
    #[error("somebody else has answered the voucher")]
    Taken,
}

/// Writes a box of a voucher's stream, at most that.
async fn publish(
    client: &Client,
    write_cap: &WriteCap,
    index: &MessageBoxIndex,
    body: &SecretBytes,
) -> Result<(), VoucherError> {
    match client.write(write_cap, index, body.clone()).await {
        Ok(_) => Ok(()),
        Err(error @ CallError::Replica(ReplicaError::BoxAlreadyExists)) => {
            match client.read(&write_cap.read_cap(), index).await? {
                kpthin_client::Read::Message { .. } => Err(VoucherError::Taken),
                kpthin_client::Read::Tombstone { .. } => Err(VoucherError::Used),
                kpthin_client::Read::NotWritten => Err(error.into()),
            }
        }
        Err(CallError::Replica(ReplicaError::Tombstone)) => Err(VoucherError::Used),
        Err(error) => Err(error.into()),
    }
}

/// Waits for a box of a voucher's stream.
async fn receive(
    client: &Client,
    read_cap: &ReadCap,
    index: MessageBoxIndex,
) -> Result<SecretBytes, VoucherError> {
    let reader = StreamReader::new(client, ReaderState::new(read_cap.clone(), index)?);
    match reader.next().await?.item {
        Item::Message(body) => Ok(body),
        Item::Tombstone | Item::Gap { .. } => Err(VoucherError::Used),
    }
}

/// Refuses what does not fit into one box before anything depends on it.
fn check_len(client: &Client, body: &SecretBytes) -> Result<(), VoucherError> {
    match client.max_message_len() {
        Some(max) if body.len() > max => Err(CallError::TooLarge { len: body.len(), max }.into()),
        _ => Ok(()),
    }
}

/// The box of the answer, behind that of the invitation.
fn second(read_cap: &ReadCap) -> Result<MessageBoxIndex, VoucherError> {
    Ok(steps::next(&read_cap.index()).map_err(StreamError::from)?)
}
