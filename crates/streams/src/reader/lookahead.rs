//! The decisions of a reader, without a clock, a client or a lock.

use std::collections::VecDeque;

use kpthin_client::{
    Asked, CallError, DaemonError, Instant, Read, Retry,
    wire::{MessageBoxIndex, ReadCap},
};

use super::{
    coverage::Coverage,
    delivery::{Delivery, Item},
    pace::{Pace, Pauses},
    state::ReaderState,
};
use crate::{error::StreamError, steps};

/// Boxes that are looked at and not found yet, at most.
const WINDOW: usize = 8;
/// How far ahead of the one that is to be delivered next: that one may take much longer than others.
const SPAN: usize = 32;

/// A box that is looked at, from the head on.
#[derive(Debug)]
struct Slot {
    index: MessageBoxIndex,
    stage: SlotStage,
}

#[derive(Debug)]
enum SlotStage {
    /// Nobody has asked, or there was nothing.
    Open,
    Asked,
    Found {
        item: Item,
        epoch: Option<u64>,
    },
}

/// A reader of one stream.
///
/// It says what to ask for, is told the answers, and hands out deliveries in order. While boxes are
/// found it asks for more and more of them at once; while the head is not written, for that alone.
#[derive(Debug)]
pub(crate) struct Lookahead {
    read_cap: ReadCap,
    coverage: Coverage,
    /// The first one is the head. Never empty but at the end of the stream.
    slots: VecDeque<Slot>,
    window: usize,
    pace: Pace,
    /// Boxes from the head on that are known to be gone, and in which epoch that was seen.
    gap: Option<(u64, Option<u64>)>,
    /// To be handed out in place of the head.
    failed: Option<StreamError>,
    /// What the head's last look failed with, if that will be tried again.
    trouble: Option<CallError>,
}

impl Lookahead {
    pub(crate) fn new(state: ReaderState, pauses: Pauses) -> Self {
        let mut pace = Pace::default();
        pace.set(pauses);
        Self {
            read_cap: state.read_cap,
            coverage: state.coverage,
            slots: VecDeque::from([Slot { index: state.index, stage: SlotStage::Open }]),
            window: 1,
            pace,
            gap: None,
            failed: None,
            trouble: None,
        }
    }

    pub(crate) const fn read_cap(&self) -> &ReadCap {
        &self.read_cap
    }

    pub(crate) const fn set_pauses(&mut self, pauses: Pauses) {
        self.pace.set(pauses);
    }

    pub(crate) const fn trouble(&self) -> Option<&CallError> {
        self.trouble.as_ref()
    }

    pub(crate) fn state(&self) -> Option<ReaderState> {
        let index = self.slots.front()?.index.clone();
        Some(ReaderState { read_cap: self.read_cap.clone(), index, coverage: self.coverage })
    }

    /// The box to ask for next, if there is one to ask for now.
    ///
    /// A head that is known to be unwritten is asked for only if somebody waits for it.
    pub(crate) fn next_ask(&mut self, now: Instant, wanted: bool) -> Option<MessageBoxIndex> {
        let at = self.open(now, wanted)?;
        if at == self.slots.len() {
            let index = steps::next(&self.slots.back()?.index).ok()?;
            self.slots.push_back(Slot { index, stage: SlotStage::Open });
        }
        if at == 0 {
            self.pace.started(now);
        }
        let slot = self.slots.get_mut(at)?;
        slot.stage = SlotStage::Asked;
        Some(slot.index.clone())
    }

    /// Whether there is a box to ask for now.
    pub(crate) fn wants(&self, now: Instant, wanted: bool) -> bool {
        self.open(now, wanted).is_some()
    }

    /// The place of the box to ask for now; it may be the one behind those looked at.
    fn open(&self, now: Instant, wanted: bool) -> Option<usize> {
        let waiting = self.pace.is_waiting();
        let asleep = waiting && (!wanted || self.pace.due(now).is_some());
        if asleep || self.failed.is_some() || self.gap.is_some() {
            return None;
        }
        let window = if waiting || self.window == 1 {
            1
        } else {
            let found =
                self.slots.iter().filter(|slot| matches!(slot.stage, SlotStage::Found { .. })).count();
            (self.window + found).min(SPAN)
        };
        let last = self.slots.back()?;
        let open = self.slots.iter().take(window).position(|slot| matches!(slot.stage, SlotStage::Open));
        open.or_else(|| {
            let more = self.slots.len() < window && last.index.counter() < u64::MAX;
            more.then_some(self.slots.len())
        })
    }

    /// Whether the head is asked for right now.
    pub(crate) fn is_asked(&self) -> bool {
        self.slots.front().is_some_and(|head| matches!(head.stage, SlotStage::Asked))
    }

