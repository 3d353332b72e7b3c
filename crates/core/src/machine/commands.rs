//! What callers ask for: start, cancel, deadlines, timers, and the end of it all.

use super::{CallId, Machine, Output, TimerId, calls::Origin};
use crate::{
    Instant,
    error::{CallError, CloseReason, Fate},
    wire::AnyRequest,
};

impl Machine {
    /// Starts a call. Its result comes as [`Output::Completed`], a refusal too.
    ///
    /// A `send_message` is always sent with a SURB, whatever the request says, since without one
    /// it is broken; [`Surb::None`](crate::wire::Surb::None) only means that the call ends when the message has
    /// left, with [`AnyReply::MessageSent`](crate::wire::AnyReply::MessageSent). The SURB id is the machine's own.
    ///
    /// A cancel of an operation that is this machine's own ends that call as well, at once. While
    /// the link is not up a cancel succeeds at once, and its frame follows on the next link if it
    /// may have something to cancel there.
    pub fn start(
        &mut self,
        now: Instant,
        request: impl Into<AnyRequest>,
        deadline: Option<Instant>,
    ) -> CallId {
        self.begin(now, request.into(), deadline, Origin::Call)
    }

    /// Starts a call as [`start`](Self::start) does, exempt from
    /// [`OUTSTANDING_CALLS_MAX`](super::limits::OUTSTANDING_CALLS_MAX): neither refused because of it nor counted
    /// for it.
    ///
    /// It is for the steps of what the caller has admitted as a whole, under a bound of its own:
    /// refusing them halfway would only waste the steps before.
    /// [`HELD_REQUEST_BYTES_MAX`](super::limits::HELD_REQUEST_BYTES_MAX) bounds them like all others.
    pub fn start_step(
        &mut self,
        now: Instant,
        request: impl Into<AnyRequest>,
        deadline: Option<Instant>,
    ) -> CallId {
        self.begin(now, request.into(), deadline, Origin::Step)
    }

    fn begin(
        &mut self,
        now: Instant,
        request: AnyRequest,
        deadline: Option<Instant>,
        origin: Origin,
    ) -> CallId {
        self.cx.advance(now);
        let call = self.calls.next_id();
        match self.closed {
            Some(reason) => self.cx.completed(call, Err(CallError::Closed(reason, Fate::NotSent))),
            None => {
                self.calls.start(&mut self.cx, call, request, deadline, origin, self.knowledge.facts());
            }
        }
        call
    }

    /// Cancels a call, which ends at once; what was written is cancelled at the daemon.
    ///
    /// This is what dropping a handle means. Without effect on a call that has ended.
    pub fn cancel(&mut self, now: Instant, call: CallId) {
        self.cx.advance(now);
        self.calls.abandon(&mut self.cx, call, CallError::Cancelled);
    }

    /// Sets, moves or removes the time at which a call ends if it has not by then.
    ///
    /// Only [`handle_timeout`](Self::handle_timeout) acts on it, so a reply that is handed over
    /// first still wins. Without effect on a call that has ended.
    pub fn set_deadline(&mut self, now: Instant, call: CallId, at: Option<Instant>) {
        self.cx.advance(now);
        self.calls.set_deadline(&self.cx, call, at);
    }

    /// Asks for [`Output::Timer`] at a time. Timers are no calls, and never refused; those of a
    /// closed machine never run out.
    pub fn timer(&mut self, now: Instant, at: Instant) -> TimerId {
        self.cx.advance(now);
        self.timers.start(at, self.closed.is_none())
    }

    /// Takes a timer back. Without effect on one that has run out.
    pub fn cancel_timer(&mut self, timer: TimerId) {
        self.timers.remove(timer);
    }

    /// Leaves the daemon, which is busy, to the program's other link; what waits here goes on waiting.
    ///
    /// For the machine of a companion, when the first link was turned away with
    /// [`LinkError::Busy`](super::LinkError::Busy): this link ends with the same cause, and is dialled again after 60 s to 72 s.
    pub fn give_way(&mut self, now: Instant) {
        self.cx.advance(now);
        if self.closed.is_none() {
            self.link.give_way(&mut self.cx);
        }
    }

    /// Closes the machine: see [`close_for`](Self::close_for), for [`CloseReason::Stopped`].
    pub fn close(&mut self, now: Instant) {
        self.close_for(now, CloseReason::Stopped);
    }

    /// Ends all calls at once with [`CallError::Closed`], then the link, then the machine.
    ///
    /// An established session is closed at the daemon, which then forgets it. The end is
    /// [`Output::Closed`], at most a second later plus what the driver needs; commands and inputs
    /// after it are inert. Without effect on a machine that is closed.
    pub fn close_for(&mut self, now: Instant, reason: CloseReason) {
        self.cx.advance(now);
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason);
        self.calls.close(&mut self.cx, reason);
        self.timers.clear();
        if self.link.close(&mut self.cx) {
            self.closed();
        }
    }

    /// The machine is done.
    pub(super) fn closed(&mut self) {
        self.link.closed(&mut self.cx);
        if let Some(reason) = self.closed {
            self.cx.push(Output::Closed(reason));
        }
    }
}
