//! The throw-away authorities that sign the documents; their signatures prove nothing (§4.13, §7.4).

use std::collections::BTreeMap;

use ed25519_dalek::{Signer, SigningKey};
use kpthin_core::pki::{Certificate, Signature};
use kpthin_core::wire::{Blob, DirectoryAuthority, IdentityHash};
use kpthin_pki::Scheme;
use pem::{EncodeConfig, LineEnding, Pem};

use crate::entropy::derive;

pub(crate) const SCHEME: &str = Scheme::Ed25519.name();
/// How many epochs a document may still be used, its own included.
const EPOCHS_VALID: u64 = 5;
const COUNT: u8 = 3;

#[derive(Debug)]
struct Authority {
    name: String,
    key: SigningKey,
    link_key: [u8; 32],
}

/// Three authorities whose keys follow from the devnet's seed.
#[derive(Debug)]
pub(crate) struct Authorities(Vec<Authority>);

impl Authorities {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let authority = |number| {
            let name = format!("devnet-authority-{number}");
            let key = SigningKey::from_bytes(&derive(seed, &name));
            Authority { link_key: derive(seed, &format!("{name} link")), name, key }
        };
        Self((1..=COUNT).map(authority).collect())
    }

    /// Signs a document and wraps it as `get_pki_document` hands it out.
    pub(crate) fn certify(&self, epoch: u64, document: &[u8]) -> Vec<u8> {
        let mut certificate = Certificate {
            key_type: SCHEME.to_owned(),
            version: 0,
            certified: Blob::from(document.to_vec()),
            expiration: epoch.saturating_add(EPOCHS_VALID),
            signatures: BTreeMap::new(),
        };
        let message = certificate.signed_message();
        for authority in &self.0 {
            let public_key_sum256 = IdentityHash::of_key(authority.key.verifying_key().as_bytes());
            let payload = Blob::from(authority.key.sign(&message).to_bytes().to_vec());
            let signature = Signature { payload, public_key_sum256 };
            certificate.signatures.insert(public_key_sum256, signature);
        }
        certificate.encode()
    }

    /// What the name and key of each is.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&str, [u8; 32])> {
        self.0.iter().map(|authority| (authority.name.as_str(), authority.key.verifying_key().to_bytes()))
    }

    /// Lists the authorities as they stand in a daemon's configuration.
    pub(crate) fn list(&self) -> Vec<DirectoryAuthority> {
        let entry = |authority: &Authority| {
            let key = authority.key.verifying_key();
            DirectoryAuthority {
                identifier: authority.name.clone(),
                pki_signature_scheme: SCHEME.to_owned(),
                wire_kem_scheme: "x25519".to_owned(),
                addresses: vec![format!("tcp://{}.invalid:1", authority.name)],
                identity_public_key_pem: pem("ED25519", key.as_bytes()),
                link_public_key_pem: pem("X25519", &authority.link_key),
                identity_key_hash: IdentityHash::of_key(key.as_bytes()),
            }
        };
        self.0.iter().map(entry).collect()
    }
}

/// Writes a key as text, under its scheme's name in upper case.
fn pem(scheme: &str, key: &[u8; 32]) -> String {
    let block = Pem::new(format!("{scheme} PUBLIC KEY"), key.as_slice());
    pem::encode_config(&block, EncodeConfig::new().set_line_ending(LineEnding::LF))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_usual() {
        let list = Authorities::new([1; 32]).list();
        assert_eq!(list.len(), 3);
        assert!(list[0].identity_public_key_pem.starts_with("-----BEGIN ED25519 PUBLIC KEY-----\n"));
        assert_ne!(list[0].identity_key_hash, list[1].identity_key_hash);
        assert!(list.iter().all(|authority| authority.identifier.starts_with("devnet-")));
    }
}
