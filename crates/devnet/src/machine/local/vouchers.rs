//! Contact vouchers, each with fresh randomness (§4.18).

use std::time::Duration;

use kpthin_bacap::WriteCap;
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    self, AnyReply, ReadCap, Salt, SecretBytes, Voucher, VoucherDeriveStream, VoucherInduct,
    VoucherInductReply, VoucherMint, VoucherMintReply, VoucherOpen, VoucherOpenReply, VoucherPublicKey,
    VoucherSecretKey, VoucherStreamReply,
};

use super::super::capability::write_cap;
use super::Local;
use crate::pigeonhole::mkem::PrivateKey;
use crate::pigeonhole::voucher::{self, VoucherError};

/// A step of a voucher's exchange, with what it needs.
#[derive(Clone, Debug)]
pub(super) enum Exchange {
    Induct { voucher: Voucher, payload: SecretBytes, who_reply: SecretBytes },
    Mint { message_cap: WriteCap, display_name: String },
    Open { secret_key: PrivateKey, sealed_reply: SecretBytes, message_cap: WriteCap },
}

impl From<VoucherError> for DaemonError {
    fn from(error: VoucherError) -> Self {
        match error {
            VoucherError::Hash => Self::VoucherHashMismatch,
            VoucherError::Malformed => Self::InvalidRequest,
            VoucherError::Seal => Self::VoucherSealOpenFailed,
            VoucherError::Signature => Self::VoucherSignatureInvalid,
        }
    }
}

impl Exchange {
    pub(super) fn induct(request: VoucherInduct) -> Self {
        let VoucherInduct { voucher, voucher_payload: payload, who_reply } = request;
        Self::Induct { voucher, payload, who_reply }
    }

    pub(super) fn mint(request: VoucherMint) -> Result<Self, DaemonError> {
        let message_cap = write_cap(&request.message_write_cap)?;
        Ok(Self::Mint { message_cap, display_name: request.display_name })
    }

    pub(super) fn open(request: VoucherOpen) -> Result<Self, DaemonError> {
        let secret_key = PrivateKey::from_bytes(request.voucher_secret_key.as_bytes())
            .ok_or(DaemonError::InvalidRequest)?;
        let message_cap = write_cap(&request.message_write_cap)?;
        Ok(Self::Open { secret_key, sealed_reply: request.sealed_reply, message_cap })
    }

    /// What it takes, in steps of the key agreement.
    pub(super) fn cost(&self, group_action: Duration) -> Duration {
        match self {
            Self::Induct { .. } => group_action.saturating_mul(2),
            Self::Mint { .. } => group_action.saturating_mul(3) / 2,
            Self::Open { .. } => group_action,
        }
    }
}

impl Local {
    pub(super) fn exchange(&mut self, exchange: Exchange) -> Result<AnyReply, DaemonError> {
        Ok(match exchange {
            Exchange::Induct { voucher, payload, who_reply } => {
                AnyReply::VoucherInduct(self.induct(&voucher, &payload, &who_reply)?)
            }
            Exchange::Mint { message_cap, display_name } => {
                AnyReply::VoucherMint(self.mint(&message_cap, &display_name))
            }
            Exchange::Open { secret_key, sealed_reply, message_cap } => {
                AnyReply::VoucherOpen(open(&secret_key, &sealed_reply, &message_cap)?)
            }
        })
    }

    fn mint(&mut self, message_cap: &WriteCap, display_name: &str) -> VoucherMintReply {
        let minted = voucher::mint(message_cap, display_name, &mut self.entropy);
        let (voucher_write_cap, voucher_read_cap) = stream(&minted.voucher);
        VoucherMintReply {
            voucher: Voucher::from(minted.voucher),
            voucher_payload: SecretBytes::from(minted.payload),
            voucher_write_cap,
            voucher_read_cap,
            voucher_secret_key: VoucherSecretKey::from(*minted.secret_key.as_bytes()),
            voucher_public_key: VoucherPublicKey::from(*minted.secret_key.public_key().as_bytes()),
        }
    }

    fn induct(
        &mut self,
        voucher: &Voucher,
        payload: &[u8],
        who_reply: &[u8],
    ) -> Result<VoucherInductReply, DaemonError> {
        let inducted = voucher::induct(voucher.as_bytes(), payload, who_reply, &mut self.entropy)?;
        let (voucher_write_cap, voucher_read_cap) = stream(voucher.as_bytes());
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

fn open(
    secret_key: &PrivateKey,
    sealed_reply: &[u8],
    message_cap: &WriteCap,
) -> Result<VoucherOpenReply, DaemonError> {
    let opened = voucher::open(secret_key, sealed_reply)?;
    Ok(VoucherOpenReply {
        who_reply: SecretBytes::from(opened.who_reply.as_slice()),
        salt: Salt::from(opened.salt),
        mutated_message_write_cap: wire::WriteCap::from(message_cap.mutate(&opened.salt).to_bytes()),
    })
}

pub(super) fn derive_stream(request: &VoucherDeriveStream) -> VoucherStreamReply {
    let (voucher_write_cap, voucher_read_cap) = stream(request.voucher.as_bytes());
    VoucherStreamReply { voucher_write_cap, voucher_read_cap }
}

/// The stream of a voucher; whoever knows the voucher can read and write it.
fn stream(voucher: &[u8; 32]) -> (wire::WriteCap, ReadCap) {
    let cap = WriteCap::from_voucher(voucher);
    (wire::WriteCap::from(cap.to_bytes()), ReadCap::from(cap.read_cap().to_bytes()))
}
