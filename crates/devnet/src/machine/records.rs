//! Boxes that outlive the process: what was stored since the last look, and how it is put back.

use kpthin_bacap::{BoxId, SealedBox};

use super::Devnet;

/// A stored box, for whoever keeps boxes beyond the life of a [`Devnet`].
///
/// It is not secret: replicas see it, and only who has the capability can open it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The replica epoch in which it was written.
    pub replica_epoch: u64,
    /// The box.
    pub box_id: [u8; 32],
    /// The encrypted content; empty in a tombstone.
    pub ciphertext: Vec<u8>,
    /// The signature over the ciphertext.
    pub signature: [u8; 64],
}

impl Record {
    /// A record as it was kept.
    #[must_use]
    pub const fn new(replica_epoch: u64, box_id: [u8; 32], signature: [u8; 64], ciphertext: Vec<u8>) -> Self {
        Self { replica_epoch, box_id, ciphertext, signature }
    }
}

impl Devnet {
    /// From now on remembers what is stored, without bound, until [`take_records`](Self::take_records) takes it.
    pub fn keep_records(&mut self) {
        self.network.replicas.keep_journal();
    }

    /// What was stored since the last look. Keep it before anything is sent: then no box that was confirmed is lost.
    pub fn take_records(&mut self) -> Vec<Record> {
        let written = self.network.replicas.take_journal().into_iter();
        written
            .map(|(epoch, SealedBox { box_id, ciphertext, signature })| {
                Record::new(epoch, box_id.0, signature, ciphertext)
            })
            .collect()
    }

    /// Puts a record back, at all replicas that keep the box: replication that was under way is made up for.
    ///
    /// Of two records for one box and epoch the tombstone counts. Nothing is checked.
    pub fn restore_record(&mut self, record: Record) {
        let Record { replica_epoch, box_id, ciphertext, signature } = record;
        let sealed = SealedBox { box_id: BoxId(box_id), ciphertext, signature };
        self.network.replicas.restore(replica_epoch, &sealed);
    }

    /// The oldest replica epoch whose records still count.
    #[must_use]
    pub fn oldest_replica_epoch(&self) -> u64 {
        self.network.replica_epoch().saturating_sub(1)
    }
}
