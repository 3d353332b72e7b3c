//! Ends calls before they have ended by themselves, in four ways.
//!
//! A cancelled operation ends at the daemon too. The error tells what can have happened until then: a
//! call that was never sent has done nothing, another one may have been carried out.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::time::Duration;

use kpthin::{CallError, WhenUnwritten};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let index = stream.first_message_index;
    // A read that lets the daemon wait for the box: it lasts until somebody writes.
    let envelope = client.encrypt_read(&stream.read_cap, &index).await?;
    let endless = || {
        let request = envelope.request(&stream.read_cap, WhenUnwritten::Poll);
        client.start_resending_encrypted_message(request)
    };

    // By dropping it.
    drop(endless());
    println!("by dropping it");

    // By a deadline.
    match endless().timeout(Duration::from_millis(300)).await {
        Err(error @ CallError::TimedOut(_)) => println!("by a deadline: {error}"),
        other => println!("unexpected: {other:?}"),
    }

    // From elsewhere, while somebody waits for it.
    let call = endless();
    let canceller = call.canceller();
    let other_task = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(300)).await;
        canceller.cancel();
    });
    match call.await {
        Err(error @ CallError::Cancelled(_)) => println!("from elsewhere: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    other_task.await?;

    // By its envelope, whoever has started it.
    let call = endless();
    client.cancel_resending_encrypted_message(envelope.envelope_hash()).await?;
    match call.await {
        Err(error) => println!("by its envelope: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
