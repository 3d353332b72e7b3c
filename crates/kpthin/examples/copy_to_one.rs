//! Writes many boxes of one stream at a single command.
//!
//! The boxes are packed, uploaded to a temporary stream, and written by a courier, in order. Nobody sees
//! anything at the destination before the command, and then it goes fast.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::io;

use kpthin::streams::{CopyJob, CopyOutcome, CopyState, Item, ReaderState, StreamReader};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let text = "A text that is longer than one box can hold. ".repeat(100);

    let mut job = CopyJob::new(&client, CopyJob::begin(&client).await?);
    job.append(stream.write_cap, stream.first_message_index.clone(), text.clone())?;
    match job.run(save).await? {
        CopyOutcome::Done => println!("{} bytes are written", text.len()),
        other => println!("unexpected: {other:?}"),
    }
    let end = job.next_index(0).ok_or("there is a destination")?;

    // The reader gets it box by box.
    let reader = StreamReader::new(&client, ReaderState::new(stream.read_cap, stream.first_message_index)?);
    let mut received = Vec::new();
    loop {
        let delivery = reader.next().await?;
        if let Item::Message(part) = &delivery.item {
            received.extend_from_slice(part);
        }
        if *delivery.after.index() == end {
            break;
        }
    }
    println!("received the same: {}", received == text.as_bytes());
    client.stop().await?;
    // </how-to>
    Ok(())
}

/// A program would store `state.to_bytes()`; after a crash the job goes on from there.
fn save(state: &CopyState) -> io::Result<()> {
    println!("saved: {state:?}");
    Ok(())
}
