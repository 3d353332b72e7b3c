//! Contact vouchers: local calls, each with fresh randomness (§4.18).

use kpthin_bacap as bacap;
use kpthin_core::wire::{
    ReadCap, Salt, SecretBytes, Voucher, VoucherDeriveStream, VoucherInduct, VoucherInductReply, VoucherMint,
    VoucherMintReply, VoucherOpen, VoucherOpenReply, VoucherPublicKey, VoucherSecretKey, VoucherStreamReply,
    WriteCap,
};

use super::Devnet;
use super::request::Refusal;
use crate::pigeonhole::mkem::PrivateKey;
use crate::pigeonhole::voucher::{self, VoucherError};

impl From<VoucherError> for Refusal {
    fn from(error: VoucherError) -> Self {
        match error {
            VoucherError::Hash => Self(28),
            VoucherError::Malformed => Self::INVALID_REQUEST,
            VoucherError::Seal => Self(30),
            VoucherError::Signature => Self(29),
        }
    }
}

impl Devnet {
    pub(super) fn voucher_mint(&mut self, request: &VoucherMint) -> Result<VoucherMintReply, Refusal> {
        let message_cap = write_cap(request.message_write_cap.as_ref())?;
        let minted = voucher::mint(&message_cap, &request.display_name, &mut self.entropy);
        let (voucher_write_cap, voucher_read_cap) = stream(&minted.voucher);
        Ok(VoucherMintReply {
            voucher: Voucher::from(minted.voucher),
            voucher_payload: SecretBytes::from(minted.payload),
            voucher_write_cap,
            voucher_read_cap,
            voucher_secret_key: VoucherSecretKey::from(*minted.secret_key.as_bytes()),
            voucher_public_key: VoucherPublicKey::from(*minted.secret_key.public_key().as_bytes()),
        })
    }

    pub(super) fn voucher_induct(&mut self, request: &VoucherInduct) -> Result<VoucherInductReply, Refusal> {
        let voucher = request.voucher.as_ref().ok_or(Refusal::INVALID_REQUEST)?.as_bytes();
        let inducted =
            voucher::induct(voucher, &request.voucher_payload, &request.who_reply, &mut self.entropy)?;
        let (voucher_write_cap, voucher_read_cap) = stream(voucher);
        Ok(VoucherInductReply {
            display_name: inducted.display_name,
            mutated_message_read_cap: ReadCap::from(inducted.read_cap.to_bytes()),
            sealed_reply: SecretBytes::from(inducted.sealed_reply),
            voucher_write_cap,
            voucher_read_cap,
            salt: Salt::from(inducted.salt),
        })
    }
}

pub(super) fn voucher_open(request: &VoucherOpen) -> Result<VoucherOpenReply, Refusal> {
    let secret_key = request.voucher_secret_key.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
    let secret_key = PrivateKey::from_bytes(secret_key.as_bytes()).ok_or(Refusal::INVALID_REQUEST)?;
    let message_cap = write_cap(request.message_write_cap.as_ref())?;
    let opened = voucher::open(&secret_key, &request.sealed_reply)?;
    Ok(VoucherOpenReply {
        who_reply: SecretBytes::from(opened.who_reply.as_slice()),
        salt: Salt::from(opened.salt),
        mutated_message_write_cap: WriteCap::from(message_cap.mutate(&opened.salt).to_bytes()),
    })
}

pub(super) fn voucher_stream(request: &VoucherDeriveStream) -> Result<VoucherStreamReply, Refusal> {
    let voucher = request.voucher.as_ref().ok_or(Refusal::INVALID_REQUEST)?;
    let (voucher_write_cap, voucher_read_cap) = stream(voucher.as_bytes());
    Ok(VoucherStreamReply { voucher_write_cap, voucher_read_cap })
}

/// The stream of a voucher; whoever knows the voucher can read and write it.
fn stream(voucher: &[u8; 32]) -> (WriteCap, ReadCap) {
    let cap = bacap::WriteCap::from_voucher(voucher);
    (WriteCap::from(cap.to_bytes()), ReadCap::from(cap.read_cap().to_bytes()))
}

fn write_cap(cap: Option<&WriteCap>) -> Result<bacap::WriteCap, Refusal> {
    let cap = cap.ok_or(Refusal::INVALID_REQUEST)?;
    bacap::WriteCap::from_bytes(cap.as_bytes()).map_err(|_| Refusal::INVALID_REQUEST)
}
