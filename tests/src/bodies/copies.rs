//! Copy commands: many boxes, written by a courier.

use kpthin::{
    CallError, Client, ReplicaError,
    pki::ServiceAddress,
    wire::{
        CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
        CreateCourierEnvelopesFromTombstoneRange, Destination, KeypairReply, SecretBytes,
    },
};

use super::target::{Outcome, Target, ensure};

fn courier(client: &Client) -> Result<ServiceAddress, Outcome> {
    let couriers = client.distinct_couriers(1).ok_or("there is no courier")?;
    Ok(couriers.first().ok_or("there is no courier")?.destination())
}

/// Writes the elements to a temporary stream and has a courier execute them.
async fn upload_and_copy(target: &Target, client: &Client, elements: &[SecretBytes]) -> Result<(), Outcome> {
    let temporary = target.stream(client).await?;
    let _end = target.write_all(client, &temporary, elements).await?;
    let copy = client.start_resending_copy_command(&temporary.write_cap, &courier(client)?);
    Ok(copy.timeout(target.copy_patience()).await?)
}

pub async fn a_payload_is_copied_to_one_stream(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let destination = target.stream(&client).await?;
    let payload = "copied by a courier";
    let create = client.create_courier_envelopes_from_payload(CreateCourierEnvelopesFromPayload {
        payload: SecretBytes::from(payload),
        dest_write_cap: destination.write_cap.clone(),
        dest_start_index: destination.first_message_index.clone(),
        is_start: true,
        is_last: true,
    });
    let packed = create.timeout(target.patience()).await?;
    upload_and_copy(&target, &client, &packed.envelopes).await?;
    let index = &destination.first_message_index;
    let next = target.expect_message(&client, &destination.read_cap, index, payload.as_bytes()).await?;
    ensure(next == packed.next_dest_index, "the reply names the box after the last")
}

pub async fn payloads_are_copied_to_two_streams(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let streams = [target.stream(&client).await?, target.stream(&client).await?];
    let to = |stream: &KeypairReply, payload: &'static str| Destination {
        payload: SecretBytes::from(payload),
        write_cap: stream.write_cap.clone(),
        start_index: stream.first_message_index.clone(),
    };
    let first = client.create_courier_envelopes_from_multi_payload(CreateCourierEnvelopesFromMultiPayload {
        destinations: vec![to(&streams[0], "to the first")],
        is_start: true,
        is_last: false,
        buffer: None,
    });
    let first = first.timeout(target.patience()).await?;
    let second = client.create_courier_envelopes_from_multi_payload(CreateCourierEnvelopesFromMultiPayload {
        destinations: vec![to(&streams[1], "to the second")],
        is_start: false,
        is_last: true,
        buffer: first.buffer,
    });
    let second = second.timeout(target.patience()).await?;
    ensure(second.buffer.is_none(), "after the last call no buffer is left")?;
    let elements: Vec<_> = first.envelopes.into_iter().chain(second.envelopes).collect();
    upload_and_copy(&target, &client, &elements).await?;
    for (stream, expected) in streams.iter().zip(["to the first", "to the second"]) {
        let index = &stream.first_message_index;
        let _next = target.expect_message(&client, &stream.read_cap, index, expected.as_bytes()).await?;
    }
    Ok(())
}

pub async fn a_tombstone_range_is_copied(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let destination = target.stream(&client).await?;
    let create =
        client.create_courier_envelopes_from_tombstone_range(CreateCourierEnvelopesFromTombstoneRange {
            dest_write_cap: destination.write_cap.clone(),
            dest_start_index: destination.first_message_index.clone(),
            max_count: 2,
            is_start: true,
            is_last: true,
            buffer: None,
        });
    let packed = create.timeout(target.patience()).await?;
    upload_and_copy(&target, &client, &packed.envelopes).await?;
    let index = &destination.first_message_index;
    match target.read_written(&client, &destination.read_cap, index).await? {
        kpthin::Read::Tombstone { .. } => Ok(()),
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}

pub async fn a_copy_of_nothing_fails_with_the_reason(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let empty = target.stream(&client).await?;
    let copy = client.start_resending_copy_command(&empty.write_cap, &courier(&client)?);
    match copy.timeout(target.copy_patience()).await {
        Err(CallError::Copy { replica: Some(ReplicaError::BoxIdNotFound), failed_envelope, .. }) => {
            ensure(failed_envelope.is_some_and(|at| at.get() == 1), format!("{failed_envelope:?}"))
        }
        Err(error) => Err(error.into()),
        Ok(()) => Err(Outcome::Failed("a stream that was never written was copied".to_owned())),
    }
}

pub async fn an_unknown_copy_is_cancelled_without_complaint(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    Ok(client.cancel_resending_copy_command(&stream.write_cap).timeout(target.patience()).await?)
}
