//! The thread that drives a client, and its clock.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::{Context, Poll},
    thread::{self, JoinHandle},
};

use kpthin_client::{Clock, CloseReason, Driver, Duplex, Endpoint, Instant, Runtime, unparking_waker};

thread_local! {
    /// The earliest time that the driver on this thread asked to be woken at, while it was polled last.
    static ALARM: Cell<Option<std::time::Instant>> = const { Cell::new(None) };
}

/// Plain threads as the driver sees them.
#[derive(Debug, Default)]
pub struct Threads(Clock);

impl Runtime for Threads {
    fn now(&self) -> Instant {
        self.0.now()
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        crate::dial::dial(endpoint).await
    }

    /// Sets the alarm whenever it is polled: the driver's thread looks at it before it parks.
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        poll_fn(move |_| {
            if self.now() >= at {
                return Poll::Ready(());
            }
            let at = self.0.to_std(at);
            ALARM.set(Some(ALARM.get().map_or(at, |earlier| earlier.min(at))));
            Poll::Pending
        })
    }
}

/// The thread that drives a client; it ends when the client is closed.
///
/// Dropping this lets it run on.
#[derive(Debug)]
pub struct DriverThread(Option<JoinHandle<CloseReason>>);

impl DriverThread {
    /// Waits until the thread has ended, and with it all that it had started.
    ///
    /// It does not stop the client: do that first, or drop every handle on it.
    pub fn join(self) -> CloseReason {
        // A thread that panicked has told every waiter that the driver is gone.
        self.0.and_then(|thread| thread.join().ok()).unwrap_or(CloseReason::DriverGone)
    }
}

/// Polls the driver on a thread of its own; if there is none to be had, the driver is dropped.
pub(crate) fn spawn(driver: Driver<Threads>) -> DriverThread {
    let run = move || {
        let mut driver = pin!(driver);
        let waker = unparking_waker();
        loop {
            ALARM.set(None);
            if let Poll::Ready(reason) = driver.as_mut().poll(&mut Context::from_waker(&waker)) {
                return reason;
            }
            match ALARM.get() {
                None => thread::park(),
                Some(at) => thread::park_timeout(at.saturating_duration_since(std::time::Instant::now())),
            }
        }
    };
    DriverThread(thread::Builder::new().name("kpthin driver".to_owned()).spawn(run).ok())
}
