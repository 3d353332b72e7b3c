//! Goes on after a crash where it was: nothing is lost, nothing is written twice.
//!
//! A writer binds a box to a message when the message is pushed, and sends it when it is released. What
//! is saved in between survives: after a crash the same box gets the same message. A reader's state is
//! saved with each message, in one transaction.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::{env, fs};

use kpthin::streams::{Item, ReaderState, StreamReader, StreamWriter, WriterState};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let first = stream.first_message_index;

    // A program would use its database; these bytes are secret.
    let file = env::temp_dir().join(format!("kpthin-recipe-{}.state", std::process::id()));
    let writer = StreamWriter::new(&client, WriterState::new(stream.write_cap, first.clone())?);
    let seq = writer.push("written before the crash")?; // sends nothing
    fs::write(&file, writer.state().to_bytes())?;
    writer.release(seq)?; // now it may be sent

    // The crash: the client goes, and nobody knows whether the message was stored.
    drop(writer);
    client.stop().await?;

    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let writer = StreamWriter::new(&client, WriterState::from_bytes(&fs::read(&file)?)?);
    let seq = writer.push("written after it")?;
    fs::write(&file, writer.state().to_bytes())?;
    writer.release(seq)?;
    for _ in 0..2 {
        let receipt = writer.receipt().await?;
        println!("box {}: {:?}", receipt.seq.counter() - first.counter(), receipt.outcome);
    }
    fs::remove_file(&file)?;

    // The reader: state and message belong together.
    let mut saved = ReaderState::new(stream.read_cap, first)?.to_bytes();
    for _ in 0..2 {
        // A new reader for each message, as after a crash.
        let reader = StreamReader::new(&client, ReaderState::from_bytes(&saved)?);
        let delivery = reader.next().await?;
        if let Item::Message(text) = &delivery.item {
            println!("read: {}", String::from_utf8_lossy(text));
        }
        saved = delivery.after.to_bytes();
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