    /// When to ask again, if not now and somebody waits.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let open = matches!(self.slots.front()?.stage, SlotStage::Open);
        self.pace.due(now).filter(|_| open && self.failed.is_none() && self.gap.is_none())
    }

    /// Takes the answer for a box that was asked for.
    pub(crate) fn answer(&mut self, now: Instant, counter: u64, answer: Result<Asked, CallError>) {
        let Some(at) = self.position(counter) else { return };
        let Some(slot) = self.slots.get_mut(at).filter(|slot| matches!(slot.stage, SlotStage::Asked)) else {
            return;
        };
        let head = at == 0;
        slot.stage = SlotStage::Open;
        let answer = answer.map_err(StreamError::Call).and_then(|asked| match steps::next(&slot.index) {
            Ok(next) if next != asked.next => Err(StreamError::IndexMismatch { counter }),
            _ => Ok(asked),
        });
        match answer {
            Ok(Asked { read: Read::NotWritten, replica_epoch, .. }) => {
                self.window = 1;
                if head {
                    self.trouble = None;
                    self.coverage.not_written(replica_epoch);
                    self.missed(now);
                }
            }
            Ok(Asked { read, replica_epoch: epoch, .. }) => {
                let item = match read {
                    Read::Message { plaintext, .. } => Item::Message(plaintext),
                    Read::Tombstone { .. } | Read::NotWritten => Item::Tombstone,
                };
                slot.stage = SlotStage::Found { item, epoch };
                self.window = (self.window * 2).min(WINDOW);
                if head {
                    self.trouble = None;
                    self.pace.found();
                }
            }
            Err(error) => {
                self.window = 1;
                if head {
                    self.missed(now);
                    match error {
                        StreamError::Call(error) if heals(&error) => self.trouble = Some(error),
                        error => self.failed = Some(error),
                    }
                }
            }
        }
    }

    /// What was asked for will not be answered.
    pub(crate) fn abandon(&mut self) {
        for slot in &mut self.slots {
            if matches!(slot.stage, SlotStage::Asked) {
                slot.stage = SlotStage::Open;
            }
        }
    }

    fn missed(&mut self, now: Instant) {
        if let Some(head) = self.slots.front() {
            let (_, seed) = head.index.as_bytes().split_at(96);
            self.pace.missed(now, seed);
        }
    }

    fn position(&self, counter: u64) -> Option<usize> {
        let ahead = counter.checked_sub(self.slots.front()?.index.counter())?;
        usize::try_from(ahead).ok().filter(|at| *at < self.slots.len())
    }

    /// Whether there is something to hand out.
    pub(crate) fn is_ready(&self) -> bool {
        self.failed.is_some()
            || self.gap.is_some()
            || match self.slots.front() {
                Some(head) => matches!(head.stage, SlotStage::Found { .. }),
                None => true,
            }
    }

    /// Hands out what is next.
    pub(crate) fn take(&mut self) -> Option<Result<Delivery, StreamError>> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let Some(head) = self.slots.front() else { return Some(Err(StreamError::Exhausted)) };
        let counter = head.index.counter();
        let (item, epoch) = if let Some((boxes, epoch)) = self.gap.take() {
            for _ in 0..boxes {
                self.step();
            }
            (Item::Gap { boxes }, epoch)
        } else {
            let SlotStage::Found { item, epoch } = &head.stage else { return None };
            let found = (item.clone(), *epoch);
            self.step();
            found
        };
        self.coverage.delivered(epoch);
        // Only a head that was asked for has a pause; the new one was not yet.
        self.pace.found();
        Some(match self.state() {
            Some(after) => Ok(Delivery { item, counter, after }),
            None => Err(StreamError::Exhausted),
        })
    }

    /// Makes the next box the head.
    fn step(&mut self) {
        if let Some(old) = self.slots.pop_front()
            && self.slots.is_empty()
            && let Ok(index) = steps::next(&old.index)
        {
            self.slots.push_back(Slot { index, stage: SlotStage::Open });
        }
    }

    /// Takes an answer that a search for a gap has got, about the head that it began at.
    ///
    /// Tells whether the head is not written, and may have been.
    pub(crate) fn looked(&mut self, counter: u64, asked: &Asked) -> bool {
        let Some(head) = self.slots.front_mut().filter(|head| head.index.counter() == counter) else {
            return false;
        };
        let (item, epoch) = match &asked.read {
            Read::NotWritten => {
                self.coverage.not_written(asked.replica_epoch);
                return self.coverage.may_have_expired(asked.replica_epoch);
            }
            Read::Message { plaintext, .. } => (Item::Message(plaintext.clone()), asked.replica_epoch),
            Read::Tombstone { .. } => (Item::Tombstone, asked.replica_epoch),
        };
        head.stage = SlotStage::Found { item, epoch };
        self.pace.found();
        false
    }

    /// Declares the boxes from the head on gone; tells whether they are still to be read.
    pub(crate) fn declare_gap(&mut self, counter: u64, boxes: u64, epoch: Option<u64>) -> bool {
        let undelivered = self.slots.front().is_some_and(|head| {
            head.index.counter() == counter && !matches!(head.stage, SlotStage::Found { .. })
        });
        if undelivered {
            self.gap = Some((boxes, epoch));
        }
        undelivered
    }
}

/// Whether an error goes away by itself, so that asking again is all there is to do.
///
/// Epochs come to agree and couriers come back; a box whose content is bad, however often it was asked for, does not get
/// better, and its reader has to know.
fn heals(error: &CallError) -> bool {
    match error {
        CallError::Closed(..) | CallError::Panicked(_) => false,
        CallError::Daemon(DaemonError::BacapDecryptionFailed | DaemonError::InvalidTombstoneSignature) => {
            false
        }
        error => error.retry() != Retry::Never,
    }
}
