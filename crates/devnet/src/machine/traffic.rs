//! What a daemon has done, for whoever measures.

use kpthin_core::wire::AnyRequest;

use super::Devnet;

/// What a daemon has done since it was made; restarts don't make it forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Packets sent into the mix network, those that were sent again among them. Each took a slot.
    pub packets: u64,
    /// How often something of [`Faults`](super::Faults) has struck; for [`dribble`](super::Faults::dribble) the bytes.
    pub faults: u64,
    /// Reads encrypted.
    pub encrypted_reads: u64,
    /// Writes encrypted.
    pub encrypted_writes: u64,
}

impl Traffic {
    pub(super) const fn count(&mut self, request: &AnyRequest) {
        match request {
            AnyRequest::EncryptRead(_) => self.encrypted_reads += 1,
            AnyRequest::EncryptWrite(_) => self.encrypted_writes += 1,
            _ => {}
        }
    }
}

impl Devnet {
    /// What it has done so far.
    #[must_use]
    pub const fn traffic(&self) -> Traffic {
        self.traffic
    }
}
