//! The decisions of a copy job: what is sealed next, and which box an envelope was for.

use kpthin_client::wire::{MessageBoxIndex, SecretBytes, WriteCap};

use super::{
    error::CopyError,
    state::{Content, CopyState, Source, Stage},
};
use crate::steps;

/// Destination boxes of one call to the daemon, which encrypts for seconds each and does nothing
/// else on its connection meanwhile.
const BOXES_AT_ONCE: u64 = 4;
/// Boxes of a temporary stream that a courier reads (§4.17).
const ELEMENTS_MAX: u64 = 65_536;
/// What a destination box costs of the stream beyond its content, and an element of its box.
const BOX_OVERHEAD: u64 = 458;
const ELEMENT_OVERHEAD: u64 = 5;
/// What a destination box holds less than a box that is written directly.
pub(crate) const LENGTH_PREFIX: u64 = 4;

/// The next call to the daemon.
#[derive(Debug, PartialEq)]
pub(crate) struct Batch {
    pub(crate) write_cap: WriteCap,
    /// The first box, and the one after the last.
    pub(crate) start: MessageBoxIndex,
    pub(crate) next: MessageBoxIndex,
    pub(crate) part: Part,
    /// Whether the stream ends with it.
    pub(crate) is_last: bool,
    /// What is sealed afterwards.
    pub(crate) sealed: (u64, u64),
}

#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    Payload(SecretBytes),
    Tombstones(u32),
}

/// How many boxes one job can have.
pub(crate) fn boxes_max(chunk: u64) -> u64 {
    // In wider numbers: the size is the daemon's, or comes from a saved state.
    let wide = u128::from;
    let element = (wide(chunk) + wide(LENGTH_PREFIX)).saturating_sub(wide(ELEMENT_OVERHEAD));
    let boxes = wide(ELEMENTS_MAX) * element / (wide(chunk) + wide(BOX_OVERHEAD));
    u64::try_from(boxes).unwrap_or(ELEMENTS_MAX).min(ELEMENTS_MAX)
}

impl CopyState {
    pub(crate) fn boxes(&self) -> u64 {
        self.sources.iter().map(|source| source.boxes(self.chunk)).sum()
    }

    /// Adds a destination.
    pub(crate) fn append(&mut self, source: Source) -> Result<(), CopyError> {
        if self.stage != Stage::Open {
            return Err(CopyError::Closed);
        }
        let boxes = source.boxes(self.chunk);
        if boxes == 0 {
            return Err(CopyError::Empty);
        }
        let (boxes, max) = (self.boxes().saturating_add(boxes), boxes_max(self.chunk));
        if boxes > max {
            return Err(CopyError::TooMany { boxes, max });
        }
        steps::check(&source.write_cap.read_cap(), &source.start)?;
        self.sources.push(source);
        Ok(())
    }

    /// What to seal next; nothing if everything appended so far is sealed.
    pub(crate) fn next_batch(&self) -> Result<Option<Batch>, CopyError> {
        if matches!(self.stage, Stage::Sealed | Stage::Commanded | Stage::Done) {
            return Ok(None);
        }
        let (source, from) = self.sealed;
        let at = usize::try_from(source).unwrap_or(usize::MAX);
        let Some(current) = self.sources.get(at) else {
            return match (self.stage, self.sources.last()) {
                (Stage::Closed, Some(last)) => self.last_call(last).map(Some),
                (Stage::Closed, None) => Err(CopyError::Empty),
                _ => Ok(None),
            };
        };
        let boxes = current.boxes(self.chunk);
        let to = from.saturating_add(BOXES_AT_ONCE).min(boxes);
        let part = match &current.content {
            Content::Payload(payload) => {
                let bytes = |boxes: u64| {
                    usize::try_from(boxes.saturating_mul(self.chunk.max(1))).unwrap_or(usize::MAX)
                };
                let rest = payload.get(bytes(from)..).unwrap_or_default();
                let len = bytes(to - from).min(rest.len());
                Part::Payload(rest.get(..len).unwrap_or_default().into())
            }
            Content::Tombstones(_) => Part::Tombstones(u32::try_from(to - from).unwrap_or(u32::MAX)),
        };
        let ends = to == boxes;
        Ok(Some(Batch {
            write_cap: current.write_cap.clone(),
            start: self.index(current, from)?,
            next: self.index(current, to)?,
            part,
            is_last: ends && at + 1 == self.sources.len() && self.stage == Stage::Closed,
            sealed: if ends { (source + 1, 0) } else { (source, to) },
        }))
    }

    /// Ends a stream whose last box is sealed already: with no content, what was kept back is
    /// emitted as the last element.
    fn last_call(&self, last: &Source) -> Result<Batch, CopyError> {
        let end = self.index(last, last.boxes(self.chunk))?;
        Ok(Batch {
            write_cap: last.write_cap.clone(),
            start: end.clone(),
            next: end,
            part: Part::Payload(SecretBytes::default()),
            is_last: true,
            sealed: self.sealed,
        })
    }

    fn index(&self, source: &Source, steps: u64) -> Result<MessageBoxIndex, CopyError> {
        let counter = source.start.counter();
        let target = counter.checked_add(steps);
        let index = target.and_then(|target| steps::advance(&source.start, target).ok());
        index.ok_or(CopyError::IndexMismatch { counter })
    }

    /// The daemon has sealed a batch.
    pub(crate) fn batch_sealed(
        &mut self,
        batch: &Batch,
        elements: Vec<SecretBytes>,
        buffer: Option<SecretBytes>,
    ) {
        self.sealed = batch.sealed;
        self.started = true;
        self.buffer = buffer.unwrap_or_default();
        self.elements.extend(elements);
        if batch.is_last {
            self.stage = Stage::Sealed;
        }
    }

    /// The destination and the box of an envelope, by its number from 1 over the whole stream.
    pub(crate) fn envelope(&self, number: u64) -> Option<(usize, MessageBoxIndex)> {
        let mut left = number.checked_sub(1)?;
        for (at, source) in self.sources.iter().enumerate() {
            let boxes = source.boxes(self.chunk);
            if left < boxes {
                return Some((at, self.index(source, left).ok()?));
            }
            left -= boxes;
        }
        None
    }

    /// Begins anew, on another temporary stream, with the same destinations.
    pub(crate) fn begin_anew(&mut self, temporary: WriteCap, first: MessageBoxIndex) {
        self.temporary = temporary;
        self.next = first;
        self.sealed = (0, 0);
        self.started = false;
        self.buffer = SecretBytes::default();
        self.elements.clear();
        self.epoch = None;
        if self.stage != Stage::Open {
            self.stage = Stage::Closed;
        }
    }
}
