//! The decisions of a writer, without a clock, a client or a lock.

use std::{collections::VecDeque, ops::RangeInclusive, time::Duration};

use kpthin_client::{
    Instant,
    wire::{MessageBoxIndex, SecretBytes, WriteCap},
};

use super::{
    receipt::{Outcome, PushError, RangeError, Receipt, Seq},
    state::{Task, WriterState},
};
use crate::steps;

/// Boxes on their way at once. The daemon's own queue holds sixteen; some of these may be with a
/// courier that answers nothing, and must not keep the others from being sent.
const AT_ONCE: usize = 12;
/// How far ahead of the first box that is not written: that one may be with such a courier several times in a row.
const SPAN: u64 = 64;
/// Boxes that one request deletes.
const DELETED_AT_ONCE: u64 = 8;
/// Tasks without receipts.
const TASKS_MAX: usize = 4_096;
/// The pause before a box that has failed is sent again; the next ones are twice as long.
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// How far a task is. What is settled waits for its receipt to be taken.
#[derive(Debug)]
enum TaskStage {
    Open,
    Running,
    Settled(Outcome),
}

struct Entry {
    task: Task,
    stage: TaskStage,
    /// Boxes of a deletion that are deleted and whose receipts have not been taken.
    deleted: u64,
}

/// What to do now.
#[derive(Debug)]
pub(crate) enum Job {
    Write { index: MessageBoxIndex, body: SecretBytes },
    Delete { index: MessageBoxIndex, count: u32 },
}

/// A writer of one stream: what is to be done, in which order, and what became of it.
pub(crate) struct Tasks {
    write_cap: WriteCap,
    next: MessageBoxIndex,
    limit: Option<u64>,
    entries: VecDeque<Entry>,
    /// Boxes below this number are in a saved state.
    released: u64,
    stop: Stop,
    failing: Option<Failing>,
}

/// The first box that has failed and will be tried again.
#[derive(Clone, Copy, Debug)]
struct Failing {
    counter: u64,
    pause: Duration,
    retry_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    /// The receipt that says why is still to be taken.
    Unreported,
    Reported,
}

impl Tasks {
    /// Everything in a state counts as saved.
    pub(crate) fn new(state: WriterState) -> Self {
        let WriterState { write_cap, next, limit, tasks } = state;
        let entries =
            tasks.into_iter().map(|task| Entry { task, stage: TaskStage::Open, deleted: 0 }).collect();
        let released = next.counter();
        Self { write_cap, next, limit, entries, released, stop: Stop::No, failing: None }
    }

    pub(crate) const fn write_cap(&self) -> &WriteCap {
        &self.write_cap
    }

    pub(crate) fn state(&self) -> WriterState {
        WriterState {
            write_cap: self.write_cap.clone(),
            next: self.next.clone(),
            limit: self.limit,
            tasks: self.entries.iter().map(|entry| entry.task.clone()).collect(),
        }
    }

    /// Binds the next box to a content.
    pub(crate) fn push(&mut self, body: SecretBytes, limit: Option<usize>) -> Result<Seq, PushError> {
        if self.stop != Stop::No {
            return Err(PushError::Stopped);
        }
        if body.is_empty() {
            return Err(PushError::Empty);
        }
        let announced = limit.and_then(|limit| u64::try_from(limit).ok());
        let limit = announced.or(self.limit).ok_or(PushError::NoGeometry)?;
        let max = usize::try_from(limit).unwrap_or(usize::MAX);
        if body.len() > max {
            return Err(PushError::TooLong { len: body.len(), max });
        }
        if self.entries.len() >= TASKS_MAX {
            return Err(PushError::Full(self.entries.len()));
        }
        let after = steps::next(&self.next).map_err(|_| PushError::Exhausted)?;
        let index = std::mem::replace(&mut self.next, after);
        let seq = Seq::from(index.counter());
        self.limit = Some(limit);
        let task = Task::Write { index, body };
        self.entries.push_back(Entry { task, stage: TaskStage::Open, deleted: 0 });
        Ok(seq)
    }

    /// The saved state holds everything up to this box.
    pub(crate) fn release(&mut self, seq: Seq) -> Result<(), RangeError> {
        let next = self.next.counter();
        if seq.counter() >= next {
            return Err(self.not_pushed(seq));
        }
        self.released = self.released.max(seq.counter() + 1);
        Ok(())
    }

