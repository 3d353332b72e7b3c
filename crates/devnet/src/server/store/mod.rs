//! Boxes in a file on disk.
//!
//! The file is a log that this crate reads and writes by itself. Whatever is wrong with it is a reason that is told: the
//! databases at hand panic on a damaged file, or read something else from it.

mod file;
mod format;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use file::{Filled, Held, refused};
use format::{Entry, HEADER_LEN, Key, Refusal, Span};

use super::StartError;
use crate::machine::Record;

/// Below so many bytes that no longer count the file is not worth writing anew.
const DEAD_MIN: u64 = 1 << 20;

/// A file that holds the boxes of one network.
///
/// Whatever is committed is on the disk: a process that is killed loses nothing of it. The file grows with every box and is
/// written anew when less than half of it still counts.
pub(super) struct Store {
    path: PathBuf,
    file: File,
    /// Where the next entry goes.
    end: u64,
    seed: [u8; 32],
    /// The entries that count.
    spans: BTreeMap<Key, Span>,
    /// What they take.
    live: u64,
    /// Records of earlier replica epochs are forgotten.
    oldest: u64,
    /// Writing anew has failed and is not tried again before the file is so long.
    rewrite_at: u64,
}

/// What opening a file gives.
pub(super) struct Opened {
    pub(super) store: Store,
    pub(super) records: Vec<Record>,
    /// Bytes at the end that a killed process had not written completely, now gone.
    pub(super) cut: u64,
}

impl Store {
    /// Opens a file, or makes it; the seed in it counts, and a new file gets this one.
    pub(super) fn open(path: &Path, seed: [u8; 32]) -> Result<Opened, StartError> {
        let Held { path, mut file } = file::hold(path, seed)?;
        file.rewind().map_err(|error| refused(&path, &error))?;
        let seed = file::read_seed(&mut file, &path)?;
        let (end, spans, live) = (HEADER_LEN as u64, BTreeMap::new(), 0);
        let mut store = Self { path, file, end, seed, spans, live, oldest: 0, rewrite_at: 0 };
        let records = store.load()?;
        let cut = store.cut_off_the_rest()?;
        store.rewrite_if_worth_it();
        Ok(Opened { store, records, cut })
    }

    /// The seed of the network that a file belongs to, if it is there.
    pub(super) fn stored_seed(path: &Path) -> Result<Option<[u8; 32]>, StartError> {
        file::seed(path)
    }

    pub(super) const fn seed(&self) -> [u8; 32] {
        self.seed
    }

    /// Reads all entries up to the end, or to one that was never written completely.
    fn load(&mut self) -> Result<Vec<Record>, StartError> {
        let path = self.path.clone();
        let mut file = BufReader::new(self.file.try_clone().map_err(|error| refused(&path, &error))?);
        let mut records: BTreeMap<Key, Record> = BTreeMap::new();
        loop {
            let entry = format::read_entry(&mut file, self.end).map_err(|error| refused(&path, &error))?;
            let entry = entry.map_err(|refusal| file::refusal(&path, &refusal))?;
            let Entry::Body(body) = entry else { return Ok(records.into_values().collect()) };
            let (offset, body_sum) = (self.end, format::body_sum(&body));
            let damaged = || file::refusal(&path, &Refusal::Damaged(offset));
            let len = u32::try_from(body.len()).map_err(|_| damaged())?;
            let span = Span { offset, len, body_sum };
            let record = format::record(body).ok_or_else(damaged)?;
            let key = format::key(record.replica_epoch, record.box_id);
            records.insert(key, record);
            self.remember(key, span);
        }
    }

    fn remember(&mut self, key: Key, span: Span) {
        self.end += span.entry_len();
        self.live += span.entry_len();
        if let Some(before) = self.spans.insert(key, span) {
            self.live -= before.entry_len();
        }
    }

    /// Removes what a killed process left behind, for good: the next entry may be shorter.
    fn cut_off_the_rest(&self) -> Result<u64, StartError> {
        let cut = || {
            let rest = self.file.metadata()?.len().saturating_sub(self.end);
            if rest > 0 {
                self.file.set_len(self.end)?;
                self.file.sync_all()?;
            }
            Ok(rest)
        };
        cut().map_err(|error| refused(&self.path, &error))
    }

    /// Keeps records for good, and forgets those that no longer count.
    pub(super) fn commit(&mut self, records: &[Record], oldest: u64) -> io::Result<()> {
        let (mut bytes, mut spans, mut new) = (Vec::new(), Vec::new(), BTreeMap::new());
        for record in records {
            let (key, body) = (format::key(record.replica_epoch, record.box_id), format::body(record));
            let known = new.get(&key).or_else(|| self.spans.get(&key).map(|span| &span.body_sum));
            // Two replicas keep the same box.
            if known == Some(&format::body_sum(&body)) {
                continue;
            }
            let offset = self.end + bytes.len() as u64;
            let too_long = || io::Error::other("a box is longer than any box may be");
            let span = format::append(&mut bytes, offset, &body).ok_or_else(too_long)?;
            let _ = new.insert(key, span.body_sum);
            spans.push((key, span));
        }
        if !bytes.is_empty() {
            self.append(&bytes)?;
            spans.into_iter().for_each(|(key, span)| self.remember(key, span));
        }
        if oldest > self.oldest {
            self.oldest = oldest;
            let kept = self.spans.split_off(&format::key(oldest, [0; 32]));
            let gone = std::mem::replace(&mut self.spans, kept);
            self.live -= gone.values().map(Span::entry_len).sum::<u64>();
        }
        self.rewrite_if_worth_it();
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let _ = self.file.seek(SeekFrom::Start(self.end))?;
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // A part may be there. The next start would cut it off as well.
            drop(self.file.set_len(self.end));
        }
        written
    }

    /// Writes the file anew if less than half of it counts; a failure leaves it as it is, only longer than need be.
    fn rewrite_if_worth_it(&mut self) {
        let dead = self.end.saturating_sub(HEADER_LEN as u64 + self.live);
        if dead >= DEAD_MIN && dead > self.live && self.end >= self.rewrite_at && self.rewrite().is_err() {
            self.rewrite_at = self.end.saturating_mul(2);
        }
    }

    fn rewrite(&mut self) -> Result<(), StartError> {
        let (mut spans, mut end) = (BTreeMap::new(), HEADER_LEN as u64);
        let file = file::replace(&self.path, |new| {
            let copy = || -> io::Result<()> {
                let mut new = BufWriter::new(new);
                new.write_all(&format::header(self.seed))?;
                for (key, span) in &self.spans {
                    let body = read_body(&self.file, span)?;
                    let mut entry = Vec::new();
                    let Some(span) = format::append(&mut entry, end, &body) else { continue };
                    new.write_all(&entry)?;
                    end += span.entry_len();
                    let _ = spans.insert(*key, span);
                }
                new.flush()
            };
            copy().map_err(|error| refused(&self.path, &error)).map(|()| Filled::Complete)
        })?;
        let Some(file) = file else { return Err(StartError::store(&self.path, &"can't be written anew")) };
        (self.file, self.spans, self.end, self.rewrite_at) = (file, spans, end, 0);
        Ok(())
    }
}

/// Reads a body again; one that has changed on the disk is not copied.
fn read_body(mut file: &File, span: &Span) -> io::Result<Vec<u8>> {
    let _ = file.seek(SeekFrom::Start(span.offset))?;
    let entry = format::read_entry(&mut file.take(span.entry_len()), span.offset)?;
    match entry {
        Ok(Entry::Body(body)) => Ok(body),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}
