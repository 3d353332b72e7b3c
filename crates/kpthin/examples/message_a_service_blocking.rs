//! Sends a message to a service of the mix network and awaits the reply, on plain threads.
//!
//! `echo` sends back what it gets. A message is sent once: if it is lost on its way, the call ends with
//! an error that says so, and whether to send it again is the program's decision.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use std::time::Duration;

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let call = client.send_and_await_reply("echo", "hello, echo");
    let reply = call.timeout(Duration::from_secs(120)).wait()?;

    // Replies come padded to the size of a packet.
    let text = String::from_utf8_lossy(&reply);
    println!("echo says: {}", text.trim_end_matches('\0'));
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
