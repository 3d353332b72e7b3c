//! Deletes a range of boxes at a single command to a courier, on plain threads.
//!
//! `Client::tombstone` deletes boxes one by one; a copy job is for long ranges, and for deleting and writing
//! together.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::convert::Infallible;

use kpthin::streams::{CopyJob, CopyState, Item, ReaderState, StreamReader, StreamWriter, WriterState};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let stream = client.create_stream().wait()?;
    let first = stream.first_message_index;
    let writer = StreamWriter::new(&client, WriterState::new(stream.write_cap.clone(), first.clone())?);
    for number in 1..=6 {
        let _ = writer.send(format!("message {number}"))?;
    }
    writer.flush().wait()?;

    let mut job = CopyJob::new(&client, CopyJob::begin(&client).wait()?);
    job.append_tombstones(stream.write_cap, first.clone(), 5)?;
    println!("outcome: {:?}", client.block_on(job.run(no_save), None)??);

    let reader = StreamReader::new(&client, ReaderState::new(stream.read_cap, first)?);
    for _ in 0..6 {
        match reader.next().wait()?.item {
            Item::Message(text) => println!("read: {}", String::from_utf8_lossy(&text)),
            Item::Tombstone => println!("read: (deleted)"),
            Item::Gap { boxes } => println!("{boxes} boxes were not read in time"),
        }
    }
    client.stop().wait()?;
    // </how-to>
    Ok(())
}

/// Nothing is kept: after a crash this job would begin anew, and delete the same boxes again.
const fn no_save(_: &CopyState) -> Result<(), Infallible> {
    Ok(())
}
