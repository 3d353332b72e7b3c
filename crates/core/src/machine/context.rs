//! The time, and what the driver has not taken yet: what every room is handed.

use alloc::collections::VecDeque;

use super::{CallId, Event, Output};
use crate::{Instant, error::CallError, wire::AnyReply};

/// Goes along with every command and input.
#[derive(Debug)]
#[cfg_attr(any(test, feature = "testing"), derive(Clone))]
pub(super) struct Context {
    /// The largest time seen; time that goes backwards is ignored.
    now: Instant,
    /// The driver takes all after every call, so no more gathers than one call brings: an output per call that
    /// ends, and one or two per frame handed over.
    outputs: VecDeque<Output>,
}

impl Context {
    pub(super) const fn new(now: Instant) -> Self {
        Self { now, outputs: VecDeque::new() }
    }

    pub(super) const fn now(&self) -> Instant {
        self.now
    }

    /// Takes note of the time.
    pub(super) fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    pub(super) fn push(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    pub(super) fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(super) fn completed(&mut self, call: CallId, result: Result<AnyReply, CallError>) {
        self.push(Output::Completed(call, result));
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

#[cfg(any(test, feature = "testing"))]
impl Context {
    pub(super) fn tell(&self, to: &mut crate::testing::Fingerprint) {
        to.list(&self.outputs, |to, output| to.tag(&alloc::format!("{output:?}")));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.outputs.len()
    }
}
