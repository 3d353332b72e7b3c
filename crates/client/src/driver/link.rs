//! One connection as the driver handles it: bytes in, bytes out, and how it is ended.

use std::{
    fmt, io,
    task::{Context, Poll},
};

use kpthin_core::{
    Instant,
    machine::{DisconnectCause, DisconnectMode, LinkId, limits::HIGH_WATER_MARK},
};
use zeroize::Zeroizing;

use crate::{config::Dial, io::Duplex};

/// The driver's connection.
///
/// ```text
/// None --Connect--> Dialling --dialled--> Open --Disconnect--> Open, ending
///  ^                   |                   | the peer's end          | its end, or time is up
///  +-------------------+-------------------+-------------------------+
/// ```
#[derive(Default)]
pub(super) enum Link {
    /// Until this time; then the attempt is given up.
    Dialling(LinkId, Dial<Box<dyn Duplex>>, Instant),
    #[default]
    None,
    Open(Open),
}

/// How far an ending link is.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// What is held is still written, until this time.
    Flush(DisconnectMode, Instant),
    /// The writing half is being closed; the peer's end is awaited until this time.
    Shutdown(DisconnectMode, Instant),
    /// The peer's end is awaited until this time.
    Linger(DisconnectMode, Instant),
}

/// A connected link.
pub(super) struct Open {
    pub(super) id: LinkId,
    io: Box<dyn Duplex>,
    /// What the machine has written; below the high-water mark, plus one frame.
    out: Zeroizing<Vec<u8>>,
    /// How much of `out` the transport has taken.
    sent: usize,
    /// Writing failed because the peer is gone; what it sent before can still be read.
    write_broken: bool,
    ending: Option<Ending>,
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("id", &self.id).field("ending", &self.ending).finish_non_exhaustive()
    }
}

/// What came of reading.
pub(super) enum Received {
    /// So many bytes are in the buffer.
    Bytes(usize),
    Ended(DisconnectCause),
    Pending,
}

impl Open {
    pub(super) fn new(id: LinkId, io: Box<dyn Duplex>) -> Self {
        Self { id, io, out: Zeroizing::default(), sent: 0, write_broken: false, ending: None }
    }

    /// Reads once.
    pub(super) fn read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Received {
        match self.io.poll_read(cx, buffer) {
            Poll::Ready(Ok(0)) => Received::Ended(DisconnectCause::EndOfFile),
            Poll::Ready(Ok(len)) if len > buffer.len() => Received::Ended(impossible_len()),
            Poll::Ready(Ok(len)) => Received::Bytes(len),
            // Tried again in the next round, of which there are only so many.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => Received::Bytes(0),
            Poll::Ready(Err(error)) => Received::Ended(cause(&error)),
            Poll::Pending if self.write_broken => Received::Ended(DisconnectCause::Reset),
            Poll::Pending => Received::Pending,
        }
    }

    /// Whether what is read still belongs to the machine.
    pub(super) const fn delivers(&self) -> bool {
        !matches!(
            self.ending,
            Some(
                Ending::Flush(DisconnectMode::Now, _)
                    | Ending::Shutdown(DisconnectMode::Now, _)
                    | Ending::Linger(DisconnectMode::Now, _)
            )
        )
    }

    /// The buffer that the machine may append to, `None` while it is full or the link ends.
    pub(super) fn room(&mut self) -> Option<&mut Vec<u8>> {
        if self.ending.is_some() || self.write_broken {
            return None;
        }
        // Moving the rest is cheaper than it looks: at most once per half of what was taken.
        if self.sent == self.out.len() || self.sent * 2 >= self.out.len() {
            drop(self.out.drain(..self.sent));
            self.sent = 0;
        }
        (self.out.len() < HIGH_WATER_MARK).then_some(&mut *self.out)
    }

    /// Writes what is held, as one batch; tells whether anything moved.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, DisconnectCause> {
        let mut moved = false;
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty() && !self.write_broken)
        {
            match self.io.poll_write(cx, rest) {
                Poll::Pending => break,
                Poll::Ready(Ok(0)) => return Err(DisconnectCause::Failed("nothing could be written".into())),
                Poll::Ready(Ok(len)) if len > rest.len() => return Err(impossible_len()),
                Poll::Ready(Ok(len)) => {
                    self.sent += len;
                    moved = true;
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {
                    moved = true;
                    break;
                }
                Poll::Ready(Err(error)) => match cause(&error) {
                    DisconnectCause::Reset => {
                        self.write_broken = true;
                        moved = true;
                    }
                    cause => return Err(cause),
                },
            }
        }
        Ok(moved)
    }

    /// Begins to end the link.
    pub(super) fn end(&mut self, now: Instant, mode: DisconnectMode) {
        if self.ending.is_none() {
            self.ending = Some(Ending::Flush(mode, now + DisconnectMode::FLUSH_MAX));
        }
    }

    /// Takes an ending link further; `Err` once its time is up.
    pub(super) fn advance(&mut self, cx: &mut Context<'_>, now: Instant) -> Result<bool, DisconnectCause> {
        let before = self.ending.map(|ending| std::mem::discriminant(&ending));
        if let Some(Ending::Flush(mode, until)) = self.ending
            && (self.sent == self.out.len() || self.write_broken || now >= until)
        {
            self.ending = Some(Ending::Shutdown(mode, now + mode.linger()));
        }
        if let Some(Ending::Shutdown(mode, until)) = self.ending
            && self.io.poll_shutdown(cx).is_ready()
        {
            self.ending = Some(Ending::Linger(mode, until));
        }
        if let Some(Ending::Shutdown(_, until) | Ending::Linger(_, until)) = self.ending
            && now >= until
        {
            return Err(DisconnectCause::Local);
        }
        Ok(before != self.ending.map(|ending| std::mem::discriminant(&ending)))
    }

    /// When an ending link goes further by itself.
    pub(super) const fn wake_at(&self) -> Option<Instant> {
        match self.ending {
            Some(Ending::Flush(_, at) | Ending::Shutdown(_, at) | Ending::Linger(_, at)) => Some(at),
            None => None,
        }
    }
}

/// A connector's stream breaks its contract.
fn impossible_len() -> DisconnectCause {
    DisconnectCause::Failed("the transport moved more bytes than it was given".into())
}

/// Tells a reset, which shows that the peer is gone, from other failures.
fn cause(error: &io::Error) -> DisconnectCause {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset => {
            DisconnectCause::Reset
        }
        _ => DisconnectCause::Failed(error.to_string().into()),
    }
}
