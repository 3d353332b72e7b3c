//! A blocking stream as the client wants it: one thread reads, one writes.

use std::{
    fmt,
    io::{self, Cursor, ErrorKind::BrokenPipe, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError},
    },
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use kpthin_client::Duplex;
use zeroize::Zeroizing;

use crate::wakeup::Wakeup;

/// A stream that blocks, and can be read and written by two threads at once: `&S` is [`Read`] and
/// [`Write`], and what is written reaches the peer without a flush.
pub trait Stream: Send + Sync + 'static {
    /// Closes the writing half, or both, from any thread.
    ///
    /// Closing both must end a read or write that another thread blocks in.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        Self::shutdown(self, how)
    }
}

/// What is read or written at once. Two of these can be on their way in each direction.
const PART_LEN: usize = 64 << 10;

/// Bytes between the threads and the driver.
type Part = Zeroizing<Vec<u8>>;

/// Any blocking stream as the client wants it; [`connector`](crate::connector) makes them.
///
/// Dropping it closes the stream and joins its two threads.
pub struct Socket<S: Stream> {
    stream: Arc<S>,
    received: Option<Receiver<io::Result<Part>>>,
    /// What was received and not taken yet.
    part: Cursor<Part>,
    sending: Option<SyncSender<Part>>,
    /// Why nothing can be written any more; the channel is closed when nothing more is written.
    written: Receiver<io::Error>,
    wakeup: Wakeup,
    threads: Vec<JoinHandle<()>>,
}

impl<S: Stream> Socket<S>
where
    for<'a> &'a S: Read + Write,
{
    /// Starts the two threads.
    ///
    /// # Errors
    ///
    /// The operating system has no more threads.
    pub fn new(stream: S) -> io::Result<Self> {
        let (receive, received) = mpsc::sync_channel(1);
        let (sending, send) = mpsc::sync_channel(1);
        let (fail, written) = mpsc::sync_channel(1);
        let mut socket = Self {
            stream: Arc::new(stream),
            received: Some(received),
            part: Cursor::default(),
            sending: Some(sending),
            written,
            wakeup: Wakeup::default(),
            threads: Vec::with_capacity(2),
        };
        let (stream, wakeup) = (socket.stream.clone(), socket.wakeup.clone());
        socket.spawn("kpthin read", move || read_all(&*stream, &wakeup, receive))?;
        let (stream, wakeup) = (socket.stream.clone(), socket.wakeup.clone());
        socket.spawn("kpthin write", move || write_all(&*stream, &wakeup, &send, fail))?;
        Ok(socket)
    }

    fn spawn(&mut self, name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        self.threads.push(thread::Builder::new().name(name.to_owned()).spawn(work)?);
        Ok(())
    }
}

/// Reads until the stream ends or nobody takes it any more; waits while two parts are not taken.
///
/// The channel closes before the wakeup rings for the last time; so it does in writing.
fn read_all(mut stream: impl Read, wakeup: &Wakeup, parts: SyncSender<io::Result<Part>>) {
    let mut buffer = Part::new(vec![0; PART_LEN]);
    loop {
        let part = match stream.read(&mut buffer) {
            Ok(0) => return drop(parts),
            Ok(len) => Ok(Part::new(buffer.get(..len).unwrap_or_default().to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let last = part.is_err();
        if parts.send(part).is_err() || last {
            return;
        }
        wakeup.wake();
    }
}

/// Writes until there is nothing more, and then closes the writing half.
fn write_all<S: Stream>(stream: &S, wakeup: &Wakeup, parts: &Receiver<Part>, fail: SyncSender<io::Error>)
where
    for<'a> &'a S: Write,
{
    for part in parts {
        wakeup.wake(); // there is room for another
        if let Err(error) = { stream }.write_all(&part) {
            return drop(fail.send(error));
        }
    }
    // A failure shows elsewhere: the peer is gone.
    drop(stream.shutdown(Shutdown::Write));
}

impl<S: Stream> Duplex for Socket<S> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        if self.part.position() == self.part.get_ref().len() as u64 {
            self.wakeup.listen(cx);
            match self.received.as_ref().map(Receiver::try_recv) {
                Some(Ok(part)) => self.part = Cursor::new(part?),
                Some(Err(TryRecvError::Empty)) => return Poll::Pending,
                Some(Err(TryRecvError::Disconnected)) | None => return Poll::Ready(Ok(0)),
            }
        }
        Poll::Ready(self.part.read(buffer))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wakeup.listen(cx);
        let part = bytes.get(..PART_LEN).unwrap_or(bytes);
        match self.sending.as_ref().map(|sending| sending.try_send(Part::new(part.to_vec()))) {
            Some(Ok(())) => Poll::Ready(Ok(part.len())),
            Some(Err(TrySendError::Full(_))) => Poll::Pending,
            _ => Poll::Ready(Err(self.written.try_recv().unwrap_or_else(|_| BrokenPipe.into()))),
        }
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wakeup.listen(cx);
        self.sending = None;
        match self.written.try_recv() {
            Err(TryRecvError::Empty) => Poll::Pending,
            Ok(_) | Err(TryRecvError::Disconnected) => Poll::Ready(Ok(())),
        }
    }
}

impl<S: Stream> Drop for Socket<S> {
    fn drop(&mut self) {
        (self.received, self.sending) = (None, None);
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
