//! Documents that a lying daemon delivers.

use kpthin_core::pki::Certificate;
use kpthin_pki::{Scheme, TrustRoot, TrustRootBuilder};

use super::super::Devnet;

impl Devnet {
    /// Whom a program trusts on this network: its three authorities, and how long its epochs last.
    ///
    /// It comes from the network itself, as a program's configuration would, not over the daemon's protocol. Their keys
    /// are throw-away ones that follow from the seed.
    ///
    /// # Panics
    ///
    /// Never: its authorities are fit to be trusted.
    #[must_use]
    pub fn trust_root(&self) -> TrustRoot {
        let builder = TrustRoot::builder(Scheme::Ed25519).epoch_period(self.config.epoch_period);
        let add = |builder: TrustRootBuilder, (name, key): (&str, [u8; 32])| builder.authority(name, key);
        #[expect(clippy::expect_used, reason = "three different keys, and a period of a second at least")]
        let root = self.network.authority_keys().fold(builder, add).build().expect("a trust root");
        root
    }

    /// The names and public keys of the network's authorities, for a [trust root](Self::trust_root) in a file.
    #[must_use]
    pub fn authority_keys(&self) -> Vec<(String, [u8; 32])> {
        self.network.authority_keys().map(|(name, key)| (name.to_owned(), key)).collect()
    }

    /// The certificate as the daemon delivers it, which may be a lie.
    pub(in super::super) fn certificate(&mut self, epoch: u64) -> Option<Vec<u8>> {
        let document = self.network.document(epoch).filter(|_| self.has_document())?;
        let mut bytes = document.certificate.clone();
        if self.strikes_if(self.faults.old_document) {
            bytes = self.network.first_certificate().to_vec();
        }
        let (forged, thin) = (self.faults.forged_document, self.faults.thin_signatures);
        if !forged && !thin {
            return Some(bytes);
        }
        let mut certificate = Certificate::decode(&bytes).ok()?;
        if self.strikes_if(forged) {
            let mut document = certificate.document().ok()?;
            document.genesis_epoch = document.genesis_epoch.saturating_add(1);
            certificate.certified = document.encode().into();
        }
        if self.strikes_if(thin) {
            while certificate.signatures.len() > 1 {
                drop(certificate.signatures.pop_last());
            }
        }
        Some(certificate.encode())
    }
}
