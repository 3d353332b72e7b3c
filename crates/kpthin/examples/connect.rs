//! Connects to the daemon and watches what happens to the connection.
//!
//! A client is connected when `connect` returns. Whatever becomes of the connection later, the client
//! mends it by itself; events only tell about it, and a program may ignore them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{Event, Events};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let events = client.events();
    println!("connected, the mix network is up: {}", client.status().is_connected());
    let watching = tokio::spawn(watch(events));

    if let Some(devnet) = &daemon.devnet {
        // Something to see: the daemon loses the mix network and finds it again.
        let changed = client.status_changed();
        devnet.set_mixnet(false);
        changed.await;
        devnet.set_mixnet(true);
    }
    client.wait_until_ready().await?;

    // Stopping ends the events, and every call that is still under way.
    client.stop().await?;
    watching.await?;
    // </how-to>
    Ok(())
}

async fn watch(mut events: Events) {
    while let Some(event) = events.recv().await {
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
