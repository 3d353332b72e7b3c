//! Two people talk: each writes a stream of their own and reads the other's, on plain threads.
//!
//! They exchange read capabilities once, over a channel that both trust. Then a `Conversation` is all
//! that each needs, and its state is what each saves.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::{
    streams::{Conversation, ConversationState, Item, ReaderState, StateError, WriterState},
    wire::KeypairReply,
};

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    let (alice_keys, bob_keys) = (client.create_stream().wait()?, client.create_stream().wait()?);
    let alice = Conversation::new(&client, side(&alice_keys, &bob_keys)?);
    let bob = Conversation::new(&client, side(&bob_keys, &alice_keys)?);

    say(&alice, "Alice", "Are you there?")?;
    hear(&bob, "Bob")?;
    say(&bob, "Bob", "I am. Nobody knows that we talk.")?;
    hear(&alice, "Alice")?;
    client.stop().wait()?;
    // </how-to>
    Ok(())
}

/// What one side keeps: the own stream to write, the other's to read.
fn side(own: &KeypairReply, other: &KeypairReply) -> Result<ConversationState, StateError> {
    Ok(ConversationState {
        writer: WriterState::new(own.write_cap.clone(), own.first_message_index.clone())?,
        reader: ReaderState::new(other.read_cap.clone(), other.first_message_index.clone())?,
    })
}

fn say(talk: &Conversation, name: &str, text: &str) -> support::Result {
    // With a state to keep: push, save `talk.state()`, release.
    let _ = talk.writer().send(text)?;
    talk.writer().flush().wait()?;
    println!("{name} said: {text}");
    Ok(())
}

fn hear(talk: &Conversation, name: &str) -> support::Result {
    let delivery = talk.reader().next().wait()?;
    // With a state to keep: save `talk.state_after(&delivery)` with the message.
    if let Item::Message(text) = &delivery.item {
        println!("{name} heard: {}", String::from_utf8_lossy(text));
    }
    Ok(())
}
