//! Deletes boxes.
//!
//! A tombstone is a box that says, with its writer's signature, that there is nothing any more. Readers
//! come past it. Boxes that nobody deletes go by themselves after one to two weeks.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::streams::{Item, ReaderState, StreamReader, StreamWriter, WriterState};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let first = stream.first_message_index;
    let writer = StreamWriter::new(&client, WriterState::new(stream.write_cap.clone(), first.clone())?);
    let mut seqs = Vec::new();
    for text in ["one", "two", "three", "four"] {
        seqs.push(writer.send(text)?);
    }

    // A writer deletes what it wrote, behind the writes.
    writer.tombstone(seqs[1]..=seqs[2])?;
    writer.flush().await?;

    // Any holder of the write capability can do it for single boxes, with a report on each.
    let report = client.tombstone(&stream.write_cap, &first, 1).await?;
    println!("the first box is deleted: {}", report.is_complete());

    let reader = StreamReader::new(&client, ReaderState::new(stream.read_cap, first)?);
    for _ in 0..4 {
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
