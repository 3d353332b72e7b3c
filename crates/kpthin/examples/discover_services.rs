//! Finds out which services the mix network offers.
//!
//! Every epoch the network publishes a document that names its nodes and what they offer. The daemon
//! hands it on, and the client keeps the latest.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    client.wait_until_ready().await?;

    for service in client.services("echo") {
        println!("echo     {} on {}", service.queue, service.node);
    }
    // Couriers carry reads and writes to the boxes; the daemon chooses them by itself.
    for courier in client.couriers() {
        println!("courier  {} on {}", courier.queue, courier.node);
    }
    // One of several at random, which is what most programs want.
    let echo = client.service("echo").ok_or("nobody offers `echo`")?;
    println!("chosen   {} on {}", echo.queue, echo.node);
    client.stop().await?;
    // </how-to>
    Ok(())
}
