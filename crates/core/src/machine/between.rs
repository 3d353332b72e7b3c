//! What the link tells the calls, so that neither has to know the other.

use super::LinkId;

/// What the daemon kept of the session, once the new link is up.
///
/// Resumed means that the reply says so, the daemon is the same process, and the token was ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionFate {
    Lost,
    Resumed,
}

/// A link on which calls can be written, and what the daemon kept of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkUp {
    pub(super) id: LinkId,
    pub(super) fate: SessionFate,
    /// Whether there was a link before.
    pub(super) again: bool,
    /// Whether the daemon is the process of the link before.
    pub(super) same_daemon: bool,
    /// Whether the daemon may still have the link before this one.
    pub(super) is_doubtful: bool,
}

/// What the calls tell of a link that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Residue {
    /// Whether something is waited for that the daemon may keep for the session.
    pub(super) worth_resuming: bool,
}

impl LinkUp {
    pub(super) const fn is_resumed(&self) -> bool {
        matches!(self.fate, SessionFate::Resumed)
    }
}
