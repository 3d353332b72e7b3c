//! Numbers for states, so that a search recognises one it has seen.

use alloc::{collections::BTreeMap, vec::Vec};
use core::time::Duration;

use blake2::{Blake2b, Digest, digest::consts::U16};
use ciborium_ll::Header;

use crate::{
    Instant,
    cbor::{CborError, Reader},
};

/// A byte string of at least this length in a frame is taken for an id, or for something as arbitrary.
const NAME_LEN_MIN: usize = 8;
/// An integer of at least this in a frame is taken for a time, which is not the same in two runs.
const TIME_MIN: u64 = 1 << 29;
/// What is further off is out of reach of every search.
const FAR: Duration = Duration::from_secs(365 * 86_400);
/// Levels of a frame that are looked into.
const DEPTH_MAX: usize = 32;

/// A number for a state, which is the same for states that differ in nothing that matters.
///
/// Whoever has state tells it piece by piece, always in the same order. Ids are not told by their bytes but by
/// which ones are equal: the first that is met is 1, whatever it is. Times count from now. So a state that was
/// reached in two ways, with other counters and at another time, has one fingerprint. Two machines and the wire
/// between them are told to one fingerprint, so that an id is the same on both sides.
///
/// # Examples
///
/// ```
/// use kpthin_core::{Instant, testing::Fingerprint};
///
/// let of = |ids: [&[u8]; 3]| {
///     let mut fingerprint = Fingerprint::new(Instant::ORIGIN);
///     ids.map(|id| fingerprint.name(id));
///     fingerprint.finish()
/// };
/// assert_eq!(of([b"a", b"b", b"a"]), of([b"x", b"y", b"x"]));
/// assert_ne!(of([b"a", b"b", b"a"]), of([b"x", b"y", b"y"]));
/// ```
#[derive(Clone, Debug)]
pub struct Fingerprint {
    now: Instant,
    digest: Blake2b<U16>,
    names: BTreeMap<Vec<u8>, u64>,
}

