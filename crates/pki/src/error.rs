//! Why a document is refused.

use alloc::{boxed::Box, string::String};
use core::fmt;

use kpthin_core::pki::DocumentError;

use crate::report::Report;
use crate::scheme::Scheme;

/// A document that is refused, with who signed it as far as that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    reason: Reason,
    report: Option<Box<Report>>,
}

impl VerifyError {
    pub(crate) fn new(reason: Reason, report: Option<Report>) -> Self {
        Self { reason, report: report.map(Box::new) }
    }

    /// Why it is refused.
    #[must_use]
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// Who signed, unless there was nothing to look at.
    #[must_use]
    pub fn report(&self) -> Option<&Report> {
        self.report.as_deref()
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl core::error::Error for VerifyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.reason)
    }
}

/// Why a document is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Reason {
    /// What was signed is no document.
    #[error("what was signed is no document: {0}")]
    Document(DocumentError),
    /// It is of another epoch than the one that was asked for.
    #[error("the document is of epoch {found}, not of {asked}")]
    Epoch {
        /// The document's.
        found: u64,
        /// What was asked for.
        asked: u64,
    },
    /// Its time is over.
    #[error("the document expired with epoch {expiration}, and it is epoch {now}")]
    Expired {
        /// The first epoch at which it counts no longer.
        expiration: u64,
        /// The epoch that it is by the time or by the caller.
        now: u64,
    },
    /// It was signed under another scheme than the trust root's.
    #[error("signed as {found:?}, not as {expected}")]
    KeyType {
        /// The certificate's.
        found: String,
        /// The trust root's.
        expected: Scheme,
    },
    /// It is not exactly one certificate.
    #[error("not a certificate: {0}")]
    Malformed(DocumentError),
    /// Neither an epoch was given nor a time with the epoch period, so nothing tells whether the document still counts.
    #[error("give an epoch, or the time and the network's epoch period: the document can't tell when it is")]
    NoEpoch,
    /// It is of the past or of the future by the caller's time, by more than one epoch.
    #[error("the document is of epoch {found}, and by the time it is epoch {expected}")]
    NotOfThePresent {
        /// The document's.
        found: u64,
        /// The epoch that it is by the time.
        expected: u64,
    },
    /// Nothing was signed.
    #[error("nothing is certified")]
    NothingCertified,
    /// It is older than one that was verified before.
    #[error("the document is of epoch {found}, and one of epoch {not_before} is known")]
    Older {
        /// The document's.
        found: u64,
        /// The least that the trust root takes.
        not_before: u64,
    },
    /// Too few authorities signed.
    #[error("{signed} of {count} authorities signed, {threshold} are needed")]
    Threshold {
        /// How many signed.
        signed: usize,
        /// How many have to.
        threshold: usize,
        /// How many there are.
        count: usize,
    },
    /// A version that nobody knows.
    #[error("certificate version {found}, not 0")]
    Version {
        /// The certificate's.
        found: u32,
    },
}
