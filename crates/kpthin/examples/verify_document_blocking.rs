//! Verifies the network's document, on plain threads.
//!
//! The daemon has verified it, too; this is for a program that does not take the daemon's word for who is
//! in the network. It brings the authorities' keys along: with `--config`, the file that the environment
//! variable `KPTHIN_TRUST_ROOT` names lists them.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

#[path = "support/trust.rs"]
mod trust;

mod support;

use std::time::SystemTime;

use kpthin::pki::{ClientExt, UnixTime};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    client.wait_until_ready().wait()?;

    // The authorities' names and keys, from the program's configuration.
    let mut root = trust::trust_root(&daemon)?;

    // Which epoch it is follows from the time and the epoch period in the trust root, not from the daemon.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let now = UnixTime::from_secs(now.as_secs());
    let verified = client.verified_document(&root, 0, Some(now)).wait()?;
    println!("{}", verified.report());
    println!("as JSON: {}", serde_json::to_string(verified.report())?);

    // Services of this document, and of no other.
    let echo = client.service_in(verified.document(), "echo").ok_or("nobody echoes")?;
    println!("{} echoes, say the authorities", echo.node);

    // From now on nothing older is taken, however often the daemon repeats it. Worth saving.
    root.not_before_epoch(verified.epoch());
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
