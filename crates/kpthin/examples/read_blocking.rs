//! Reads boxes, those that are written and one that is not, on plain threads.
//!
//! A read tells what the box holds now. To wait for a box that is not written yet, use a `StreamReader`, as
//! the recipe `wait_for_message` does.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::{thread, time::Duration};

use kpthin::Read;

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let stream = client.create_stream().wait()?;
    let next = client.write(&stream.write_cap, &stream.first_message_index, "hello").wait()?;

    let mut index = stream.first_message_index;
    loop {
        match client.read(&stream.read_cap, &index).wait()? {
            Read::Message { plaintext, next } => {
                println!("a message: {}", String::from_utf8_lossy(&plaintext));
                index = next;
            }
            Read::Tombstone { next } => {
                println!("a box that its writer has deleted");
                index = next;
            }
            // Beyond the last message that is the answer.
            Read::NotWritten if index == next => break println!("nothing yet in the box behind it"),
            // On a network a replica may hear of a write some seconds later than its writer.
            Read::NotWritten => thread::sleep(Duration::from_secs(1)),
        }
    }
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
