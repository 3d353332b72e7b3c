//! Waits for a message that is not written yet.
//!
//! A `StreamReader` asks for the box again and again, with pauses, over a connection of its own, so that
//! waiting holds up nobody. The wait can be dropped and begun anew at any time; nothing is lost by it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::time::Duration;

use kpthin::streams::{Item, ReaderState, StreamReader};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let state = ReaderState::new(stream.read_cap, stream.first_message_index.clone())?;
    let reader = StreamReader::new(&client, state);

    // Nothing is there yet.
    match tokio::time::timeout(Duration::from_secs(2), reader.next()).await {
        Err(_) => println!("nothing after two seconds"),
        Ok(delivery) => println!("unexpected: {:?}", delivery?.item),
    }

    // Somebody writes, and the wait ends.
    let writing = client.write(&stream.write_cap, &stream.first_message_index, "here I am");
    let delivery = reader.next().await?;
    if let Item::Message(text) = &delivery.item {
        println!("received: {}", String::from_utf8_lossy(text));
    }
    writing.await?;
    client.stop().await?;
    // </how-to>
    Ok(())
}
