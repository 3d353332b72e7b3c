//! What the connection and the documents tell.

use std::collections::BTreeSet;

use kpthin::{CallError, DaemonError, LinkStatus, pki::Certificate};

use super::target::{Outcome, Target, ensure};

pub async fn the_connection_tells_the_network(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let status = client.status();
    ensure(status.link == LinkStatus::Up, format!("the link is {:?}", status.link))?;
    ensure(status.is_connected(), "a client that is ready is connected")?;
    ensure(status.instance.is_some(), "the daemon names its instance")?;
    let geometry = client.geometry().ok_or("no geometry")?;
    let sphinx = &geometry.sphinx;
    let forward = sphinx.user_forward_payload_length + sphinx.surb_length + 2;
    ensure(sphinx.forward_payload_length == forward, "the sizes of packets agree with each other")?;
    let overhead = sphinx.user_forward_payload_length - geometry.pigeonhole.max_plaintext_payload_length;
    ensure(overhead == 451, format!("an envelope adds {overhead} bytes"))?;
    let document = client.pki_document().ok_or("no document")?;
    ensure(status.epoch == Some(document.epoch()), "the status names the document's epoch")?;
    let same = client.pki_document_for_epoch(document.epoch()).ok_or("the document is not kept")?;
    ensure(same == document, "the document is kept under its epoch")?;
    client.stop().await?;
    ensure(client.status().link == LinkStatus::Closed, "a stopped client is closed")
}

pub async fn services_are_found_and_couriers_drawn(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let echo = client.service("echo").ok_or("nobody offers echo")?;
    ensure(!echo.queue.as_bytes().is_empty(), "a service has a queue")?;
    ensure(client.service("no such service").is_none(), "an unknown service is none")?;
    let couriers = client.couriers();
    ensure(!couriers.is_empty(), "there are couriers")?;
    let drawn = client.distinct_couriers(couriers.len()).ok_or("not all couriers can be drawn")?;
    let distinct: BTreeSet<_> = drawn.iter().map(|courier| courier.identity_hash).collect();
    ensure(distinct.len() == couriers.len(), "drawn couriers are distinct")?;
    ensure(client.distinct_couriers(couriers.len() + 1).is_none(), "more couriers than there are")
}

pub async fn a_signed_document_is_fetched(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let reply = client.get_pki_document_raw(0).timeout(target.patience()).await?;
    let certificate = Certificate::decode(&reply.payload)?;
    ensure(!certificate.signatures.is_empty(), "the document is signed")?;
    ensure(certificate.expiration > reply.epoch, "the document has not expired")?;
    let document = certificate.document()?;
    ensure(document.epoch() == reply.epoch, "the reply names the document's epoch")?;
    // The pushed document may be of the epoch before or after, if one has just begun.
    let pushed = client.pki_document().ok_or("no document")?;
    ensure(pushed.epoch().abs_diff(document.epoch()) <= 1, "both documents are current")
}

pub async fn an_unknown_epoch_is_unavailable(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    match client.get_pki_document_raw(1).timeout(target.patience()).await {
        Err(CallError::Daemon(DaemonError::ServiceUnavailable)) => Ok(()),
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}

pub async fn the_authorities_are_told(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let authorities = client.get_directory_authorities().timeout(target.patience()).await?.authorities;
    ensure(!authorities.is_empty(), "there are authorities")?;
    for authority in &authorities {
        let begin = format!("-----BEGIN {} PUBLIC KEY-----", authority.pki_signature_scheme.to_uppercase());
        let pem = &authority.identity_public_key_pem;
        ensure(pem.is_empty() || pem.starts_with(&begin), format!("{}: {pem}", authority.identifier))?;
    }
    let reply = client.get_pki_document_raw(0).timeout(target.patience()).await?;
    let certificate = Certificate::decode(&reply.payload)?;
    let signed = authorities
        .iter()
        .filter(|authority| certificate.signatures.contains_key(&authority.identity_key_hash))
        .count();
    ensure(2 * signed > authorities.len(), "most authorities have signed the document")
}
