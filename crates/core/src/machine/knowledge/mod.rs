//! What the daemon last said of itself and of the mix network.

mod documents;

use alloc::sync::Arc;

use crate::{
    pki::Document,
    wire::{AnyRequest, Geometry, InstanceToken, NewPkiDocument},
};

use self::documents::Documents;
pub(super) use self::documents::{Kept, News};

/// Everything the daemon has told; it outlives links, since the next one is likely to tell the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Knowledge {
    geometry: Option<Arc<Geometry>>,
    instance: Option<InstanceToken>,
    mixnet: bool,
    documents: Documents,
}

/// What calls depend on, lent for one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// The sizes that requests have to fit.
    pub(super) geometry: Option<&'a Geometry>,
    /// Whether the daemon is connected to the mix network.
    pub(super) mixnet: bool,
    document: Option<&'a Document>,
}

impl Facts<'_> {
    /// Whether a request is a copy at a courier that is not in the latest document.
    pub(super) fn courier_is_gone(&self, request: &AnyRequest) -> bool {
        let AnyRequest::StartResendingCopyCommand(copy) = request else { return false };
        let (Some(courier), Some(document)) = (&copy.courier, self.document) else {
            return false;
        };
        !document.has_courier(&courier.node)
    }
}

impl Knowledge {
    pub(super) fn facts(&self) -> Facts<'_> {
        let document = self.documents.latest().map(AsRef::as_ref);
        Facts { geometry: self.geometry.as_deref(), mixnet: self.mixnet, document }
    }

    pub(super) const fn geometry(&self) -> Option<&Arc<Geometry>> {
        self.geometry.as_ref()
    }

    pub(super) const fn instance(&self) -> Option<InstanceToken> {
        self.instance
    }

    pub(super) const fn mixnet(&self) -> bool {
        self.mixnet
    }

    pub(super) fn document(&self) -> Option<&Arc<Document>> {
        self.documents.latest()
    }

    pub(super) fn document_for_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.documents.of_epoch(epoch)
    }

    /// The daemon is this process.
    pub(super) const fn met(&mut self, instance: InstanceToken) {
        self.instance = Some(instance);
    }

    /// Takes note of the sizes; returns whether they are others than before.
    pub(super) fn set_geometry(&mut self, geometry: Geometry) -> bool {
        let changed = self.geometry.as_deref() != Some(&geometry);
        if changed {
            self.geometry = Some(geometry.into());
        }
        changed
    }

    /// Takes note of whether the mix network is there; returns whether that is new.
    pub(super) const fn set_mixnet(&mut self, connected: bool) -> bool {
        let changed = self.mixnet != connected;
        self.mixnet = connected;
        changed
    }

    /// Keeps a document; returns what it has brought.
    ///
    /// One that can't be read is as good as none: calls need the daemon's, not ours.
    pub(super) fn keep(&mut self, event: NewPkiDocument) -> Option<Kept> {
        let payload = event.payload.filter(|payload| !payload.is_empty())?;
        let document = Document::from_bytes(payload.into_vec()).ok()?;
        Some(self.documents.insert(document))
    }
}

#[cfg(any(test, feature = "testing"))]
impl Knowledge {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.option(self.instance, |to, instance| to.name(instance.as_bytes()));
        to.number(u8::from(self.mixnet));
        to.option(self.geometry.as_deref(), |to, geometry| to.number(geometry.max_payload_len()));
        self.documents.tell(to);
    }
}
