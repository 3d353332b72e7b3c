//! A connection within the process: no socket, no thread, any executor.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::shared::{Endpoint, Shared, State, Transport};
use crate::machine::{ConnId, EndReason};

/// The most that one write takes.
const WRITE_LEN: usize = 64 << 10;

/// What a pipe needs besides the machine: bytes on their way to the client, and who waits.
///
/// Holds what one poll of the machine gave, 256 KiB and a frame at most. Wakers are cloned, woken and dropped without the lock
/// that this is behind: what is behind a waker is anybody's, and may use the server or drop it.
#[derive(Default)]
pub(super) struct PipeEnds {
    bytes: Vec<u8>,
    taken: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    shut: bool,
}

impl PipeEnds {
    pub(super) fn take_wakers(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.reader.take().into_iter().chain(self.writer.take())
    }

    fn take_bytes(&mut self, buffer: &mut [u8]) -> usize {
        let waiting = self.bytes.get(self.taken..).unwrap_or_default();
        let len = waiting.len().min(buffer.len());
        buffer.iter_mut().zip(waiting).for_each(|(byte, waiting)| *byte = *waiting);
        self.taken += len;
        if self.taken >= self.bytes.len() {
            self.bytes.clear();
            self.bytes.shrink_to(WRITE_LEN);
            self.taken = 0;
        }
        len
    }
}

/// A connection to the devnet within the process.
///
/// Reading and writing are independent of each other and each remembers one waker, so two tasks can share it. The
/// methods have the contract of the ecosystem's `AsyncRead` and `AsyncWrite`; there is nothing to flush. Dropping it
/// drops the connection without a word. It outlives the [`Server`](super::Server): then reading finds the end of file.
pub struct Pipe {
    shared: Arc<Shared>,
    conn: ConnId,
}

impl Pipe {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let conn = shared.with(|state, now| {
            let conn = state.devnet.connect(now);
            let mut link = Endpoint::new(Transport::Pipe(PipeEnds::default()));
            if state.stopped {
                link.close(EndReason::Stopped);
            }
            state.links.insert(conn, link);
            conn
        });
        Self { shared, conn }
    }

    /// Reads what the daemon has sent; 0 bytes mean that it has closed the connection.
    ///
    /// # Errors
    ///
    /// None; the signature is that of its kind.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let mut waker = Some(cx.waker().clone());
        self.shared.with(|state, now| {
            let State { devnet, links, stopped, .. } = state;
            let Some(link) = links.get_mut(&self.conn) else { return Poll::Ready(Ok(0)) };
            let is_closing = link.is_closing();
            let Transport::Pipe(ends) = &mut link.end else { return Poll::Ready(Ok(0)) };
            // A server that has stopped may have failed to keep what this would confirm.
            if ends.bytes.is_empty() && !*stopped {
                devnet.poll_transmit(now, self.conn, &mut ends.bytes);
            }
            match ends.take_bytes(buffer) {
                0 if is_closing => Poll::Ready(Ok(0)),
                0 => {
                    std::mem::swap(&mut ends.reader, &mut waker);
                    Poll::Pending
                }
                len => Poll::Ready(Ok(len)),
            }
        })
    }

    /// Hands bytes to the daemon, as many as it takes now.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` if the connection is closed, or after [`poll_shutdown`](Self::poll_shutdown).
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut waker = Some(cx.waker().clone());
        self.shared.with(|state, now| {
            let State { devnet, links, .. } = state;
            let broken = Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            let Some(link) = links.get_mut(&self.conn).filter(|link| !link.is_closing()) else {
                return broken;
            };
            let Transport::Pipe(ends) = &mut link.end else { return broken };
            if ends.shut {
                return broken;
            }
            if !devnet.wants_input(self.conn) {
                std::mem::swap(&mut ends.writer, &mut waker);
                link.stalled = true;
                return Poll::Pending;
            }
            let part = bytes.get(..WRITE_LEN).unwrap_or(bytes);
            devnet.handle_input(now, self.conn, part);
            Poll::Ready(Ok(part.len()))
        })
    }

    /// Ends writing: the daemon answers what it has read and then closes. Always ready.
    ///
    /// # Errors
    ///
    /// None; the signature is that of its kind.
    pub fn poll_shutdown(&self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shared.with(|state, now| {
            if let Some(Endpoint { end: Transport::Pipe(ends), .. }) = state.links.get_mut(&self.conn)
                && !std::mem::replace(&mut ends.shut, true)
            {
                state.devnet.handle_eof(now, self.conn);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let link = self.shared.with(|state, now| {
            state.devnet.handle_disconnected(now, self.conn);
            state.links.remove(&self.conn)
        });
        drop(link);
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pipe").field(&self.conn).finish()
    }
}
