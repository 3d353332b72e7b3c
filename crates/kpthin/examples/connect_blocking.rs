//! Connects to the daemon and watches what happens to the connection, on plain threads.
//!
//! A client is connected when `connect` returns. Whatever becomes of the connection later, the client
//! mends it by itself; events only tell about it, and a program may ignore them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::thread;

use kpthin::{Event, Events};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let events = client.events();
    println!("connected, the mix network is up: {}", client.status().is_connected());
    let watching = thread::spawn(|| watch(events));

    if let Some(devnet) = &daemon.devnet {
        // Something to see: the daemon loses the mix network and finds it again.
        let changed = client.status_changed();
        devnet.set_mixnet(false);
        client.block_on(changed, None)?;
        devnet.set_mixnet(true);
    }
    client.wait_until_ready().wait()?;

    // Stopping ends the events, and every call that is still under way.
    client.stop().wait()?;
    watching.join().map_err(|_| "the watching thread panicked")?;
    // </how-to>
    Ok(())
}

fn watch(events: Events) {
    for event in events.into_blocking() {
        match event {
            Event::Mixnet { connected: true } => println!("event: the mix network is up"),
            Event::Mixnet { connected: false } => println!("event: the mix network is down, calls wait"),
            Event::LinkDown { cause, .. } => println!("event: the daemon is gone: {cause}"),
            Event::Reconnected { .. } => println!("event: the daemon is back"),
            other => println!("event: {other:?}"),
        }
    }
    println!("the client has stopped");
}
