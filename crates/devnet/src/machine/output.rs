//! What the machine wants its driver to do.

use kpthin_core::Instant;

use super::EndReason;

/// Names a connection; never used again for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub(crate) u64);

#[cfg(feature = "testing")]
impl ConnId {
    /// Tells which connection it is.
    pub(super) fn tell(self, to: &mut kpthin_core::testing::Fingerprint) {
        to.name(&[&b"connection"[..], &self.0.to_be_bytes()].concat());
    }
}

impl std::fmt::Display for ConnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What the driver has to do next; see [`Devnet::poll_output`](super::Devnet::poll_output).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "connections stay open, or bytes unsent, if nobody acts on it"]
pub enum Output {
    /// Close the connection once everything that was polled for it is written.
    ///
    /// The machine has forgotten it; there is nothing more to poll. A connection that was told to be
    /// [gone](super::Devnet::handle_disconnected) is not named again.
    Close(ConnId, EndReason),
    /// There is nothing to do until input comes or this time is reached.
    Idle {
        /// When to call [`handle_timeout`](super::Devnet::handle_timeout); possibly at once.
        wake_at: Option<Instant>,
    },
    /// There are bytes for the connection: [`poll_transmit`](super::Devnet::poll_transmit).
    ///
    /// Said once; after that poll until nothing is appended any more.
    Transmit(ConnId),
}
