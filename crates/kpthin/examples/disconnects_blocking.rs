//! Loses the daemon and goes on, on plain threads.
//!
//! Calls that are under way when the daemon goes away end all the same: the client connects again and
//! sends again what can be sent again without harm. A program that does not look does not notice.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{Event, Read};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let events = client.events();
    let stream = client.create_stream().wait()?;
    let index = stream.first_message_index;

    let writing = client.write(&stream.write_cap, &index, "written across a restart");
    if let Some(devnet) = &daemon.devnet {
        // The daemon dies, with its sessions and everything that it was doing.
        devnet.restart();
        for event in events.into_blocking() {
            match event {
                Event::LinkDown { cause, .. } => println!("the daemon is gone: {cause}"),
                Event::Reconnected { same_daemon, replayed, failed, .. } => {
                    println!("connected again, to the same daemon: {same_daemon}");
                    println!("calls sent again: {replayed}, failed: {failed}");
                    break;
                }
                _ => {}
            }
        }
    }
    let _next = writing.wait()?;
    println!("stored");

    match client.read(&stream.read_cap, &index).wait()? {
        Read::Message { plaintext, .. } => println!("read: {}", String::from_utf8_lossy(&plaintext)),
        other => println!("not there yet: {other:?}"),
    }
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
