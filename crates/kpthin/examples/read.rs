//! Reads boxes, those that are written and one that is not.
//!
//! A read tells what the box holds now. To wait for a box that is not written yet, use a `StreamReader`, as
//! the recipe `wait_for_message` does.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::time::Duration;

use kpthin::Read;

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;
    let next = client.write(&stream.write_cap, &stream.first_message_index, "hello").await?;

    let mut index = stream.first_message_index;
    loop {
        match client.read(&stream.read_cap, &index).await? {
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
            Read::NotWritten => tokio::time::sleep(Duration::from_secs(1)).await,
        }
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