    fn not_pushed(&self, seq: Seq) -> RangeError {
        let (first, next) = (self.write_cap.index().counter(), self.next.counter());
        RangeError::NotPushed { seq, first: first.into(), next: next.into() }
    }

    /// Deletes boxes that were pushed, once they have been written.
    pub(crate) fn tombstone(&mut self, boxes: &RangeInclusive<Seq>) -> Result<(), RangeError> {
        let (from, to) = (boxes.start().counter(), boxes.end().counter());
        if self.stop != Stop::No {
            return Err(RangeError::Stopped);
        }
        if from > to {
            return Err(RangeError::Empty);
        }
        if to >= self.next.counter() {
            return Err(self.not_pushed(*boxes.end()));
        }
        if self.entries.len() >= TASKS_MAX {
            return Err(RangeError::Full(self.entries.len()));
        }
        // From the nearest index behind: one that waits, or else the capability's own.
        let known = self.entries.iter().rev().map(|entry| entry.task.index().clone());
        let near = known.chain([self.write_cap.index()]).find(|index| index.counter() <= from);
        let index = near.and_then(|near| steps::advance(&near, from).ok());
        let index = index.ok_or_else(|| self.not_pushed(*boxes.start()))?;
        let task = Task::Delete { index, end: to + 1 };
        self.entries.push_back(Entry { task, stage: TaskStage::Open, deleted: 0 });
        Ok(())
    }

    /// What to do now, if there is something.
    ///
    /// Boxes go out in order, a few at once. While one that has failed waits to be tried again, and
    /// while it runs, those behind it are held, so that readers find no hole for long.
    pub(crate) fn next_job(&mut self, now: Instant) -> Option<Job> {
        if self.stop != Stop::No || self.due(now).is_some() {
            return None;
        }
        let failing = self.failing.is_some();
        let unwritten = self.unwritten();
        let running = self.entries.iter().filter(|entry| matches!(entry.stage, TaskStage::Running)).count();
        if running >= AT_ONCE {
            return None;
        }
        let span = if failing { 1 } else { SPAN };
        let released = self.released;
        for entry in &mut self.entries {
            if !matches!(entry.stage, TaskStage::Open) {
                if failing && matches!(entry.stage, TaskStage::Running) {
                    return None;
                }
                continue;
            }
            match &mut entry.task {
                Task::Write { index, body } => {
                    let first = unwritten.unwrap_or_else(|| index.counter());
                    if index.counter() >= released || index.counter() >= first.saturating_add(span) {
                        continue;
                    }
                    entry.stage = TaskStage::Running;
                    return Some(Job::Write { index: index.clone(), body: body.clone() });
                }
                Task::Delete { index, end } => {
                    if unwritten.is_some_and(|unwritten| unwritten < *end) {
                        continue;
                    }
                    // Receipts are taken from the front, deletions go on behind them.
                    let from = index.counter() + entry.deleted;
                    let count = u32::try_from((*end - from).min(DELETED_AT_ONCE)).unwrap_or(1);
                    let index = steps::advance(index, from).ok()?;
                    entry.stage = TaskStage::Running;
                    return Some(Job::Delete { index, count });
                }
            }
        }
        None
    }

    /// The first box that is not known to be written.
    fn unwritten(&self) -> Option<u64> {
        self.entries.iter().find_map(|entry| match (&entry.task, &entry.stage) {
            (Task::Write { index, .. }, TaskStage::Open | TaskStage::Running) => Some(index.counter()),
            _ => None,
        })
    }

