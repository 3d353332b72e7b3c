//! The latest documents, by epoch.

use alloc::{collections::VecDeque, sync::Arc};

use super::super::limits::DOCUMENTS_MAX;
use crate::pki::Document;

/// The documents that came last, the latest at the back; at most [`DOCUMENTS_MAX`].
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

impl Documents {
    /// The one that came last, which at connect may be of the previous epoch (§4.3).
    pub(super) fn latest(&self) -> Option<&Arc<Document>> {
        self.kept.back()
    }

    pub(super) fn of_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.kept.iter().find(|kept| kept.epoch == epoch)
    }

    /// Keeps a document; at the limit the one that came first goes.
    pub(super) fn insert(&mut self, document: Document) -> News {
        let epoch = document.epoch;
        let news = match (self.latest(), self.of_epoch(epoch)) {
            (_, None) => News::Epoch,
            (Some(latest), _) if latest.epoch == epoch => News::Nothing,
            (_, Some(_)) => News::Known,
        };
        self.kept.retain(|kept| kept.epoch != epoch);
        self.kept.push_back(Arc::new(document));
        if self.kept.len() > DOCUMENTS_MAX {
            self.kept.pop_front();
        }
        news
    }
}

#[cfg(any(test, feature = "testing"))]
impl Documents {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(&self.kept, |to, document| to.number(document.epoch));
    }
}
