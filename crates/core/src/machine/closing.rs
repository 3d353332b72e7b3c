//! Closing: every call ends at once, then the link, politely if it is up.

use super::{
    DisconnectMode, Event, LinkError, LinkId, Machine, Output,
    links::{Goodbye, Link},
    slots::Owner,
    waits::CLOSE,
};
use crate::{
    Instant,
    error::{CallError, CloseReason},
};

impl Machine {
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
        self.advance(now);
        if self.closed.is_some() {
            return;
        }
        self.closed = Some(reason);
        for call in self.slots.ids() {
            if let Some(slot) = self.slots.get(call).filter(|slot| slot.owner() == Owner::Caller) {
                let fate = slot.fate();
                self.complete(call, Err(CallError::Closed(reason, fate)));
            }
            let _was = self.drop_slot(call);
        }
        self.cancels.clear();
        self.lanes.link_ended();
        drop(self.locals.link_ended());
        self.timers.clear();
        self.run_clocks(false);
        match self.link {
            Link::Closed | Link::Closing { .. } => {}
            Link::Down { .. } => self.closed(),
            Link::Connecting { link } => {
                self.outputs.push_back(Output::Disconnect(link, DisconnectMode::Now));
                self.closed();
            }
            Link::Up { link, .. } => {
                self.link = Link::Closing { link, goodbye: Goodbye::Due { at_latest: self.now + CLOSE } };
            }
            // Behind a token that is not answered the close would go to the wrong session.
            Link::Ending { link, .. } | Link::Greeting { link, .. } | Link::Presenting { link, .. } => {
                self.cut(link);
            }
        }
    }

    /// Has the link ended: the close was written, can't be, or was not taken in time.
    pub(super) fn cut(&mut self, link: LinkId) {
        self.link = Link::Closing { link, goodbye: Goodbye::Said };
        self.outputs.push_back(Output::Disconnect(link, DisconnectMode::Now));
    }

    /// The machine is done.
    pub(super) fn closed(&mut self) {
        self.link = Link::Closed;
        self.buffer.clear();
        self.event(Event::LinkDown { cause: LinkError::Closed, retry_in: None });
        self.outputs.extend(self.closed.map(Output::Closed));
    }
}
