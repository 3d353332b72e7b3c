//! Whom an application trusts, and the verification against it (§7.4, Pigeonhole backend §12.2).

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use kpthin_core::pki::{Certificate, Document};
use kpthin_core::wire::IdentityHash;

use crate::builder::TrustRootBuilder;
use crate::error::{Reason, VerifyError};
use crate::report::{AuthorityReport, Report, Verdict};
use crate::scheme::Scheme;
use crate::schemes::PublicKey;
use crate::time::UnixTime;
use crate::verified::{Freshness, Verified};

/// Signatures of one authority that are looked at. An honest certificate has one; a hostile one could have so many that
/// looking at all of them would take minutes.
const TRIES: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct Authority {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    pub(crate) key_hash: IdentityHash,
}

/// The authorities that an application trusts.
///
/// Their keys come from the application, never from the daemon that delivers the documents.
#[derive(Clone, Debug)]
pub struct TrustRoot {
    pub(crate) scheme: Scheme,
    pub(crate) authorities: Vec<Authority>,
    pub(crate) threshold: usize,
    pub(crate) epoch_period: Option<Duration>,
    pub(crate) not_before_epoch: u64,
}

impl TrustRoot {
    /// Begins with nobody.
    pub const fn builder(scheme: Scheme) -> TrustRootBuilder {
        TrustRootBuilder::new(scheme)
    }

    /// The scheme that all of them sign with.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// How many of them have to have signed.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// How many there are.
    #[must_use]
    pub const fn authority_count(&self) -> usize {
        self.authorities.len()
    }

    /// The epoch that it is at a time, if the epoch period is known.
    #[must_use]
    pub fn epoch_at(&self, time: UnixTime) -> Option<u64> {
        self.epoch_period.map(|period| time.epoch(period))
    }

    /// Refuses documents of earlier epochs from now on; an earlier limit does not undo a later one.
    ///
    /// Worth calling with the epoch of each document that was verified, and worth saving: a lying daemon can then repeat
    /// nothing.
    pub const fn not_before_epoch(&mut self, epoch: u64) {
        if epoch > self.not_before_epoch {
            self.not_before_epoch = epoch;
        }
    }

    /// Verifies a certificate as `get_pki_document` delivers it.
    ///
    /// `epoch` is the one that was asked for, 0 for the current one; `now` is the time, from a clock that the caller
    /// trusts. Which epoch it is follows from `now` if the trust root has the
    /// [epoch period](TrustRootBuilder::epoch_period), otherwise from `epoch`, never from the document. By that the
    /// document must not have expired. If `now` tells the epoch, the document is of that one, or of the one before or
    /// after, as clocks differ and a network takes its time; a document of long ago is verified without a time.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says why the document is refused, and who signed it. In this order: bytes that are not exactly one
    /// certificate, another version or scheme, nothing certified, no way to tell the epoch, an expired document, too few
    /// good signatures, something signed that is no document, another epoch than the one that was asked for, one that is
    /// not of the present, and one that is older than is known.
    pub fn verify(
        &self,
        certificate: &[u8],
        epoch: u64,
        now: Option<UnixTime>,
    ) -> Result<Verified, VerifyError> {
        let certificate = Certificate::decode(certificate)
            .map_err(|error| VerifyError::new(Reason::Malformed(error), None))?;
        let mut report = self.report(&certificate);
        let expected = now.and_then(|now| self.epoch_at(now));
        match self.judge(&certificate, &mut report, epoch, expected) {
            Ok(document) => {
                let freshness = match expected {
                    Some(expected_epoch) => Freshness::Checked { expected_epoch },
                    None => Freshness::Unchecked,
                };
                Ok(Verified { certificate, document, freshness, report })
            }
            Err(reason) => Err(VerifyError::new(reason, Some(report))),
        }
    }

    fn judge(
        &self,
        certificate: &Certificate,
        report: &mut Report,
        asked: u64,
        expected: Option<u64>,
    ) -> Result<Document, Reason> {
        let expiration = certificate.expiration;
        if certificate.version != 0 {
            return Err(Reason::Version { found: certificate.version });
        }
        if certificate.key_type != self.scheme.name() {
            return Err(Reason::KeyType { found: certificate.key_type.clone(), expected: self.scheme });
        }
        if certificate.certified.is_empty() {
            return Err(Reason::NothingCertified);
        }
        let Some(now) = expected.or_else(|| (asked != 0).then_some(asked)) else {
            return Err(Reason::NoEpoch);
        };
        if now >= expiration {
            return Err(Reason::Expired { expiration, now });
        }
        if !report.is_enough() {
            let (signed, threshold, count) = (report.signed, report.threshold, self.authorities.len());
            return Err(Reason::Threshold { signed, threshold, count });
        }
        // Nothing is made of what was not signed.
        let document = certificate.document().map_err(Reason::Document)?;
        let found = document.epoch();
        report.epoch = Some(found);
        if asked != 0 && found != asked {
            return Err(Reason::Epoch { found, asked });
        }
        if let Some(expected) = expected
            && found.abs_diff(expected) > 1
        {
            return Err(Reason::NotOfThePresent { found, expected });
        }
        if found < self.not_before_epoch {
            return Err(Reason::Older { found, not_before: self.not_before_epoch });
        }
        Ok(document)
    }

    /// Looks at every authority's signature; map keys mean nothing (Pigeonhole backend §12.2).
    fn report(&self, certificate: &Certificate) -> Report {
        let message = certificate.signed_message();
        let verdict = |authority: &Authority| {
            let by_it = certificate
                .signatures
                .values()
                .filter(|signature| signature.public_key_sum256 == authority.key_hash)
                .take(TRIES);
            let mut verdict = Verdict::Absent;
            for signature in by_it {
                verdict = authority.key.verify(&message, &signature.payload);
                if verdict == Verdict::Signed {
                    break;
                }
            }
            verdict
        };
        let authorities: Vec<_> = self
            .authorities
            .iter()
            .map(|authority| AuthorityReport {
                name: authority.name.clone(),
                key_hash: authority.key_hash,
                verdict: verdict(authority),
            })
            .collect();
        let is_known = |hash| self.authorities.iter().any(|authority| authority.key_hash == hash);
        Report {
            scheme: self.scheme,
            epoch: None,
            expiration: certificate.expiration,
            threshold: self.threshold,
            signed: authorities.iter().filter(|authority| authority.verdict == Verdict::Signed).count(),
            authorities,
            strangers: certificate
                .signatures
                .values()
                .filter(|signature| !is_known(signature.public_key_sum256))
                .count(),
        }
    }
}
