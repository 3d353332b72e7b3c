//! What the bytes of a store's file are.
//!
//! A header, then one entry per box in the order in which they were stored:
//!
//! ```text
//! header  magic (20) | version (4) | seed (32) | checksum of all that (16)
//! entry   length of the body (4) | checksum of offset and length (4) | body | checksum of offset and body (16)
//! body    replica epoch (8) | box id (32) | signature (64) | ciphertext
//! ```
//!
//! Numbers are big-endian, checksums the first bytes of a BLAKE2b. Every byte is covered, so a changed one is always found,
//! and what a process was writing when it was killed is told from damage: it can only be an end that is not whole.

use std::io::{self, Read};

use blake2::{Blake2b256, Digest};
use thiserror::Error;

use crate::machine::Record;

const MAGIC: [u8; 20] = *b"kpthin devnet store\n";
const VERSION: u32 = 1;
const SEED_AT: usize = MAGIC.len() + 4;
const SUM_LEN: usize = 16;
const HEADER_SUM_AT: usize = SEED_AT + 32;
pub(super) const HEADER_LEN: usize = HEADER_SUM_AT + SUM_LEN;
pub(super) const PREFIX_LEN: usize = 8;
pub(super) const KEY_LEN: usize = 40;
const SIGNATURE_LEN: usize = 64;
/// A box is at most as long as the largest payload, a mebibyte; this leaves room for more.
const BODY_LEN_MAX: usize = 16 << 20;
/// What files began with before they had a form of their own.
const EARLIER: &[u8] = b"redb";

/// Replica epoch, most significant byte first, and box id.
pub(super) type Key = [u8; KEY_LEN];
pub(super) type Sum = [u8; SUM_LEN];

/// Why a file is not read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(super) enum Refusal {
    #[error("is cut off: it ends after {0} bytes, within its header")]
    Cut(usize),
    #[error("is damaged at byte {0}, so that its boxes can't be trusted; remove it, or put back a copy")]
    Damaged(u64),
    #[error("is empty; remove it, and a new store is made")]
    Empty,
    #[error("is not a devnet store: it begins with \"{0}\"")]
    Foreign(String),
    #[error("belongs to another version of the devnet: its form is {found}, this one reads {VERSION}")]
    Version { found: String },
}

pub(super) fn header(seed: [u8; 32]) -> [u8; HEADER_LEN] {
    let mut header = [0; HEADER_LEN];
    let parts = MAGIC.into_iter().chain(VERSION.to_be_bytes()).chain(seed);
    header.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    let (summed, sum) = header.split_at_mut(HEADER_SUM_AT);
    sum.copy_from_slice(&checksum(0, summed));
    header
}

/// Takes the seed from the first bytes of a file; there are fewer than [`HEADER_LEN`] only if it has no more.
pub(super) fn read_header(bytes: &[u8]) -> Result<[u8; 32], Refusal> {
    if bytes.is_empty() {
        return Err(Refusal::Empty);
    }
    if bytes.starts_with(EARLIER) {
        return Err(Refusal::Version { found: "0".to_owned() });
    }
    if !bytes.iter().zip(MAGIC).all(|(found, expected)| *found == expected) {
        let begin = bytes.get(..16).unwrap_or(bytes);
        return Err(Refusal::Foreign(begin.escape_ascii().to_string()));
    }
    let Some(bytes) = bytes.first_chunk::<HEADER_LEN>() else { return Err(Refusal::Cut(bytes.len())) };
    let (version, sum) = (number(bytes, MAGIC.len()), bytes.last_chunk::<SUM_LEN>());
    let summed = bytes.get(..HEADER_SUM_AT).unwrap_or_default();
    // First, as another version may sum up other bytes.
    if version != VERSION {
        return Err(Refusal::Version { found: version.to_string() });
    }
    if sum != Some(&checksum(0, summed)) {
        return Err(Refusal::Damaged(0));
    }
    let seed = bytes.get(SEED_AT..).and_then(<[u8]>::first_chunk);
    seed.copied().ok_or(Refusal::Damaged(0))
}

/// Where an entry's body is, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    /// Where the entry begins.
    pub(super) offset: u64,
    /// The length of the body.
    pub(super) len: u32,
    /// The checksum of the body wherever it stands, to find out that it says nothing new.
    pub(super) body_sum: Sum,
}

impl Span {
    /// What the entry takes in the file.
    pub(super) fn entry_len(&self) -> u64 {
        u64::from(self.len) + (PREFIX_LEN + SUM_LEN) as u64
    }
}

