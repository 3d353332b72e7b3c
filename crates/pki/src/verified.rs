//! A document that was verified.

use kpthin_core::pki::{Certificate, Document};

use crate::report::Report;

/// Whether a document was found to be of the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "it was checked or it was not")]
pub enum Freshness {
    /// By the caller's time it is of the present, or of the epoch before or after.
    Checked {
        /// The epoch that it is by the time.
        expected_epoch: u64,
    },
    /// Nobody knows: the time was not given, or the trust root has no epoch period.
    Unchecked,
}

/// A document that enough of the trusted authorities have signed.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "what was not verified is used otherwise"]
pub struct Verified {
    pub(crate) certificate: Certificate,
    pub(crate) document: Document,
    pub(crate) freshness: Freshness,
    pub(crate) report: Report,
}

impl Verified {
    /// The document.
    #[must_use]
    pub const fn document(&self) -> &Document {
        &self.document
    }

    /// The document, and nothing else.
    #[must_use]
    pub fn into_document(self) -> Document {
        self.document
    }

    /// Exactly the bytes that were signed: the encoded document.
    #[must_use]
    pub fn document_bytes(&self) -> &[u8] {
        &self.certificate.certified
    }

    /// The document's epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.document.epoch()
    }

    /// The first epoch at which the document counts no longer.
    #[must_use]
    pub const fn expiration(&self) -> u64 {
        self.certificate.expiration
    }

    /// Whether it is known to be of the present.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// Who signed.
    #[must_use]
    pub const fn report(&self) -> &Report {
        &self.report
    }
}
