//! Writes to several streams at a single command.
//!
//! Useful for a group: all members get their message, or, when a box is refused, the outcome says which
//! one it was. It is not all or nothing: boxes before that one stay written.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::convert::Infallible;

use kpthin::{
    Read,
    streams::{CopyJob, CopyState},
};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let mut members = Vec::new();
    for _ in 0..3 {
        members.push(client.create_stream().await?);
    }

    let mut job = CopyJob::new(&client, CopyJob::begin(&client).await?);
    for (number, member) in members.iter().enumerate() {
        let text = format!("to member {number}");
        job.append(member.write_cap.clone(), member.first_message_index.clone(), text)?;
    }
    println!("outcome: {:?}", job.run(no_save).await?);

    for member in &members {
        match client.read(&member.read_cap, &member.first_message_index).await? {
            Read::Message { plaintext, .. } => println!("read: {}", String::from_utf8_lossy(&plaintext)),
            other => println!("not there yet: {other:?}"),
        }
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}

/// Nothing is kept: after a crash this job would begin anew, which writes the same boxes again.
const fn no_save(_: &CopyState) -> Result<(), Infallible> {
    Ok(())
}
