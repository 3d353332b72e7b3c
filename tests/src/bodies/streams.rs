//! Streams: writing, reading, rewriting, deleting.

use kpthin::{
    CallError, Confirm, EncryptedRead, EncryptedWrite, InvalidRequest, Read, ReplicaError, WhenUnwritten,
    wire::SecretBytes,
};

use super::target::{Outcome, Target, ensure};

pub async fn three_boxes_are_written_and_read(target: Target) -> Result<(), Outcome> {
    let (alice, bob) = (target.client().await?, target.client().await?);
    let stream = target.stream(&alice).await?;
    let messages = ["one", "two", "three"].map(SecretBytes::from);
    let end = target.write_all(&alice, &stream, &messages).await?;
    let mut index = stream.first_message_index.clone();
    for message in &messages {
        index = target.expect_message(&bob, &stream.read_cap, &index, message).await?;
    }
    ensure(index == end, "reader and writer step alike")
}

pub async fn the_largest_box_fits_and_one_byte_more_is_refused(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let max = client.max_message_len().ok_or("no geometry")?;
    match client.write(&stream.write_cap, index, vec![7; max + 1]).await {
        Err(CallError::TooLarge { len, max: named }) if len == max + 1 && named == max => {}
        other => return Err(Outcome::Failed(format!("one byte more: {other:?}"))),
    }
    match client.write(&stream.write_cap, index, "").await {
        Err(CallError::InvalidRequest(InvalidRequest::Empty { .. })) => {}
        other => return Err(Outcome::Failed(format!("nothing at all: {other:?}"))),
    }
    let largest = vec![7; max];
    let _next = client.write(&stream.write_cap, index, largest.clone()).timeout(target.patience()).await?;
    let _next = target.expect_message(&client, &stream.read_cap, index, &largest).await?;
    Ok(())
}

pub async fn an_unwritten_box_reads_as_not_written(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let read = client.read(&stream.read_cap, &stream.first_message_index).timeout(target.patience()).await?;
    ensure(read == Read::NotWritten, format!("{read:?}"))
}

pub async fn an_ask_tells_what_is_there_and_what_is_not(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let empty = client.ask(&stream.read_cap, index).timeout(target.patience()).await?;
    ensure(empty.read == Read::NotWritten, format!("{empty:?}"))?;
    ensure(empty.replica_epoch.is_some(), "the envelope tells its epoch")?;
    let next = client.write(&stream.write_cap, index, "there").timeout(target.patience()).await?;
    for _ in 0..60 {
        let asked = client.ask(&stream.read_cap, index).timeout(target.patience()).await?;
        match asked.read {
            Read::NotWritten => target.pause(&client).await,
            Read::Message { plaintext, .. } => {
                return ensure(plaintext == *b"there" && asked.next == next, "it is what was written");
            }
            other => return Err(Outcome::Failed(format!("{other:?}"))),
        }
    }
    Err(Outcome::Failed("the box that was written is not found".into()))
}

pub async fn an_identical_rewrite_succeeds_and_a_different_one_is_refused(
    target: Target,
) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let write = |text: &'static str| client.write(&stream.write_cap, index, text).timeout(target.patience());
    let first = write("first").await?;
    ensure(write("first").await? == first, "the same again is stored already")?;
    match write("second").await {
        Err(CallError::Replica(ReplicaError::BoxAlreadyExists)) => {}
        other => return Err(Outcome::Failed(format!("something else: {other:?}"))),
    }
    let _next = target.expect_message(&client, &stream.read_cap, index, b"first").await?;
    Ok(())
}

pub async fn a_courier_confirms_what_replicas_refuse(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let _next = client.write(&stream.write_cap, index, "first").timeout(target.patience()).await?;
    let weak = client.write_with(&stream.write_cap, index, "second", Confirm::Courier);
    let _next = weak.timeout(target.patience()).await?;
    let _next = target.expect_message(&client, &stream.read_cap, index, b"first").await?;
    Ok(())
}

pub async fn a_tombstone_is_read_as_one(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let end = target.write_all(&client, &stream, &["one", "two"].map(SecretBytes::from)).await?;
    let tombstones = client.tombstone(&stream.write_cap, index, 2).timeout(3 * target.patience()).await?;
    ensure(tombstones.is_complete() && tombstones.boxes.len() == 2, format!("{tombstones:?}"))?;
    ensure(tombstones.next.as_ref() == Ok(&end), "the range ends where the writing did")?;
    let mut at = index.clone();
    for _ in 0..2 {
        let mut tries = 0;
        at = loop {
            match client.read(&stream.read_cap, &at).timeout(target.patience()).await? {
                Read::Tombstone { next } => break next,
                // The replica that was asked has not heard of it yet.
                Read::Message { .. } if tries < 60 => {
                    tries += 1;
                    target.pause(&client).await;
                }
                other => return Err(Outcome::Failed(format!("{other:?}"))),
            }
        };
    }
    match client.write(&stream.write_cap, index, "one").timeout(target.patience()).await {
        Err(CallError::Replica(ReplicaError::BoxAlreadyExists | ReplicaError::Tombstone)) => Ok(()),
        other => Err(Outcome::Failed(format!("a deleted box was written again: {other:?}"))),
    }
}

pub async fn envelopes_are_prepared_stored_and_sent_later(target: Target) -> Result<(), Outcome> {
    let (preparing, sending) = (target.client().await?, target.client().await?);
    let stream = target.stream(&preparing).await?;
    let index = &stream.first_message_index;
    let encrypt = preparing.encrypt_write(&stream.write_cap, index, "prepared");
    let write = encrypt.timeout(target.patience()).await?;
    let read = preparing.encrypt_read(&stream.read_cap, index).timeout(target.patience()).await?;
    let size = preparing.geometry().ok_or("no geometry")?.pigeonhole.courier_query_write_length;
    let ciphertext = write.request(&stream.write_cap, Confirm::Replica).message_ciphertext;
    ensure(ciphertext.len() as u64 == size, "an envelope has the announced size")?;
    ensure(write.envelope_hash() != read.envelope_hash(), "every envelope has its own hash")?;
    ensure(write.replica_epoch().is_some(), "an envelope tells its replica epoch")?;
    let (write, read) = (write.to_bytes(), read.to_bytes());
    preparing.stop().await?;

    let write = EncryptedWrite::from_bytes(&write)?;
    let _reply = sending.send_write(&stream.write_cap, &write).timeout(target.patience()).await?;
    let read = EncryptedRead::from_bytes(&read)?;
    let poll = read.request(&stream.read_cap, WhenUnwritten::Poll);
    let reply = sending.start_resending_encrypted_message(poll).timeout(target.patience()).await?;
    ensure(reply.plaintext == Some(SecretBytes::from("prepared")), format!("{reply:?}"))?;
    ensure(reply.courier_identity_hash.is_some(), "the reply names its courier")
}

pub async fn a_polling_read_is_answered_once_the_box_is_written(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let index = &stream.first_message_index;
    let envelope = client.encrypt_read(&stream.read_cap, index).timeout(target.patience()).await?;
    let poll = envelope.request(&stream.read_cap, WhenUnwritten::Poll);
    let waiting = client.start_resending_encrypted_message(poll);
    let _next = client.write(&stream.write_cap, index, "at last").timeout(target.patience()).await?;
    let reply = waiting.timeout(target.patience()).await?;
    ensure(reply.plaintext == Some(SecretBytes::from("at last")), format!("{reply:?}"))
}
