//! The envelope keys of a replica, which change with the replica epoch.

use std::fmt;

use blake2::{Blake2b256, Digest};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::pigeonhole::messages::CourierEnvelope;
use crate::pigeonhole::mkem::{self, PrivateKey};

/// The envelope keys of one replica, a fresh one for each replica epoch.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct ReplicaKeys {
    seed: [u8; 32],
    replica: u8,
}

impl ReplicaKeys {
    /// Derives the keys of a replica from the devnet's seed.
    pub(crate) const fn new(seed: [u8; 32], replica: u8) -> Self {
        Self { seed, replica }
    }

    /// Derives the key of one epoch.
    pub(crate) fn private_key(&self, epoch: u64) -> PrivateKey {
        let hasher = Blake2b256::new()
            .chain_update(b"kpthin devnet replica envelope key")
            .chain_update(self.seed)
            .chain_update([self.replica])
            .chain_update(epoch.to_be_bytes());
        PrivateKey::from_seed(&Zeroizing::new(hasher.finalize().into()))
    }

    /// Opens an envelope with the key of this epoch, the one before or the one after, and tells which.
    pub(crate) fn open(&self, epoch: u64, envelope: &CourierEnvelope) -> Option<(PrivateKey, Vec<u8>)> {
        let epochs = [Some(epoch), epoch.checked_sub(1), epoch.checked_add(1)];
        epochs.into_iter().flatten().find_map(|epoch| {
            let key = self.private_key(epoch);
            let sender = &envelope.sender_public_key;
            mkem::decapsulate(&key, sender, &envelope.wrapped_keys, &envelope.ciphertext)
                .ok()
                .map(|message| (key, message))
        })
    }
}

impl fmt::Debug for ReplicaKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplicaKeys(#{})", self.replica)
    }
}
