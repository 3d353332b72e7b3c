//! Boxes in a file on disk.

use std::path::Path;

use redb::{Database, ReadableTable, TableDefinition};

use super::StartError;
use crate::machine::Record;

/// What the database says; its own errors are large.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the network was made of.
const NETWORK: TableDefinition<'_, &str, [u8; 32]> = TableDefinition::new("network");
const SEED: &str = "seed";
/// Replica epoch, most significant byte first, and box id; signature and ciphertext.
const BOXES: TableDefinition<'_, [u8; 40], &[u8]> = TableDefinition::new("boxes");

/// A file that holds the boxes of one network.
///
/// Whatever is committed is on the disk: a process that is killed loses nothing of it.
pub(super) struct Store {
    database: Database,
    /// Records of earlier replica epochs are gone from the file.
    oldest: u64,
}

impl Store {
    /// Opens a file, or makes it; the seed in it counts, and a new file gets this one.
    pub(super) fn open(path: &Path, seed: [u8; 32]) -> Result<(Self, [u8; 32]), StartError> {
        let open = || -> Result<_, Failure> {
            let database = Database::create(path)?;
            let writing = database.begin_write()?;
            let seed = {
                let mut network = writing.open_table(NETWORK)?;
                let stored = network.get(SEED)?.map(|seed| seed.value());
                if stored.is_none() {
                    let _ = network.insert(SEED, seed)?;
                }
                let _ = writing.open_table(BOXES)?;
                stored.unwrap_or(seed)
            };
            writing.commit()?;
            Ok((Self { database, oldest: 0 }, seed))
        };
        open().map_err(|error| StartError::store(path, &error))
    }

    /// All records.
    pub(super) fn load(&self, path: &Path) -> Result<Vec<Record>, StartError> {
        let load = || -> Result<_, Failure> {
            let boxes = self.database.begin_read()?.open_table(BOXES)?;
            let mut records = Vec::new();
            for entry in boxes.iter()? {
                let (key, value) = entry?;
                records.extend(record(&key.value(), value.value()));
            }
            Ok(records)
        };
        load().map_err(|error| StartError::store(path, &error))
    }

    /// Keeps records for good, and drops those that no longer count.
    pub(super) fn commit(&mut self, records: &[Record], oldest: u64) -> Result<(), Failure> {
        if records.is_empty() && oldest <= self.oldest {
            return Ok(());
        }
        let writing = self.database.begin_write()?;
        {
            let mut boxes = writing.open_table(BOXES)?;
            for record in records {
                let value = [&record.signature[..], &record.ciphertext].concat();
                let _ = boxes.insert(key(record.replica_epoch, record.box_id), value.as_slice())?;
            }
            if oldest > self.oldest {
                boxes.retain_in(..key(oldest, [0; 32]), |_, _| false)?;
            }
        }
        writing.commit()?;
        self.oldest = oldest.max(self.oldest);
        Ok(())
    }
}

fn key(replica_epoch: u64, box_id: [u8; 32]) -> [u8; 40] {
    let mut key = [0; 40];
    let parts = replica_epoch.to_be_bytes().into_iter().chain(box_id);
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

/// Reads an entry; one that is too short was not written by this.
fn record(key: &[u8; 40], value: &[u8]) -> Option<Record> {
    let (epoch, box_id) = key.split_first_chunk()?;
    let (signature, ciphertext) = value.split_first_chunk()?;
    let box_id = box_id.try_into().ok()?;
    Some(Record::new(u64::from_be_bytes(*epoch), box_id, *signature, ciphertext.to_vec()))
}
