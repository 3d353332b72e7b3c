//! A blocking stream as the client wants it: one thread reads, one writes.

use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    sync::Arc,
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use kpthin_client::Duplex;

use crate::{incoming::Incoming, outgoing::Outgoing};

/// A stream that blocks, and can be read and written by two threads at once.
pub trait Stream: Send + Sync + 'static {
    /// Reads some bytes; 0 mean the peer's end of file.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes a part of `bytes`, which then reach the peer without a flush, and says how many.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Closes the writing half, or both, from any thread.
    ///
    /// Closing both must end a `read` or `write` that another thread blocks in.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

macro_rules! stream {
    ($socket:ty) => {
        impl Stream for $socket {
            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::read(&mut &*self, buffer)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                Write::write(&mut &*self, bytes)
            }

            fn shutdown(&self, how: Shutdown) -> io::Result<()> {
                <$socket>::shutdown(self, how)
            }
        }
    };
}

stream!(TcpStream);
#[cfg(unix)]
stream!(std::os::unix::net::UnixStream);

/// Any blocking stream as the client wants it; [`connector`](crate::connector) makes them.
///
/// Dropping it closes the stream and joins its two threads.
pub struct Socket<S: Stream> {
    stream: Arc<S>,
    incoming: Arc<Incoming>,
    outgoing: Arc<Outgoing>,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Stream> Socket<S> {
    /// Starts the two threads.
    ///
    /// # Errors
    ///
    /// The operating system has no more threads.
    pub fn new(stream: S) -> io::Result<Self> {
        let mut socket = Self {
            stream: Arc::new(stream),
            incoming: Arc::new(Incoming::new()),
            outgoing: Arc::new(Outgoing::new()),
            threads: Vec::with_capacity(2),
        };
        let (stream, incoming) = (socket.stream.clone(), socket.incoming.clone());
        socket.spawn("kpthin read", move || incoming.read_from(&*stream))?;
        let (stream, outgoing) = (socket.stream.clone(), socket.outgoing.clone());
        socket.spawn("kpthin write", move || outgoing.write_to(&*stream))?;
        Ok(socket)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

impl<S: Stream> Duplex for Socket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.incoming.poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outgoing.poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outgoing.poll_shutdown(cx)
    }
}

impl<S: Stream> Drop for Socket<S> {
    fn drop(&mut self) {
        self.incoming.close();
        self.outgoing.close();
        // It fails if the peer was faster, and the threads end in either case.
        drop(self.stream.shutdown(Shutdown::Both));
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl<S: Stream> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}
