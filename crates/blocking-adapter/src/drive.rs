//! The thread that drives a client, and its clock.

use std::{
    fmt,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle, Thread},
};

use kpthin_client::{Clock, CloseReason, Driver, Duplex, Endpoint, Instant, Runtime};

use crate::dial;

/// The earliest time that the driver asked to be woken at, while it was polled last.
pub(crate) type Alarm = Arc<Mutex<Option<Instant>>>;

fn ring_at(alarm: &Alarm) -> std::sync::MutexGuard<'_, Option<Instant>> {
    alarm.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plain threads as the driver sees them.
#[derive(Debug)]
pub struct Threads {
    clock: Clock,
    alarm: Alarm,
}

impl Default for Threads {
    fn default() -> Self {
        Self { clock: Clock::start(), alarm: Alarm::default() }
    }
}

impl Threads {
    pub(crate) fn alarm(&self) -> (Clock, Alarm) {
        (self.clock, self.alarm.clone())
    }
}

impl Runtime for Threads {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    async fn dial(&self, endpoint: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        dial::dial(endpoint).await
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + Send {
        Sleep { at, clock: self.clock, alarm: self.alarm.clone() }
    }
}

/// Sets the alarm whenever it is polled: the driver's thread looks at it before it parks.
struct Sleep {
    at: Instant,
    clock: Clock,
    alarm: Alarm,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.at {
            return Poll::Ready(());
        }
        let mut alarm = ring_at(&self.alarm);
        *alarm = Some(alarm.map_or(self.at, |earlier| earlier.min(self.at)));
        Poll::Pending
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

/// The thread that drives a client; it ends when the client is closed.
///
/// Dropping this lets it run on.
pub struct DriverThread(Option<JoinHandle<CloseReason>>);

impl DriverThread {
    /// Waits until the thread has ended, and with it all that it had started.
    ///
    /// It does not stop the client: do that first, or drop every handle on it.
    pub fn join(self) -> CloseReason {
        // A thread that panicked has told every waiter that the driver is gone.
        self.0.and_then(|thread| thread.join().ok()).unwrap_or(CloseReason::DriverGone)
    }

    /// Whether the thread has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.0.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl fmt::Debug for DriverThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DriverThread").field("finished", &self.is_finished()).finish()
    }
}

/// Polls the driver on a thread of its own; if there is none to be had, the driver is dropped.
pub(crate) fn spawn(driver: Driver<Threads>, (clock, alarm): (Clock, Alarm)) -> DriverThread {
    let run = move || {
        let mut driver = pin!(driver);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        loop {
            *ring_at(&alarm) = None;
            if let Poll::Ready(reason) = driver.as_mut().poll(&mut cx) {
                return reason;
            }
            let at = *ring_at(&alarm);
            match at {
                None => thread::park(),
                Some(at) => thread::park_timeout(at.saturating_since(clock.now())),
            }
        }
    };
    DriverThread(thread::Builder::new().name("kpthin driver".to_owned()).spawn(run).ok())
}
