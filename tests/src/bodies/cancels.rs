//! Ending what has begun.

use std::time::Duration;

use kpthin::{
    Call, CallError, Client, EncryptedRead, WhenUnwritten,
    wire::{EnvelopeHash, ResendingReply},
};

use super::target::{Outcome, Target, ensure};

/// A read that nobody will answer.
async fn pending(target: &Target, client: &Client) -> Result<(Call<ResendingReply>, EncryptedRead), Outcome> {
    let stream = target.stream(client).await?;
    let encrypt = client.encrypt_read(&stream.read_cap, &stream.first_message_index);
    let envelope = encrypt.timeout(target.patience()).await?;
    let poll = envelope.request(&stream.read_cap, WhenUnwritten::Poll);
    Ok((client.start_resending_encrypted_message(poll), envelope))
}

pub async fn a_pending_read_is_cancelled_by_its_handle(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let (waiting, _) = pending(&target, &client).await?;
    let canceller = waiting.canceller();
    canceller.cancel();
    match waiting.await {
        Err(CallError::Cancelled(_)) => {}
        other => return Err(Outcome::Failed(format!("{other:?}"))),
    }
    // The client works on: what was cancelled holds nobody up.
    let _stream = target.stream(&client).await?;
    Ok(())
}

pub async fn a_pending_read_is_cancelled_by_its_hash(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let (waiting, envelope) = pending(&target, &client).await?;
    let cancel = client.cancel_resending_encrypted_message(envelope.envelope_hash());
    cancel.timeout(target.patience()).await?;
    match waiting.timeout(target.patience()).await {
        Err(CallError::Cancelled(_)) => Ok(()),
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}

pub async fn an_unknown_hash_is_cancelled_without_complaint(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let unknown = EnvelopeHash::from([0x5a; 32]);
    Ok(client.cancel_resending_encrypted_message(unknown).timeout(target.patience()).await?)
}

pub async fn a_deadline_ends_a_read(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let (waiting, _) = pending(&target, &client).await?;
    match waiting.timeout(Duration::from_millis(200)).await {
        Err(error @ CallError::TimedOut(_)) => ensure(client.status().is_connected(), error.to_string()),
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}
