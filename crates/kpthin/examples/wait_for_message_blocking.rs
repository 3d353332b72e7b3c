//! Waits for a message that is not written yet, on plain threads.
//!
//! A `StreamReader` asks for the box again and again, with pauses, over a connection of its own, so that
//! waiting holds up nobody. The wait can be dropped and begun anew at any time; nothing is lost by it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::time::Duration;

use kpthin::streams::{Item, ReaderState, StreamError, StreamReader};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let stream = client.create_stream().wait()?;
    let state = ReaderState::new(stream.read_cap, stream.first_message_index.clone())?;
    let reader = StreamReader::new(&client, state);

    // Nothing is there yet.
    match reader.next().wait_timeout(Duration::from_secs(2)) {
        Err(StreamError::TimedOut) => println!("nothing after two seconds"),
        other => println!("unexpected: {other:?}"),
    }

    // Somebody writes, and the wait ends.
    let writing = client.write(&stream.write_cap, &stream.first_message_index, "here I am");
    let delivery = reader.next().wait()?;
    if let Item::Message(text) = &delivery.item {
        println!("received: {}", String::from_utf8_lossy(text));
    }
    writing.wait()?;
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
