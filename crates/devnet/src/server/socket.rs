//! One socket connection: a thread that reads and a thread that writes.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar};
use std::time::{Duration, Instant};

use super::ServerEvent;
use super::shared::{Endpoint, Shared, Transport};
use crate::machine::{ConnId, Devnet, EndReason};

const READ_LEN: usize = 64 << 10;
/// How long one write waits; the operating system takes no time without end.
const WRITE_WAIT_MAX: Duration = Duration::from_secs(60);

/// A connected socket of any kind.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => (&mut &*stream).read(buffer),
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&mut &*stream).write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => (&mut &*stream).write(bytes),
        }
    }

    const fn kind(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            #[cfg(unix)]
            Self::Unix(_) => "unix",
        }
    }

    fn limit_write(&self, timeout: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(timeout)),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_write_timeout(Some(timeout)),
        }
    }

    /// Ends whatever any thread does with the socket.
    pub(super) fn shut_down(&self) {
        // The only failure is that it has ended already.
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Both),
        };
    }

    /// Writes everything, unless the client takes longer than this over it (§1.4).
    fn write_all(&self, mut bytes: &[u8], time: Duration) -> io::Result<()> {
        let began = Instant::now();
        while !bytes.is_empty() {
            let left = time.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.limit_write(left.min(WRITE_WAIT_MAX))?;
            match self.write(bytes) {
                Err(error) if is_timeout(&error) => {}
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Hands a socket to the machine and starts its threads; if there are none to be had, it is closed.
pub(super) fn serve(shared: &Arc<Shared>, stream: Stream) {
    let (stream, changed) = (Arc::new(stream), Arc::new(Condvar::new()));
    let conn = shared.with(|state, now| {
        let conn = state.devnet.connect(now);
        let mut link =
            Endpoint::new(Transport::Socket { stream: Arc::clone(&stream), changed: Arc::clone(&changed) });
        if state.stopped {
            link.close(EndReason::Stopped);
        }
        state.links.insert(conn, link);
        conn
    });
    shared.tell(&ServerEvent::Opened { conn, over: stream.kind() });
    let socket = Socket { conn, stream, changed };
    let reader = socket.clone();
    let started = shared.spawn("writer", move |shared| socket.write_on(shared));
    let started = started.and_then(|()| shared.spawn("reader", move |shared| reader.read_on(shared)));
    if let Err(error) = started {
        shared.tell(&ServerEvent::ThreadFailed { conn, reason: error.to_string() });
        gone(shared, conn, EndReason::NoThread);
        forget(shared, conn);
    }
}

#[derive(Clone)]
struct Socket {
    conn: ConnId,
    stream: Arc<Stream>,
    changed: Arc<Condvar>,
}

impl Socket {
    fn read_on(&self, shared: &Shared) {
        let mut buffer = vec![0; READ_LEN];
        while self.wait_for_room(shared) {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    return shared.with(|state, now| state.devnet.handle_eof(now, self.conn));
                }
                Ok(len) => shared.with(|state, now| {
                    let bytes = buffer.get(..len).unwrap_or_default();
                    state.devnet.handle_input(now, self.conn, bytes);
                }),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return gone(shared, self.conn, EndReason::Gone(error.to_string())),
            }
        }
    }

    /// Waits until the machine reads from this connection; false if that will not happen any more.
    fn wait_for_room(&self, shared: &Shared) -> bool {
        let mut state = shared.lock();
        loop {
            let wanted = state.devnet.wants_input(self.conn);
            match state.links.get_mut(&self.conn) {
                Some(link) if link.is_closing() => return false,
                Some(_) if wanted => return true,
                Some(link) => link.stalled = true,
                None => return false,
            }
            state = Shared::wait(&self.changed, state);
        }
    }

    fn write_on(&self, shared: &Shared) {
        let mut bytes = Vec::new();
        while self.wait_for_bytes(shared, &mut bytes) {
            if let Err(error) = self.stream.write_all(&bytes, shared.write_deadline) {
                let is_late = error.kind() == io::ErrorKind::TimedOut;
                let reason = if is_late { EndReason::Unread } else { EndReason::Gone(error.to_string()) };
                gone(shared, self.conn, reason);
                break;
            }
            bytes.clear();
            bytes.shrink_to(READ_LEN);
        }
        self.stream.shut_down();
        forget(shared, self.conn);
    }

    /// Waits until there is something to write; false if that will not happen any more.
    fn wait_for_bytes(&self, shared: &Shared, bytes: &mut Vec<u8>) -> bool {
        loop {
            shared.with(|state, now| state.devnet.poll_transmit(now, self.conn, bytes));
            if !bytes.is_empty() {
                return true;
            }
            let mut state = shared.lock();
            loop {
                match state.links.get_mut(&self.conn) {
                    Some(link) if !link.is_closing() => {
                        if std::mem::replace(&mut link.ready, false) {
                            break;
                        }
                    }
                    Some(_) | None => return false,
                }
                state = Shared::wait(&self.changed, state);
            }
        }
    }
}

/// The client is not there any more: the machine will not close a connection that it is told is gone.
fn gone(shared: &Shared, conn: ConnId, reason: EndReason) {
    shared.with(|state, now| {
        Devnet::handle_disconnected(&mut state.devnet, now, conn);
        if let Some(link) = state.links.get_mut(&conn) {
            link.close(reason);
            if let Transport::Socket { stream, changed } = &link.end {
                stream.shut_down();
                changed.notify_all();
            }
        }
    });
}

/// The connection is over on both sides.
fn forget(shared: &Shared, conn: ConnId) {
    let link = shared.with(|state, _| state.links.remove(&conn));
    let Some(link) = link else { return };
    if let Transport::Socket { stream, changed } = &link.end {
        stream.shut_down();
        changed.notify_all();
    }
    shared.tell(&ServerEvent::Closed { conn, reason: link.reason() });
}
