//! What the driver needs from the world: bytes both ways, the clock, a pause, random numbers.

use std::{
    future::Future,
    io,
    task::{Context, Poll},
    time::Duration,
};

use kpthin_core::Instant;

use crate::config::Endpoint;

/// A byte stream in both directions, with a half-close.
///
/// The contract is that of the `AsyncRead` and `AsyncWrite` traits of the ecosystem, reduced to
/// what the driver uses. It is object-safe, so that a connector can return a stream of any kind
/// on every runtime.
///
/// Reading and writing are independent: each remembers the waker of its own last `Pending`, and
/// both may be pending at once. Written bytes must reach the peer without a flush.
pub trait Duplex: Send + 'static {
    /// Reads into `buffer`; 0 bytes mean the peer's end of file.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports; the stream is not used for reading again.
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Writes a part of `bytes`, which are never empty, and says how many.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports; the stream is not used for writing again.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>>;

    /// Closes the writing half; the peer reads its end of file, and reading goes on here.
    ///
    /// # Errors
    ///
    /// Whatever the transport reports.
    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl Duplex for Box<dyn Duplex> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        (**self).poll_read(cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        (**self).poll_write(cx, bytes)
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        (**self).poll_shutdown(cx)
    }
}

/// What an adapter provides: connections, the clock and a pause; and random numbers, if they are not
/// to be the operating system's.
///
/// A client takes all its time and all its randomness from here, so a runtime with a clock of its own
/// making (a simulation, a paused test) works as well as a real one, and one that makes both of its
/// own does the same thing every time. Dialling and pausing are futures that
/// the driver polls; dropping them gives them up.
pub trait Runtime: Send + Sync + 'static {
    /// The time now. Never called while the runtime's own locks are held.
    fn now(&self) -> Instant;

    /// Connects to the daemon. Dropping the future closes what it has opened.
    ///
    /// Endpoints that the platform or the adapter lacks fail with
    /// [`Endpoint::unsupported`].
    fn dial(&self, endpoint: &Endpoint) -> impl Future<Output = io::Result<Box<dyn Duplex>>> + Send;

    /// Ends at `at` or soon after, at once if that has passed.
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send;

    /// Whether the calling thread is one that must not block, because it runs the runtime's tasks.
    ///
    /// [`Call::wait`](crate::Call::wait) asks this before it blocks.
    fn on_worker(&self) -> bool {
        false
    }

    /// Fills `bytes` with random numbers that nobody can foresee.
    ///
    /// Everything random in a client comes from here: the secret seeds of new streams, the seeds of
    /// its machines, and which of several services is taken. The operating system's random numbers
    /// are the default, and right wherever secrets are to stay secret; only a simulation has a
    /// reason to replace them. Never called while a lock of the client is held.
    ///
    /// # Errors
    ///
    /// If there are none to be had. What needed them is then refused, whatever is in `bytes`.
    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        system_random(bytes)
    }
}

/// The operating system's random numbers.
#[expect(clippy::disallowed_methods, reason = "the one place where a client asks the system for them")]
fn system_random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// A clock that starts at its making, for runtimes that live in real time.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}

#[expect(clippy::disallowed_methods, reason = "the clock of runtimes that live in real time")]
impl Clock {
    /// A clock whose origin is now.
    #[must_use]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::from_origin(self.0.elapsed())
    }

    /// The operating system's name for `at`, as sleeping functions want it.
    #[must_use]
    pub fn to_std(&self, at: Instant) -> std::time::Instant {
        const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        self.0.checked_add(at.since_origin()).unwrap_or_else(|| std::time::Instant::now() + FAR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Plain;

    impl Runtime for Plain {
        fn now(&self) -> Instant {
            Instant::ORIGIN
        }

        async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
            Err(endpoint.unsupported())
        }

        async fn sleep_until(&self, _: Instant) {}
    }

    #[test]
    fn random_numbers_are_the_systems_unless_a_runtime_says_otherwise() {
        let draw = || {
            let mut bytes = [0; 32];
            Plain.fill_random(&mut bytes).unwrap();
            bytes
        };
        let (first, second) = (draw(), draw());
        assert_ne!(first, second);
        assert!([first, second].iter().all(|bytes| *bytes != [0; 32]));
    }
}
