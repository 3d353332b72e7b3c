//! The latest documents, by epoch.

use alloc::{collections::BTreeMap, sync::Arc};

use super::limits::DOCUMENTS_MAX;
use crate::pki::Document;

/// The latest documents; at most [`DOCUMENTS_MAX`], the oldest epoch goes first.
#[derive(Debug, Default)]
pub(super) struct Documents {
    by_epoch: BTreeMap<u64, Arc<Document>>,
    latest: Option<Arc<Document>>,
}

impl Documents {
    /// The one that came last, which at connect may be of the previous epoch (§4.3).
    pub(super) const fn latest(&self) -> Option<&Arc<Document>> {
        self.latest.as_ref()
    }

    pub(super) fn of_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.by_epoch.get(&epoch)
    }

    /// Keeps a document; returns its epoch if it brings a new one.
    ///
    /// Two documents of an epoch can differ in their bytes and say the same.
    pub(super) fn insert(&mut self, document: Document) -> Option<u64> {
        let epoch = document.epoch;
        let known = self.latest.as_ref().is_some_and(|latest| latest.epoch == epoch);
        let document = Arc::new(document);
        let _older = self.by_epoch.insert(epoch, Arc::clone(&document));
        self.latest = Some(document);
        if self.by_epoch.len() > DOCUMENTS_MAX {
            let _oldest = self.by_epoch.pop_first();
        }
        (!known).then_some(epoch)
    }
}