pub(super) fn key(replica_epoch: u64, box_id: [u8; 32]) -> Key {
    let mut key = [0; KEY_LEN];
    let parts = replica_epoch.to_be_bytes().into_iter().chain(box_id);
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

pub(super) fn body(record: &Record) -> Vec<u8> {
    let epoch = record.replica_epoch.to_be_bytes();
    [&epoch[..], &record.box_id, &record.signature, &record.ciphertext].concat()
}

pub(super) fn body_sum(body: &[u8]) -> Sum {
    checksum(u64::MAX, body)
}

/// Appends an entry that stands at this offset in the file; none for a body that is longer than any box.
pub(super) fn append(out: &mut Vec<u8>, offset: u64, body: &[u8]) -> Option<Span> {
    let len = u32::try_from(body.len()).ok().filter(|_| body.len() <= BODY_LEN_MAX)?;
    out.extend(prefix(offset, len));
    out.extend(body);
    out.extend(checksum(offset, body));
    Some(Span { offset, len, body_sum: body_sum(body) })
}

/// What stands at an offset.
pub(super) enum Entry {
    Body(Vec<u8>),
    /// The file ends here.
    End,
    /// The file ends within the entry, or has nothing but zeros from here on: it was never written to the end.
    Torn,
}

/// Reads the entry at an offset.
pub(super) fn read_entry(file: &mut impl Read, offset: u64) -> io::Result<Result<Entry, Refusal>> {
    let mut bytes = Vec::new();
    let _ = file.by_ref().take(PREFIX_LEN as u64).read_to_end(&mut bytes)?;
    let len = match bytes.first_chunk::<PREFIX_LEN>() {
        None if bytes.is_empty() => return Ok(Ok(Entry::End)),
        None => return Ok(Ok(Entry::Torn)),
        // No prefix is zero.
        Some(read) if *read == [0; PREFIX_LEN] => {
            let rest_is_zero = only_zeros(file)?;
            return Ok(if rest_is_zero { Ok(Entry::Torn) } else { Err(Refusal::Damaged(offset)) });
        }
        Some(read) => number(read, 0),
    };
    let sane = usize::try_from(len).is_ok_and(|len| len <= BODY_LEN_MAX);
    if !sane || bytes != prefix(offset, len) {
        return Ok(Err(Refusal::Damaged(offset)));
    }
    bytes.clear();
    let rest = u64::from(len) + SUM_LEN as u64;
    if (file.by_ref().take(rest).read_to_end(&mut bytes)? as u64) < rest {
        return Ok(Ok(Entry::Torn));
    }
    let sum = bytes.split_off(bytes.len().saturating_sub(SUM_LEN));
    if sum != checksum(offset, &bytes) {
        let torn = sum == [0; SUM_LEN] && only_zeros(file)?;
        return Ok(if torn { Ok(Entry::Torn) } else { Err(Refusal::Damaged(offset)) });
    }
    Ok(Ok(Entry::Body(bytes)))
}

/// Takes a body apart; one that is too short was not written by this.
pub(super) fn record(body: Vec<u8>) -> Option<Record> {
    let (epoch, rest) = body.split_first_chunk()?;
    let (box_id, rest) = rest.split_first_chunk()?;
    let (signature, _) = rest.split_first_chunk()?;
    let (epoch, box_id, signature) = (u64::from_be_bytes(*epoch), *box_id, *signature);
    let mut ciphertext = body;
    drop(ciphertext.drain(..KEY_LEN + SIGNATURE_LEN));
    Some(Record::new(epoch, box_id, signature, ciphertext))
}

fn only_zeros(file: &mut impl Read) -> io::Result<bool> {
    let mut buffer = [0; 4_096];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(len) if buffer.iter().take(len).any(|byte| *byte != 0) => return Ok(false),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn prefix(offset: u64, len: u32) -> [u8; PREFIX_LEN] {
    let mut prefix = [0; PREFIX_LEN];
    let len = len.to_be_bytes();
    let parts = len.into_iter().chain(checksum(offset, &len));
    prefix.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    prefix
}

fn checksum(offset: u64, bytes: &[u8]) -> Sum {
    let hash: [u8; 32] = Blake2b256::new()
        .chain_update(b"kpthin devnet store")
        .chain_update(offset.to_be_bytes())
        .chain_update(bytes)
        .finalize()
        .into();
    let mut sum = [0; SUM_LEN];
    sum.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    sum
}

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