impl Fingerprint {
    /// One of a state at this time.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self { now, digest: Blake2b::new(), names: BTreeMap::new() }
    }

    /// Tells a number that means what it is.
    pub fn number(&mut self, number: impl TryInto<u64>) {
        self.digest.update([b'n']);
        self.digest.update(number.try_into().unwrap_or(u64::MAX).to_be_bytes());
    }

    /// Tells which of several things this is.
    pub fn tag(&mut self, tag: &str) {
        self.bytes(tag.as_bytes());
    }

    /// Tells whether there is something, which is then told by `tell`.
    pub fn option<T>(&mut self, option: Option<T>, tell: impl FnOnce(&mut Self, T)) {
        self.number(u8::from(option.is_some()));
        if let Some(value) = option {
            tell(self, value);
        }
    }

    /// Tells a list in its order.
    pub fn list<T>(&mut self, list: impl IntoIterator<Item = T>, mut tell: impl FnMut(&mut Self, T)) {
        let mut len = 0_u64;
        for value in list {
            tell(self, value);
            len += 1;
        }
        self.number(len);
    }

    /// Tells things whose order makes no difference: each is put where what it tells itself puts it.
    pub fn unordered<T: Copy>(&mut self, things: impl IntoIterator<Item = T>, tell: impl Fn(&mut Self, T)) {
        let mut sorted: Vec<_> = things
            .into_iter()
            .map(|thing| {
                let mut alone = self.clone();
                tell(&mut alone, thing);
                (alone.finish(), thing)
            })
            .collect();
        sorted.sort_by_key(|(alone, _)| *alone);
        self.list(sorted, |to, (_, thing)| tell(to, thing));
    }

    /// Tells a point in time, as seen from now; all that are further off than a year are the same.
    pub fn time(&mut self, at: Instant) {
        self.duration(at.saturating_since(self.now).min(FAR));
        self.duration(self.now.saturating_since(at).min(FAR));
    }

    /// Tells how long ago something was, where more than `max` makes no difference any more.
    pub fn age(&mut self, since: Instant, max: Duration) {
        self.duration(self.now.saturating_since(since).min(max));
    }

    /// Tells a duration.
    pub fn duration(&mut self, duration: Duration) {
        self.number(duration.as_nanos());
    }

    /// Tells an id, or anything else that means only what it equals.
    pub fn name(&mut self, id: &[u8]) {
        let next = self.names.len() as u64 + 1;
        let name = *self.names.entry(id.to_vec()).or_insert(next);
        self.number(name);
    }

    /// Tells bytes that mean what they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.digest.update([b'b']);
        self.digest.update((bytes.len() as u64).to_be_bytes());
        self.digest.update(bytes);
    }

    /// Tells bytes of a wire, which are frames and perhaps the beginning of one: what arbitrary byte strings stand
    /// in them is told as names.
    pub fn frames(&mut self, mut bytes: &[u8]) {
        self.number(bytes.len());
        while let Some((prefix, rest)) = bytes.split_first_chunk::<4>() {
            let len = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
            self.number(len);
            let (body, rest) = rest.split_at_checked(len).unwrap_or((rest, &[]));
            let mut reader = Reader::new(body);
            if self.item(&mut reader, DEPTH_MAX).is_err() {
                self.tag("incomplete");
            }
            bytes = rest;
        }
        self.bytes(bytes);
    }

    fn item(&mut self, reader: &mut Reader<'_>, depth: usize) -> Result<(), CborError> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let header = reader.header()?;
        let (len, items) = match header {
            Header::Positive(value) if value >= TIME_MIN => {
                self.tag("time");
                return Ok(());
            }
            Header::Bytes(len) => {
                // An id of which a part only is here is told by its length.
                self.number(len.unwrap_or(0));
                let bytes = reader.bytes(len)?;
                if bytes.len() >= NAME_LEN_MIN {
                    self.name(&bytes)
                } else {
                    self.bytes(&bytes)
                }
                return Ok(());
            }
            Header::Text(len) => {
                let text = reader.text(len)?;
                self.tag(&text);
                return Ok(());
            }
            Header::Array(len) => (len, 1),
            Header::Map(len) => (len, 2),
            Header::Positive(value) => {
                self.number(value);
                return Ok(());
            }
            header => {
                self.tag(&alloc::format!("{header:?}"));
                return Ok(());
            }
        };
        self.number(items);
        let mut read = 0;
        while reader.more(len, read)? {
            for _ in 0..items {
                self.item(reader, depth)?;
            }
            read += 1;
        }
        self.number(read);
        Ok(())
    }

    /// The number.
    #[must_use]
    pub fn finish(self) -> u128 {
        u128::from_be_bytes(self.digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{GetPkiDocument, NewKeypair, QueryId, RequestFrame, Seed};

    fn frame(id: u8, seed: u8) -> Vec<u8> {
        let mut bytes = Vec::new();
        let request = NewKeypair { seed: Seed::from([seed; 32]) }.into();
        RequestFrame { query_id: Some(QueryId::from([id; 16])), request }.encode(&mut bytes).unwrap();
        bytes
    }

    fn of(tell: impl FnOnce(&mut Fingerprint)) -> u128 {
        let mut fingerprint = Fingerprint::new(Instant::from_origin(Duration::from_secs(100)));
        tell(&mut fingerprint);
        fingerprint.finish()
    }

    fn frames(frames: &[Vec<u8>]) -> u128 {
        of(|fingerprint| fingerprint.frames(&frames.concat()))
    }

    #[test]
    fn frames_are_the_same_if_the_same_ids_are_equal() {
        assert_eq!(frames(&[frame(1, 2), frame(1, 3)]), frames(&[frame(7, 8), frame(7, 9)]));
        assert_ne!(frames(&[frame(1, 2), frame(1, 3)]), frames(&[frame(1, 2), frame(2, 3)]));
        let epoch = |epoch| {
            let mut bytes = Vec::new();
            let request = GetPkiDocument { epoch }.into();
            RequestFrame { query_id: None, request }.encode(&mut bytes).unwrap();
            bytes
        };
        assert_ne!(frames(&[epoch(1)]), frames(&[epoch(2)]));
    }

    #[test]
    fn a_part_of_a_frame_is_told_by_how_much_of_it_there_is() {
        let (one, other) = (frame(1, 2), frame(3, 4));
        for cut in 0..one.len() {
            assert_eq!(frames(&[one[..cut].to_vec()]), frames(&[other[..cut].to_vec()]), "{cut}");
            assert_ne!(frames(&[one[..cut].to_vec()]), frames(core::slice::from_ref(&one)), "{cut}");
        }
    }

    #[test]
    fn what_has_no_order_is_the_same_in_any() {
        let of = |things: [&[&[u8]]; 3]| {
            of(|fingerprint| {
                fingerprint.name(b"met before");
                fingerprint.unordered(things, |to, thing| to.list(thing, |to, id| to.name(id)));
            })
        };
        let things: [&[&[u8]]; 3] = [&[b"met before"], &[b"a", b"b"], &[b"c", b"c"]];
        let [one, two, three] = things;
        assert_eq!(of(things), of([three, one, two]));
        assert_eq!(of(things), of([&[b"y", b"x"], &[b"z", b"z"], one]));
        assert_ne!(of(things), of([one, two, two]));
        assert_ne!(of(things), of([&[b"another"], two, three]));
    }

    #[test]
    fn times_count_from_now() {
        let at = |now: u64, at: u64| {
            let mut fingerprint = Fingerprint::new(Instant::from_origin(Duration::from_secs(now)));
            fingerprint.time(Instant::from_origin(Duration::from_secs(at)));
            fingerprint.finish()
        };
        assert_eq!(at(5, 8), at(105, 108));
        assert_eq!(at(8, 5), at(108, 105));
        assert_ne!(at(5, 8), at(8, 5));
    }
}
