//! Ends calls before they have ended by themselves, in four ways, on plain threads.
//!
//! A cancelled operation ends at the daemon too. The error tells what can have happened until then: a
//! call that was never sent has done nothing, another one may have been carried out.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::{thread, time::Duration};

use kpthin::{CallError, WaitError, WhenUnwritten};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let stream = client.create_stream().wait()?;
    let index = stream.first_message_index;
    // A read that lets the daemon wait for the box: it lasts until somebody writes.
    let envelope = client.encrypt_read(&stream.read_cap, &index).wait()?;
    let endless = || {
        let request = envelope.request(&stream.read_cap, WhenUnwritten::Poll);
        client.start_resending_encrypted_message(request)
    };

    // By dropping it.
    drop(endless());
    println!("by dropping it");

    // By a deadline.
    match endless().wait_timeout(Duration::from_millis(300)) {
        Err(WaitError::Call(error @ CallError::TimedOut(_))) => println!("by a deadline: {error}"),
        other => println!("unexpected: {other:?}"),
    }

    // From another thread, while this one waits for it.
    let call = endless();
    let canceller = call.canceller();
    let other_thread = thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        canceller.cancel();
    });
    match call.wait() {
        Err(WaitError::Call(error @ CallError::Cancelled(_))) => println!("from elsewhere: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    other_thread.join().map_err(|_| "the other thread panicked")?;

    // By its envelope, whoever has started it.
    let call = endless();
    client.cancel_resending_encrypted_message(envelope.envelope_hash()).wait()?;
    match call.wait() {
        Err(error) => println!("by its envelope: {error}"),
        other => println!("unexpected: {other:?}"),
    }
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
