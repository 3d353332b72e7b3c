//! Prepares a write now and sends it later, perhaps from another run of the program, on plain threads.
//!
//! Encrypting is local to the daemon: it needs no mix network. The envelope keeps for as long as its replica
//! epoch and the next, at most two weeks; after that the same box is encrypted anew.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{EncryptedWrite, Read};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    client.wait_until_ready().wait()?;
    let stream = client.create_stream().wait()?;

    if let Some(devnet) = &daemon.devnet {
        let changed = client.status_changed();
        devnet.set_mixnet(false);
        client.block_on(changed, None)?;
    }
    println!("the mix network is there: {}", client.status().is_connected());
    let first = stream.first_message_index;
    let envelope = client.encrypt_write(&stream.write_cap, &first, "prepared offline").wait()?;
    let stored = envelope.to_bytes(); // secret; goes into the program's database
    println!("prepared {} bytes", stored.len());
    client.stop().wait()?;

    // Later, when there is a network again.
    if let Some(devnet) = &daemon.devnet {
        devnet.set_mixnet(true);
    }
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let envelope = EncryptedWrite::from_bytes(&stored)?;
    client.send_write(&stream.write_cap, &envelope).wait()?;
    println!("sent");
    match client.read(&stream.read_cap, &first).wait()? {
        Read::Message { plaintext, .. } => println!("read: {}", String::from_utf8_lossy(&plaintext)),
        other => println!("not there yet: {other:?}"),
    }
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
