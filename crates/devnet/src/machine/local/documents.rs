//! Signed documents and the authorities behind them, true or not (§4.12, §4.13).

use kpthin_core::error::DaemonError;
use kpthin_core::pki::{Certificate, DocumentContent};
use kpthin_core::wire::{
    AnyReply, Blob, DirectoryAuthorities, FailureDetail, PkiDocumentReply, ReplyFailure,
};

use crate::env::Env;
use crate::network::Network;

pub(super) fn authorities(network: &Network) -> AnyReply {
    AnyReply::GetDirectoryAuthorities(DirectoryAuthorities { authorities: network.authorities() })
}

/// The signed document of an epoch, 0 for the current one.
pub(super) fn signed_document(
    env: &mut Env<'_>,
    network: &Network,
    ready: bool,
    epoch: u64,
) -> Result<AnyReply, ReplyFailure> {
    let epoch = if epoch == 0 { network.epoch() } else { epoch };
    let certificate = if ready { certificate(env, network, epoch) } else { None };
    let certificate = certificate.ok_or(ReplyFailure {
        error_code: DaemonError::ServiceUnavailable.code(),
        detail: FailureDetail::Epoch(epoch),
    })?;
    Ok(AnyReply::GetPkiDocument(PkiDocumentReply { payload: Blob::from(certificate), epoch }))
}

/// The certificate as the daemon delivers it, which may be a lie.
fn certificate(env: &mut Env<'_>, network: &Network, epoch: u64) -> Option<Vec<u8>> {
    let mut document = network.document(epoch)?;
    if env.injector.count(env.injector.faults().old_document) {
        document = network.first_document()?;
    }
    let bytes = document.certificate.clone();
    let faults = env.injector.faults();
    let (forged, thin) = (faults.forged_document, faults.thin_signatures);
    if !forged && !thin {
        return Some(bytes);
    }
    let mut certificate = Certificate::decode(&bytes).ok()?;
    if env.injector.count(forged) {
        let mut document = DocumentContent::decode(&certificate.certified).ok()?;
        document.genesis_epoch = document.genesis_epoch.saturating_add(1);
        certificate.certified = document.encode().into();
    }
    if env.injector.count(thin) {
        while certificate.signatures.len() > 1 {
            certificate.signatures.pop_last();
        }
    }
    Some(certificate.encode())
}