    /// When there is something to do again, if not now.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let retry_at = self.failing.map(|failing| failing.retry_at);
        retry_at.filter(|at| *at > now && self.stop == Stop::No)
    }

    /// A box has come to its end.
    pub(crate) fn written(&mut self, counter: u64, outcome: Outcome) {
        if outcome.is_final() && self.stop == Stop::No {
            self.stop = Stop::Unreported;
        }
        if let Some(entry) = self.running(counter) {
            entry.stage = TaskStage::Settled(outcome);
        }
        self.succeeded(counter);
    }

    fn succeeded(&mut self, counter: u64) {
        if self.failing.is_some_and(|failing| failing.counter == counter) {
            self.failing = None;
        }
    }

    /// That many boxes of the deletion whose job began at `counter` are deleted.
    pub(crate) fn deleted(&mut self, counter: u64, count: u64) {
        if let Some(entry) = self.running(counter)
            && let Task::Delete { index, end } = &entry.task
        {
            entry.deleted += count;
            let complete = index.counter() + entry.deleted >= *end;
            entry.stage = if complete { TaskStage::Settled(Outcome::Deleted) } else { TaskStage::Open };
        }
        if count > 0 {
            self.succeeded(counter);
        }
    }

    /// That box will never be taken.
    pub(crate) fn refused(&mut self, counter: u64, outcome: Outcome) {
        if self.stop == Stop::No {
            self.stop = Stop::Unreported;
        }
        if let Some(entry) = self.current(counter) {
            entry.stage = TaskStage::Settled(outcome);
        }
    }

    /// The task that runs at this box.
    fn running(&mut self, counter: u64) -> Option<&mut Entry> {
        self.current(counter).filter(|entry| matches!(entry.stage, TaskStage::Running))
    }

    /// The task that has come to this box and is not settled.
    fn current(&mut self, counter: u64) -> Option<&mut Entry> {
        let here = |entry: &&mut Entry| {
            let settled = matches!(entry.stage, TaskStage::Settled(_));
            !settled && entry.task.index().counter() + entry.deleted == counter
        };
        self.entries.iter_mut().find(here)
    }

    /// A job has failed in a way that may pass.
    pub(crate) fn failed(&mut self, now: Instant, counter: u64) {
        if let Some(entry) = self.current(counter) {
            entry.stage = TaskStage::Open;
        }
        // Those that were under way with it fail for the same reason, and say nothing new.
        let pause = match self.failing {
            Some(failing) if failing.counter < counter => return,
            Some(failing) if failing.counter > counter => failing.pause,
            Some(failing) => (failing.pause * 2).min(PAUSE_MAX),
            None => PAUSE,
        };
        self.failing = Some(Failing { counter, pause, retry_at: now + pause });
    }

    /// What runs is lost, with the flow that ran it.
    pub(crate) fn abandon(&mut self) {
        for entry in &mut self.entries {
            if matches!(entry.stage, TaskStage::Running) {
                entry.stage = TaskStage::Open;
            }
        }
    }

    /// Whether something that is released is still to be done.
    pub(crate) fn has_work(&self) -> bool {
        self.stop == Stop::No
            && self.entries.iter().any(|entry| match (&entry.task, &entry.stage) {
                (_, TaskStage::Settled(_)) => false,
                (Task::Write { index, .. }, _) => index.counter() < self.released,
                (Task::Delete { end, .. }, _) => *end <= self.released,
            })
    }

    pub(crate) const fn has_stopped(&self) -> bool {
        matches!(self.stop, Stop::Unreported | Stop::Reported)
    }

    /// Whether all that will ever be reported has been.
    pub(crate) const fn is_silent(&self) -> bool {
        matches!(self.stop, Stop::Reported)
    }

    /// Takes the next receipt, in order.
    ///
    /// What stopped the writer stays where it is, so that a writer that is restored stops there too.
    pub(crate) fn take_receipt(&mut self) -> Option<Receipt> {
        if self.stop == Stop::Reported {
            return None;
        }
        let entry = self.entries.front_mut()?;
        let seq = Seq::from(entry.task.index().counter());
        if let Task::Delete { index, .. } = &mut entry.task
            && entry.deleted > 0
        {
            entry.deleted -= 1;
            *index = steps::next(index).ok()?;
            let complete = entry.deleted == 0 && matches!(entry.stage, TaskStage::Settled(Outcome::Deleted));
            if complete {
                self.entries.pop_front();
            }
            return Some(Receipt { seq, outcome: Outcome::Deleted });
        }
        let TaskStage::Settled(outcome) = &entry.stage else { return None };
        let outcome = outcome.clone();
        if outcome.is_final() {
            self.stop = Stop::Reported;
        } else {
            self.entries.pop_front();
        }
        Some(Receipt { seq, outcome })
    }
}

impl Task {
    const fn index(&self) -> &MessageBoxIndex {
        match self {
            Self::Write { index, .. } | Self::Delete { index, .. } => index,
        }
    }
}
