//! What the driver says: of links, of bytes, and of the time.

use alloc::vec::Vec;

use super::{
    DisconnectCause, LinkError, LinkId, Machine, Output,
    link::{Ended, Reading},
};
use crate::{Instant, frame};

impl Machine {
    /// Says that the dial asked for by [`Output::Connect`] has succeeded.
    pub fn handle_connected(&mut self, now: Instant, link: LinkId) {
        self.cx.advance(now);
        self.link.connected(&self.cx, link);
    }

    /// Says that the dial has failed; `cause` is the text for people.
    pub fn handle_connect_failed(&mut self, now: Instant, link: LinkId, cause: &str) {
        self.cx.advance(now);
        self.link.dial_failed(&mut self.cx, link, cause);
    }

    /// Says that a link is gone: by itself, or because [`Output::Disconnect`] asked for it.
    pub fn handle_disconnected(&mut self, now: Instant, link: LinkId, cause: DisconnectCause) {
        self.cx.advance(now);
        match self.link.ended(link, cause) {
            Some(Ended::Closed) => self.closed(),
            Some(Ended::Lost(end)) => {
                let residue = self.calls.link_lost(&mut self.cx, end.unprompted);
                self.link.rest(&mut self.cx, end, residue);
            }
            None => {}
        }
    }

    /// Hands over bytes received on a link; those of an older link are ignored.
    ///
    /// The bytes may be cut anywhere. Hand over what is readable before
    /// [`handle_timeout`](Self::handle_timeout), so that an answer that is here wins.
    pub fn handle_input(&mut self, now: Instant, link: LinkId, bytes: &[u8]) {
        self.cx.advance(now);
        // Piece by piece, or what comes behind a large frame would have its buffer grow.
        for piece in bytes.chunks(frame::SLACK) {
            let Some(mut frames) = self.link.take_frames(link, piece) else { return };
            while self.link.reads(link) {
                match frames.next_frame() {
                    Ok(Some(body)) => {
                        self.calls.heard(&self.cx);
                        self.frame(body);
                    }
                    Ok(None) => break,
                    Err(error) => self.drop_link(LinkError::Overlong(error)),
                }
            }
            self.link.put_frames(link, frames);
        }
    }

    /// Does what the time has come for. Call it at the `wake_at` of [`Output::Idle`], or any time.
    ///
    /// Only this expires deadlines: hand over readable input first, so that a reply that is
    /// already here wins.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.cx.advance(now);
        while let Some(timer) = self.timers.pop_due(self.cx.now()) {
            self.cx.push(Output::Timer(timer));
        }
        if self.calls.handle_timeout(&mut self.cx).is_some() {
            self.link.end(&mut self.cx, LinkError::Silent, Reading::GoesOn);
        }
        self.link.handle_timeout(&mut self.cx);
    }

    /// When [`handle_timeout`](Self::handle_timeout) has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        [self.timers.wake_at(), self.link.wake_at(), self.calls.wake_at()].into_iter().flatten().min()
    }

    /// Appends to `out` what may be written on `link` now, until it holds
    /// [`HIGH_WATER_MARK`](super::limits::HIGH_WATER_MARK) bytes; the last frame may reach over it.
    ///
    /// What is appended counts as written. `out` belongs to the link and must be discarded with
    /// it. Worth calling again whenever `out` has drained below the mark, and after every input,
    /// command and timeout. If it appended anything, drain again.
    pub fn poll_transmit(&mut self, now: Instant, link: LinkId, out: &mut Vec<u8>) {
        self.cx.advance(now);
        if self.link.transmit(&mut self.cx, link, out) {
            self.calls.transmit(&mut self.cx, out);
        }
    }

    /// Ends the link over bytes that can't be followed; what still arrives is not read.
    pub(super) fn drop_link(&mut self, cause: LinkError) {
        // If it is being ended already, that was for a reason that came first.
        if !self.link.stop_reading() {
            self.calls.link_ending(&self.cx);
            self.link.end(&mut self.cx, cause, Reading::Stopped);
        }
    }
}
