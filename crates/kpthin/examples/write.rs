//! Writes messages into boxes, one after the other.
//!
//! A write that succeeds is stored: a replica said so. Writing the same again is harmless, which is what
//! the client does by itself when a connection is lost; writing something else into the same box is
//! refused. `kpthin::streams::StreamWriter` keeps count of the boxes; see the recipe `persist`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::CallError;

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let stream = client.create_stream().await?;

    // Each write returns the index of the box behind it.
    let first = stream.first_message_index;
    let second = client.write(&stream.write_cap, &first, "hello").await?;
    let third = client.write(&stream.write_cap, &second, "hello again").await?;
    println!("two boxes are stored, the next one is {:?}", third.counter() - first.counter());

    // What does not fit is refused before anything is sent.
    match client.write(&stream.write_cap, &third, vec![b'x'; 100_000]).await {
        Err(error @ CallError::TooLarge { .. }) => println!("refused: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    // And so is another content for a box that has one.
    match client.write(&stream.write_cap, &first, "something else").await {
        Err(error) => println!("refused: {error}"),
        Ok(_) => println!("unexpected: a box has two contents"),
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
