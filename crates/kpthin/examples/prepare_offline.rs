//! Prepares a write now and sends it later, perhaps from another run of the program.
//!
//! Encrypting is local to the daemon: it needs no mix network. The envelope keeps for as long as its replica
//! epoch and the next, at most two weeks; after that the same box is encrypted anew.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{EncryptedWrite, Read};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    client.wait_until_ready().await?;
    let stream = client.create_stream().await?;

    if let Some(devnet) = &daemon.devnet {
        let changed = client.status_changed();
        devnet.set_mixnet(false);
        changed.await;
    }
    println!("the mix network is there: {}", client.status().is_connected());
    let first = stream.first_message_index;
    let envelope = client.encrypt_write(&stream.write_cap, &first, "prepared offline").await?;
    let stored = envelope.to_bytes(); // secret; goes into the program's database
    println!("prepared {} bytes", stored.len());
    client.stop().await?;

    // Later, when there is a network again.
    if let Some(devnet) = &daemon.devnet {
        devnet.set_mixnet(true);
    }
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    let envelope = EncryptedWrite::from_bytes(&stored)?;
    client.send_write(&stream.write_cap, &envelope).await?;
    println!("sent");
    match client.read(&stream.read_cap, &first).await? {
        Read::Message { plaintext, .. } => println!("read: {}", String::from_utf8_lossy(&plaintext)),
        other => println!("not there yet: {other:?}"),
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
