//! Capabilities and indexes, which must be the same everywhere.

use kpthin::wire::Seed;

use super::target::{Outcome, Target, ensure};

/// The capability that the reference derives from the seed 00 01 .. 1f.
const WRITE_CAP: &str = include_str!("counting_write_cap.hex");

pub async fn a_seed_gives_the_same_stream_as_everywhere(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let seed: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).expect("32 fits a byte"));
    let keys = client.new_keypair(&Seed::from(seed)).timeout(target.patience()).await?;
    let hex: String = keys.write_cap.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    ensure(hex == WRITE_CAP.trim(), "the write capability is the reference's")?;
    ensure(keys.read_cap == keys.write_cap.read_cap(), "the read capability is part of it")?;
    ensure(keys.first_message_index == keys.write_cap.index(), "and so is the first index")?;
    let again = client.new_keypair(&Seed::from(seed)).timeout(target.patience()).await?;
    ensure(again == keys, "the same seed gives the same stream")?;
    let other = client.create_stream().timeout(target.patience()).await?;
    ensure(other != keys, "a created stream is another one")
}

pub async fn indexes_step_and_tell_their_counter(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let index = target.stream(&client).await?.first_message_index;
    let counter = client.get_message_box_index_counter(&index).timeout(target.patience()).await?;
    ensure(counter == index.counter(), "the counter can be read without the daemon")?;
    let next = client.next_message_box_index(&index).timeout(target.patience()).await?;
    ensure(next.counter() == counter + 1 && next > index, "the next index is one further")?;
    let again = client.next_message_box_index(&index).timeout(target.patience()).await?;
    ensure(again == next, "stepping is deterministic")
}
