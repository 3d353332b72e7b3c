//! Deletes a range of boxes at a single command to a courier.
//!
//! `Client::tombstone` deletes boxes one by one; a copy job is for long ranges, and for deleting and writing
//! together.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::convert::Infallible;

use kpthin::streams::{CopyJob, CopyState, Item, ReaderState, StreamReader, StreamWriter, WriterState};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let first = stream.first_message_index;
    let writer = StreamWriter::new(&client, WriterState::new(stream.write_cap.clone(), first.clone())?);
    for number in 1..=6 {
        let _ = writer.send(format!("message {number}"))?;
    }
    writer.flush().await?;

    let mut job = CopyJob::new(&client, CopyJob::begin(&client).await?);
    job.append_tombstones(stream.write_cap, first.clone(), 5)?;
    println!("outcome: {:?}", job.run(no_save).await?);

    let reader = StreamReader::new(&client, ReaderState::new(stream.read_cap, first)?);
    for _ in 0..6 {
        match reader.next().await?.item {
            Item::Message(text) => println!("read: {}", String::from_utf8_lossy(&text)),
            Item::Tombstone => println!("read: (deleted)"),
            Item::Gap { boxes } => println!("{boxes} boxes were not read in time"),
        }
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}

/// Nothing is kept: after a crash this job would begin anew, and delete the same boxes again.
const fn no_save(_: &CopyState) -> Result<(), Infallible> {
    Ok(())
}
