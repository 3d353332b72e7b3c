//! Creates a channel: a stream of boxes that its owner writes and others read.
//!
//! There is nothing to register: a channel is two capabilities, made from 32 random bytes. Whoever has the
//! write capability can write, whoever has the read capability can read, and nobody else can even tell
//! which boxes belong together.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;

    // Keep this secret; it is all that a writer needs.
    println!("write capability: {} bytes", stream.write_cap.as_bytes().len());
    // Give this to readers, over a channel that both sides trust.
    println!("read capability:  {} bytes", stream.read_cap.as_bytes().len());
    // Streams begin at a random number, so that nobody can guess how old they are.
    println!("first box:        {:?}", stream.first_message_index);
    // What fits into one box.
    println!("a box holds:      {} bytes", client.max_message_len().ok_or("not connected yet")?);
    client.stop().await?;
    // </how-to>
    Ok(())
}
