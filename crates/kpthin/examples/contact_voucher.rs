//! Two programs that have nothing in common come to read each other, by 32 bytes.
//!
//! Alice mints a voucher and hands it to Bob over a channel that both trust. Bob finds her invitation where
//! the voucher leads, and answers it with what she needs to read him. Afterwards she writes a stream that
//! nobody who only knew the voucher can find.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{
    streams::{Inductor, Item, Joiner, ReaderState, StreamReader, StreamWriter, WriterState},
    wire::{ReadCap, Voucher},
};

#[tokio::main]
async fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::tokio::connect(daemon.config()?).await?;
    // Alice invites; her program saves `joiner.state()` before it publishes.
    let alice = client.create_stream().await?;
    let joiner = Joiner::new(&client, Joiner::mint(&client, &alice.write_cap, "Alice").await?);
    joiner.publish().await?;
    let voucher: [u8; 32] = *joiner.voucher().as_bytes();

    // Bob answers, with the right to read him; his program saves `inductor.state()` before that.
    let bob = client.create_stream().await?;
    let voucher = Voucher::from(voucher);
    let inductor =
        Inductor::new(&client, Inductor::accept(&client, &voucher, bob.read_cap.as_bytes()).await?);
    inductor.reply().await?;
    println!("Bob was invited by {}", inductor.contact().display_name);

    // Alice learns where Bob writes, and where she writes from now on.
    let joined = joiner.join().await?;
    let bobs = ReadCap::from_bytes(&joined.who_reply)?;
    let alices_writer = StreamWriter::new(&client, joined.writer);
    let _ = alices_writer.send("Hello, Bob.")?;
    let bobs_writer = StreamWriter::new(&client, WriterState::new(bob.write_cap, bob.first_message_index)?);
    let _ = bobs_writer.send("Hello, Alice.")?;

    let to_bob = StreamReader::new(&client, inductor.contact().reader.clone());
    let to_alice = StreamReader::new(&client, ReaderState::new(bobs.clone(), bobs.index())?);
    if let (Item::Message(text), Item::Message(answer)) =
        (to_bob.next().await?.item, to_alice.next().await?.item)
    {
        println!("Bob reads: {}", String::from_utf8_lossy(&text));
        println!("Alice reads: {}", String::from_utf8_lossy(&answer));
    }
    client.stop().await?;
    // </how-to>
    Ok(())
}
