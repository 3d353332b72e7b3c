//! What one replica keeps, and the rules of keeping it (Pigeonhole backend §7.1, §7.2).

use std::collections::BTreeMap;

use kpthin_bacap::{BoxId, SealedBox};

use super::geometry::Geometry;
use super::messages::{ReplicaCode, ReplyInnerMessage};

/// The boxes of one replica, by the replica epoch they were written in.
///
/// Its bound is the capacity, in records; at it new boxes are refused with [`ReplicaCode::STORAGE_FULL`], while
/// tombstones are still taken.
#[derive(Clone, Debug)]
pub(crate) struct BoxStore {
    geometry: Geometry,
    capacity: usize,
    /// Whether it acts as if the capacity were reached.
    full: bool,
    records: BTreeMap<(u64, BoxId), SealedBox>,
    /// What was stored since somebody looked, if somebody does.
    journal: Option<Vec<(u64, SealedBox)>>,
}

impl BoxStore {
    pub(crate) const fn new(geometry: Geometry, capacity: usize) -> Self {
        Self { geometry, capacity, full: false, records: BTreeMap::new(), journal: None }
    }

    pub(crate) const fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// Stores a box for good, or deletes it if the ciphertext is empty.
    ///
    /// Repeating the very same write succeeds as long as its record is kept; any other write to that box does not.
    pub(crate) fn write(&mut self, epoch: u64, sealed: SealedBox) -> ReplicaCode {
        if sealed.ciphertext.is_empty() {
            return self.bury(epoch, sealed);
        }
        if sealed.ciphertext.len() != self.geometry.box_ciphertext() {
            return ReplicaCode::INVALID_PAYLOAD;
        }
        if let Err(code) = check_signature(&sealed) {
            return code;
        }
        if self.full || self.records.len() >= self.capacity {
            return ReplicaCode::STORAGE_FULL;
        }
        match self.find(epoch, sealed.box_id) {
            Some(kept) if *kept == sealed => ReplicaCode::SUCCESS,
            Some(_) => ReplicaCode::BOX_ALREADY_EXISTS,
            None => {
                self.keep(epoch, sealed);
                ReplicaCode::SUCCESS
            }
        }
    }

    /// Puts a tombstone in the place of whatever is there, or is not.
    fn bury(&mut self, epoch: u64, tombstone: SealedBox) -> ReplicaCode {
        if let Err(code) = check_signature(&tombstone) {
            return code;
        }
        self.keep(epoch, tombstone);
        ReplicaCode::SUCCESS
    }

    /// Hands out a box.
    pub(crate) fn read(&self, epoch: u64, box_id: BoxId) -> ReplyInnerMessage {
        match self.find(epoch, box_id) {
            Some(kept) if kept.ciphertext.is_empty() => {
                ReplyInnerMessage::Read(ReplicaCode::TOMBSTONE, kept.clone())
            }
            Some(kept) => ReplyInnerMessage::Read(ReplicaCode::SUCCESS, kept.clone()),
            None => ReplyInnerMessage::Read(
                ReplicaCode::BOX_ID_NOT_FOUND,
                SealedBox { box_id, ciphertext: Vec::new(), signature: [0; 64] },
            ),
        }
    }

    /// Deletes the records that no longer count.
    pub(crate) fn collect_garbage(&mut self, epoch: u64) {
        self.records.retain(|(written, _), _| *written >= epoch.saturating_sub(1));
    }

    fn keep(&mut self, epoch: u64, sealed: SealedBox) {
        if let Some(journal) = &mut self.journal {
            journal.push((epoch, sealed.clone()));
        }
        self.restore(epoch, sealed);
    }

    pub(crate) fn keep_journal(&mut self) {
        let _ = self.journal.get_or_insert_default();
    }

    pub(crate) fn take_journal(&mut self) -> Vec<(u64, SealedBox)> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Puts a record in its place without any check, as when it is read back from a disk.
    pub(crate) fn restore(&mut self, epoch: u64, sealed: SealedBox) {
        self.records.insert((epoch, sealed.box_id), sealed);
    }

    /// Returns all records with their epochs, the oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = (u64, &SealedBox)> {
        self.records.iter().map(|((epoch, _), sealed)| (*epoch, sealed))
    }

    /// Finds the record that counts: of this epoch, else of the one before.
    fn find(&self, epoch: u64, box_id: BoxId) -> Option<&SealedBox> {
        [Some(epoch), epoch.checked_sub(1)]
            .into_iter()
            .flatten()
            .find_map(|epoch| self.records.get(&(epoch, box_id)))
    }
}

