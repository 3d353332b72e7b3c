//! Copies in batches, with a state that is saved after each.
//!
//! The daemon seals a few boxes per call, which takes it seconds each, and keeps the rest of the stream in a
//! buffer that it hands back. The job keeps that buffer. Sealing draws random numbers, so what was uploaded
//! must never be sealed again: seal, save, upload.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::streams::{CopyJob, CopyState};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let mut job = CopyJob::new(&client, CopyJob::begin(&client).await?);
    let text = "x".repeat(10_000);
    job.append(stream.write_cap, stream.first_message_index, text)?;
    job.close();

    let mut saved = job.state().to_bytes();
    let mut batches = 0;
    while job.seal_batch().await? {
        batches += 1;
        saved = job.state().to_bytes();
        // Here the program may die: it goes on from what was saved.
        job = CopyJob::new(&client, CopyState::from_bytes(&saved)?);
        job.upload().await?;
    }
    println!("{batches} batches, {} bytes of state at the end", saved.len());
    println!("outcome: {:?}", job.finish().await?);
    client.stop().await?;
    // </how-to>
    Ok(())
}
