//! Everything about calls that ends with the link they were written on.

use super::{
    super::{CallId, LinkId, Role, between::LinkUp},
    cancelling::Cancelling,
    key::Key,
    locals::Locals,
    places::Places,
    probe::Probe,
    suspects::Outstanding,
};
use crate::Instant;

/// Whether more may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    GoesOn,
    /// This side ends the link; what still arrives is read.
    Over,
}

/// What calls have on one link. It is made when the link comes up, and dropped when it is lost.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) id: LinkId,
    pub(super) writing: Writing,
    pub(super) places: Places,
    pub(super) locals: Locals,
    pub(super) cancelling: Cancelling,
    pub(super) suspect: Outstanding,
    /// When the last frame came that a call was waiting for.
    pub(super) last_reply: Option<Instant>,
    pub(super) probe: Probe,
    /// Whether the daemon may still have the link before this one.
    pub(super) is_doubtful: bool,
}

impl Wire {
    pub(super) fn new(up: &LinkUp, role: Role, now: Instant) -> Self {
        Self {
            id: up.id,
            writing: Writing::GoesOn,
            places: Places::new(role),
            locals: Locals::new(now),
            cancelling: Cancelling::default(),
            suspect: Outstanding::default(),
            last_reply: None,
            probe: Probe::new(up.fate, now),
            is_doubtful: up.is_doubtful,
        }
    }
}

impl super::Calls {
    /// The link, while more may be written on it.
    pub(super) fn open_wire(&mut self) -> Option<&mut Wire> {
        self.wire.as_mut().filter(|wire| wire.writing == Writing::GoesOn)
    }

    pub(super) fn is_open(&self) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.writing == Writing::GoesOn)
    }

    /// Whether a call is outstanding on the present link, and since when.
    pub(super) fn outstanding(&self, id: CallId) -> Option<Instant> {
        let (link, at) = self.table.get(id)?.on_link()?;
        self.wire.as_ref().filter(|wire| wire.id == link).map(|_| at)
    }

    /// The start of a key that is being cancelled on the present link.
    pub(super) fn cancelling(&self, key: Key) -> Option<CallId> {
        self.wire.as_ref()?.cancelling.start(key)
    }
}