fn check_signature(sealed: &SealedBox) -> Result<(), ReplicaCode> {
    if !sealed.box_id.is_key() {
        return Err(ReplicaCode::INVALID_BOX_ID);
    }
    if !sealed.box_id.verify(&sealed.ciphertext, &sealed.signature) {
        return Err(ReplicaCode::INVALID_SIGNATURE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kpthin_bacap::{Context, WriteCap};

    use super::*;

    const EPOCH: u64 = 100;

    fn store() -> BoxStore {
        BoxStore::new(Geometry::new(600).unwrap(), 3)
    }

    fn cap() -> WriteCap {
        WriteCap::from_seed(&[3; 32])
    }

    fn content(fill: u8) -> SealedBox {
        content_at(0, fill)
    }

    fn content_at(steps: u64, fill: u8) -> SealedBox {
        let cap = cap();
        let index = cap.index().advance_to(cap.index().counter() + steps).unwrap();
        let size = Geometry::new(600).unwrap().padded_plaintext();
        cap.seal(&index, Context::PIGEONHOLE, &vec![fill; size])
    }

    fn tombstone() -> SealedBox {
        cap().tombstone(cap().index(), Context::PIGEONHOLE)
    }

    fn read(store: &BoxStore, epoch: u64) -> (ReplicaCode, SealedBox) {
        match store.read(epoch, content(1).box_id) {
            ReplyInnerMessage::Read(code, sealed) => (code, sealed),
            ReplyInnerMessage::Write(_) => panic!("a read is answered as a read"),
        }
    }

    #[test]
    fn first_write_stays_and_repeating_it_succeeds() {
        let mut store = store();
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH, content(2)), ReplicaCode::BOX_ALREADY_EXISTS);
        assert_eq!(read(&store, EPOCH), (ReplicaCode::SUCCESS, content(1)));
        assert_eq!(store.records().count(), 1);
    }

    #[test]
    fn the_same_content_under_another_signature_is_another_write() {
        let mut store = store();
        let mut signed_otherwise = content(1);
        signed_otherwise.signature = [9; 64];
        store.restore(EPOCH, signed_otherwise);
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::BOX_ALREADY_EXISTS);
    }

    #[test]
    fn checks_come_in_order() {
        let mut short = content(1);
        let _ = short.ciphertext.pop();
        short.box_id.0 = [2; 32];
        assert!(!short.box_id.is_key());
        assert_eq!(store().write(EPOCH, short), ReplicaCode::INVALID_PAYLOAD);

        let mut no_key = content(1);
        no_key.box_id.0 = [2; 32];
        assert_eq!(store().write(EPOCH, no_key), ReplicaCode::INVALID_BOX_ID);

        let mut forged = content(1);
        forged.signature[40] ^= 1;
        let mut full = BoxStore::new(Geometry::new(600).unwrap(), 0);
        assert_eq!(full.write(EPOCH, forged), ReplicaCode::INVALID_SIGNATURE);
        assert_eq!(full.write(EPOCH, content(1)), ReplicaCode::STORAGE_FULL);

        let mut forged = tombstone();
        forged.signature = content(1).signature;
        assert_eq!(store().write(EPOCH, forged), ReplicaCode::INVALID_SIGNATURE);
        let mut no_key = tombstone();
        no_key.box_id.0 = [2; 32];
        assert_eq!(store().write(EPOCH, no_key), ReplicaCode::INVALID_BOX_ID);
    }

    #[test]
    fn a_full_store_refuses_even_a_repetition_but_takes_tombstones() {
        let mut store = store();
        for steps in 0..3 {
            assert_eq!(store.write(EPOCH, content_at(steps, 1)), ReplicaCode::SUCCESS);
        }
        assert_eq!(store.write(EPOCH, content_at(3, 1)), ReplicaCode::STORAGE_FULL);
        assert_eq!(store.write(EPOCH, content_at(0, 1)), ReplicaCode::STORAGE_FULL);
        assert_eq!(store.write(EPOCH, tombstone()), ReplicaCode::SUCCESS);
        assert_eq!(read(&store, EPOCH), (ReplicaCode::TOMBSTONE, tombstone()));
    }

    #[test]
    fn a_tombstone_closes_written_and_unwritten_boxes() {
        let mut store = store();
        assert_eq!(store.write(EPOCH, tombstone()), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH, tombstone()), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::BOX_ALREADY_EXISTS);
        let (code, sealed) = read(&store, EPOCH);
        assert_eq!(code, ReplicaCode::TOMBSTONE);
        assert_eq!(
            cap().read_cap().open(cap().index(), Context::PIGEONHOLE, &sealed),
            Ok(kpthin_bacap::Opened::Tombstone)
        );
    }

    #[test]
    fn records_count_for_two_epochs() {
        let mut store = store();
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::SUCCESS);
        assert_eq!(read(&store, EPOCH + 1).0, ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH + 1, content(1)), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH + 1, content(2)), ReplicaCode::BOX_ALREADY_EXISTS);
        assert_eq!(store.records().count(), 1, "a repetition does not prolong a record");

        let (code, sealed) = read(&store, EPOCH + 2);
        assert_eq!((code, sealed.box_id), (ReplicaCode::BOX_ID_NOT_FOUND, content(1).box_id));
        assert!(sealed.ciphertext.is_empty());
        assert_eq!(store.write(EPOCH + 2, content(2)), ReplicaCode::SUCCESS, "writable again");
    }

    #[test]
    fn the_newest_record_wins() {
        let mut store = store();
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::SUCCESS);
        assert_eq!(store.write(EPOCH + 1, tombstone()), ReplicaCode::SUCCESS);
        assert_eq!(read(&store, EPOCH + 1).0, ReplicaCode::TOMBSTONE);
    }

    #[test]
    fn garbage_is_what_no_longer_counts() {
        let mut store = store();
        assert_eq!(store.write(EPOCH, content(1)), ReplicaCode::SUCCESS);
        store.collect_garbage(EPOCH + 1);
        assert_eq!(store.records().count(), 1);
        store.collect_garbage(EPOCH + 2);
        assert_eq!(store.records().count(), 0);
    }
}
