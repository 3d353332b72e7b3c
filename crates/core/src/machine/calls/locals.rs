//! The local frames that are outstanding on a link, in the order they were written.
//!
//! The daemon works them off in order, so an answer overtakes what stands in front of its request,
//! and the oldest one's silence is the daemon's.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::{
    super::{
        CallId,
        waits::{OVERTAKEN, SILENCE, SILENCE_CREATE},
    },
    cancels::CancelFrame,
    probe::Ahead,
};
use crate::{
    Instant,
    wire::{Lane, RequestKind},
};

/// Whom an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Call(CallId),
    Cancel(CancelFrame),
    /// The link itself: see [`Probe`](super::probe::Probe).
    Probe,
}

/// One outstanding frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) query: u64,
    pub(super) target: Target,
    lane: Lane,
    overtaken: Option<Instant>,
}

impl Local {
    const fn silence(&self) -> Duration {
        if matches!(self.lane, Lane::Create) { SILENCE_CREATE } else { SILENCE }
    }
}

/// A frame that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    pub(super) target: Target,
    /// How long the daemon worked on it, if it is a slow one and was the oldest.
    pub(super) slow: Option<Duration>,
}

/// What a silence has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The frame with this query id was passed over; the link stays.
    Overtaken(u64, Target),
    /// This was the oldest frame, and nothing came at all: the link has to be replaced.
    Whole(Target),
}

/// The outstanding frames, oldest first.
///
/// The windows bound those of calls; a cancel is not repeated before it is answered, so there is
/// at most one for every start that was written, and one for every explicit cancel call.
#[derive(Clone, Debug)]
pub(super) struct Locals {
    frames: VecDeque<Local>,
    /// Since when the first one has been the oldest.
    oldest_since: Instant,
}

impl Locals {
    pub(super) const fn new(now: Instant) -> Self {
        Self { frames: VecDeque::new(), oldest_since: now }
    }

    pub(super) fn push(&mut self, query: u64, kind: RequestKind, target: Target, now: Instant) {
        if self.frames.is_empty() {
            self.oldest_since = now;
        }
        self.frames.push_back(Local { query, target, lane: kind.lane(), overtaken: None });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    pub(super) fn contains(&self, query: u64) -> bool {
        self.frames.iter().any(|frame| frame.query == query)
    }

    /// What the daemon has to work off before a frame that is written next.
    pub(super) fn ahead(&self, slowest: Option<Duration>) -> Ahead {
        let count = |lane| self.frames.iter().filter(|frame| frame.lane == lane).count();
        let slow = u32::try_from(count(Lane::Slow)).unwrap_or(u32::MAX);
        Ahead { creates: count(Lane::Create) > 0, slow, slowest }
    }

    /// Takes the frame an answer belongs to; those in front of it have been overtaken.
    pub(super) fn answered(&mut self, query: u64, now: Instant) -> Option<Answered> {
        let at = self.frames.iter().position(|frame| frame.query == query)?;
        // Whatever stands in front of an overtaken frame was overtaken as well.
        for frame in self.frames.range_mut(..at).rev().take_while(|frame| frame.overtaken.is_none()) {
            frame.overtaken = Some(now);
        }
        let frame = self.frames.remove(at)?;
        let took = now.saturating_since(self.oldest_since);
        if at == 0 {
            self.oldest_since = now;
        }
        Some(Answered { target: frame.target, slow: (at == 0 && frame.lane == Lane::Slow).then_some(took) })
    }

    /// The oldest frame, if it has been silent for too long; one that was overtaken is taken.
    pub(super) fn pop_silent(&mut self, now: Instant) -> Option<Silence> {
        let at = self.wake_at().filter(|at| *at <= now)?;
        let oldest = self.frames.front()?;
        if oldest.overtaken.is_none() {
            return Some(Silence::Whole(oldest.target));
        }
        let frame = self.frames.pop_front()?;
        self.oldest_since = at.max(self.oldest_since);
        Some(Silence::Overtaken(frame.query, frame.target))
    }

    /// When the oldest frame will have been silent for too long.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let oldest = self.frames.front()?;
        Some(match oldest.overtaken {
            // Whoever overtook a later frame overtook this one too, so it is the first to expire.
            Some(since) => since + OVERTAKEN,
            None => self.oldest_since + oldest.silence(),
        })
    }

    /// Whom the frames of a lost link were for, in the order they were written.
    pub(super) fn into_targets(self) -> impl Iterator<Item = Target> {
        self.frames.into_iter().map(|frame| frame.target)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Locals {
    pub(super) fn tell(
        &self,
        to: &mut crate::testing::Fingerprint,
        query: impl Fn(u64) -> alloc::vec::Vec<u8>,
    ) {
        to.list(&self.frames, |to, frame| {
            to.name(&query(frame.query));
            match &frame.target {
                Target::Call(call) => call.tell(to),
                Target::Cancel(cancel) => cancel.tell(to),
                Target::Probe => to.tag("probe"),
            }
            to.tag(&alloc::format!("{:?}", frame.lane));
            to.option(frame.overtaken, crate::testing::Fingerprint::time);
        });
        if !self.frames.is_empty() {
            to.time(self.oldest_since);
        }
    }
}
