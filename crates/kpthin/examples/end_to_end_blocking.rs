//! From nothing to a message that has arrived: two programs, two clients, one stream, on plain threads.
//!
//! Alice creates the stream, hands Bob the read capability, and writes. Bob has nothing but the bytes that
//! she gave him.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{
    streams::{Item, ReaderState, StreamReader, StreamWriter, WriterState},
    wire::ReadCap,
};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    // Alice's program.
    let alice = kpthin::blocking::connect(daemon.config()?)?;
    let stream = alice.create_stream().wait()?;
    // It holds the first index as well. These bytes go to Bob, on paper or over a trusted channel.
    let invitation: Vec<u8> = stream.read_cap.as_bytes().to_vec();
    let state = WriterState::new(stream.write_cap, stream.first_message_index)?;
    let writer = StreamWriter::new(&alice, state);
    for text in ["first", "second", "third"] {
        let _ = writer.send(text)?;
    }

    // Bob's program, elsewhere.
    let bob = kpthin::blocking::connect(daemon.config()?)?;
    let read_cap = ReadCap::from_bytes(&invitation)?;
    let index = read_cap.index();
    let reader = StreamReader::new(&bob, ReaderState::new(read_cap, index)?);
    for _ in 0..3 {
        if let Item::Message(text) = reader.next().wait()?.item {
            println!("Bob reads: {}", String::from_utf8_lossy(&text));
        }
    }

    writer.flush().wait()?;
    println!("all of Alice's boxes are stored");
    alice.stop().wait()?;
    bob.stop().wait()?;
    // </how-to>
    Ok(())
}
