//! Messages to services.

use kpthin::{CallError, InvalidRequest};

use super::target::{Outcome, Target, ensure};

pub async fn echo_returns_what_was_sent(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let reply = client.send_and_await_reply("echo", "ping").timeout(target.patience()).await?;
    let expected = client.geometry().ok_or("no geometry")?.sphinx.forward_payload_length;
    ensure(reply.len() as u64 == expected, format!("the reply holds {} bytes", reply.len()))?;
    ensure(reply.starts_with(b"ping\0"), "the reply begins with what was sent, zero-padded")
}

pub async fn a_message_without_reply_ends_when_it_has_left(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let echo = client.service("echo").ok_or("nobody offers echo")?;
    let sent =
        client.send_message_without_reply(&echo.destination(), "ping").timeout(target.patience()).await?;
    ensure(sent.failure().is_none() && sent.sent_at > 1_700_000_000, format!("{sent:?}"))
}

pub async fn a_message_too_long_is_refused_with_both_sizes(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let echo = client.service("echo").ok_or("nobody offers echo")?;
    let max = client.geometry().ok_or("no geometry")?.max_payload_len();
    match client.send_message(&echo.destination(), vec![7; max + 1]).timeout(target.patience()).await {
        Err(CallError::TooLarge { len, max: named }) if len == max + 1 && named == max => {}
        other => return Err(Outcome::Failed(format!("{other:?}"))),
    }
    let largest = client.send_message(&echo.destination(), vec![7; max]).timeout(target.patience()).await?;
    ensure(largest.payload.starts_with(&vec![7; max]), "the largest message comes back whole")
}

pub async fn an_unknown_service_is_refused(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    match client.send_and_await_reply("no such service", "ping").timeout(target.patience()).await {
        Err(CallError::InvalidRequest(InvalidRequest::UnknownService { capability })) => {
            ensure(capability == "no such service", capability)
        }
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}
