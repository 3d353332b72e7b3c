//! Contact vouchers.

use kpthin::{CallError, DaemonError};

use super::target::{Outcome, Target, ensure};

pub async fn an_invitation_goes_round(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let minted = client.voucher_mint(&stream.write_cap, "Alice").timeout(target.patience()).await?;
    let derived = client.voucher_derive_stream(&minted.voucher).timeout(target.patience()).await?;
    ensure(derived.voucher_write_cap == minted.voucher_write_cap, "both derive the same stream")?;
    let induct = client.voucher_induct(&minted.voucher, minted.voucher_payload.clone(), "welcome");
    let inducted = induct.timeout(target.patience()).await?;
    ensure(inducted.display_name == "Alice", inducted.display_name.clone())?;
    let open = client.voucher_open(&minted.voucher_secret_key, inducted.sealed_reply, &stream.write_cap);
    let opened = open.timeout(target.patience()).await?;
    ensure(*opened.who_reply == *b"welcome", "the reply is opened")?;
    let mutated = opened.mutated_message_write_cap.read_cap();
    ensure(mutated == inducted.mutated_message_read_cap, "both sides mutate alike")
}

pub async fn a_payload_of_another_voucher_is_refused(target: Target) -> Result<(), Outcome> {
    let client = target.client().await?;
    let stream = target.stream(&client).await?;
    let alice = client.voucher_mint(&stream.write_cap, "Alice").timeout(target.patience()).await?;
    let bob = client.voucher_mint(&stream.write_cap, "Bob").timeout(target.patience()).await?;
    let induct = client.voucher_induct(&alice.voucher, bob.voucher_payload.clone(), "welcome");
    match induct.timeout(target.patience()).await {
        Err(CallError::Daemon(DaemonError::VoucherHashMismatch)) => Ok(()),
        other => Err(Outcome::Failed(format!("{other:?}"))),
    }
}
