//! The latest documents, by epoch.

use alloc::{collections::VecDeque, sync::Arc};

use super::super::limits::{DOCUMENT_BYTES_MAX, DOCUMENTS_MAX};
use crate::pki::Document;

/// The documents that came last, the latest at the back; at most [`DOCUMENTS_MAX`] and [`DOCUMENT_BYTES_MAX`].
///
/// They are kept in the order of their arrival, because the epochs of a restarted network may begin
/// anew. At most one per epoch is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Documents {
    kept: VecDeque<Arc<Document>>,
}

/// What a document has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum News {
    /// An epoch that was not known.
    Epoch,
    /// Another epoch than that of the document before, but a known one.
    Known,
    /// Nothing; two documents of an epoch can differ in their bytes and say the same.
    Nothing,
}

/// A document that is kept, and what it has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Kept {
    pub(in super::super) epoch: u64,
    pub(in super::super) news: News,
    /// Whether the authorities tell clients something else than before (newer-daemons §3).
    pub(in super::super) notices: bool,
}

impl Documents {
    /// The one that came last, which at connect may be of the previous epoch (§4.3).
    pub(super) fn latest(&self) -> Option<&Arc<Document>> {
        self.kept.back()
    }

    pub(super) fn of_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.kept.iter().find(|kept| kept.epoch() == epoch)
    }

    /// Keeps a document; at the limits those that came first go.
    pub(super) fn insert(&mut self, document: Document) -> Kept {
        let epoch = document.epoch();
        let news = match (self.latest(), self.of_epoch(epoch)) {
            (_, None) => News::Epoch,
            (Some(latest), _) if latest.epoch() == epoch => News::Nothing,
            (_, Some(_)) => News::Known,
        };
        let notices = self.latest().map(|latest| notices(latest)).unwrap_or_default() != notices(&document);
        self.kept.retain(|kept| kept.epoch() != epoch);
        self.kept.push_back(Arc::new(document));
        while self.kept.len() > DOCUMENTS_MAX || self.kept.len() > 1 && self.bytes() > DOCUMENT_BYTES_MAX {
            self.kept.pop_front();
        }
        Kept { epoch, news, notices }
    }

    fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.as_bytes().len()).sum()
    }
}

/// What a document tells programs and their users.
fn notices(document: &Document) -> (Option<&str>, Option<&str>) {
    (document.min_client_version(), document.client_notice())
}

#[cfg(any(test, feature = "testing"))]
impl Documents {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(&self.kept, |to, document| to.number(document.epoch()));
    }
}
