//! A client, its driver, a clock that only moves when told, and a peer that does what the test says.

use std::{
    collections::VecDeque,
    future::Future,
    io,
    pin::{Pin, pin},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use kpthin_core::{
    Instant,
    error::CloseReason,
    wire::{AnyRequest, RequestFrame, RequestKind},
};

pub(super) use super::peer::*;
use crate::{
    Client, Config, ConnectError, Connecting, Driver, Duplex, Endpoint, FirstConnect, Runtime, connect,
};

/// A clock that only moves when told.
#[derive(Clone, Default)]
pub(super) struct Time(Arc<Mutex<Timers>>);

#[derive(Default)]
struct Timers {
    now: Instant,
    sleeping: Vec<(Instant, Waker)>,
    on_worker: bool,
    random: Random,
}

/// Where random numbers come from: a counter, told apart by its beginning.
#[derive(Default)]
struct Random {
    next: u64,
    gone: bool,
}

impl Time {
    fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut timers = self.0.lock().unwrap();
            timers.now = timers.now + by;
            let now = timers.now;
            timers.sleeping.extract_if(.., |(at, _)| *at <= now).map(|(_, waker)| waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// A clock with other random numbers.
    pub(super) fn seeded(seed: u64) -> Self {
        let time = Self::default();
        time.0.lock().unwrap().random.next = seed;
        time
    }

    /// From now on there are no random numbers, or there are again.
    pub(super) fn set_random(&self, there: bool) {
        self.0.lock().unwrap().random.gone = !there;
    }

    pub(super) fn set_on_worker(&self) {
        self.0.lock().unwrap().on_worker = true;
    }
}

impl Runtime for Time {
    fn now(&self) -> Instant {
        self.0.lock().unwrap().now
    }

    async fn dial(&self, _: &Endpoint) -> io::Result<Box<dyn Duplex>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn sleep_until(&self, at: Instant) {
        std::future::poll_fn(|cx| {
            let mut timers = self.0.lock().unwrap();
            if timers.now >= at {
                return Poll::Ready(());
            }
            timers.sleeping.push((at, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    fn on_worker(&self) -> bool {
        self.0.lock().unwrap().on_worker
    }

    fn fill_random(&self, bytes: &mut [u8]) -> io::Result<()> {
        let random = &mut self.0.lock().unwrap().random;
        for chunk in bytes.chunks_mut(8) {
            random.next += 1;
            chunk.copy_from_slice(&random.next.to_le_bytes()[..chunk.len()]);
        }
        if random.gone { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
    }
}

#[derive(Default)]
pub(super) struct Flag(AtomicBool);

impl Flag {
    pub(super) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Everything together.
pub(super) struct World {
    pub(super) time: Time,
    pub(super) driver: Option<Driver<Time>>,
    pub(super) ended: Option<CloseReason>,
    pub(super) connecting: Option<Connecting>,
    lines: Arc<Mutex<VecDeque<Peer>>>,
    woken: Arc<Flag>,
    pub(super) polls: usize,
}

impl World {
    pub(super) fn new(first_connect: FirstConnect) -> Self {
        Self::with(first_connect, |_| Ok(()))
    }

    /// `dialled` decides on each attempt.
    pub(super) fn with(
        first_connect: FirstConnect,
        dialled: impl Fn(usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::on(Time::default(), first_connect, dialled)
    }

    /// The same on a clock that the test has made.
    pub(super) fn on(
        time: Time,
        first_connect: FirstConnect,
        dialled: impl Fn(usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let lines = Arc::new(Mutex::new(VecDeque::new()));
        let (added, attempts) = (lines.clone(), Mutex::new(0));
        let config = Config::connector(move || {
            let attempt = {
                let mut attempts = attempts.lock().unwrap();
                *attempts += 1;
                *attempts
            };
            let result = dialled(attempt).map(|()| {
                let (line, peer) = line();
                added.lock().unwrap().push_back(peer);
                line
            });
            async { result }
        });
        Self { lines, ..Self::of_on(time, config.first_connect(first_connect)) }
    }

    /// A world whose links the test makes itself.
    pub(super) fn of(config: Config) -> Self {
        Self::of_on(Time::default(), config)
    }

    fn of_on(time: Time, config: Config) -> Self {
        let (connecting, driver) = connect(time.clone(), config);
        Self {
            time,
            driver: Some(driver),
            ended: None,
            connecting: Some(connecting),
            lines: Arc::default(),
            woken: Arc::new(Flag(AtomicBool::new(true))),
            polls: 0,
        }
    }

    /// A client that is up, with a document, and its peer.
    pub(super) fn up() -> (Self, Client, Peer) {
        Self::up_on(Time::default())
    }

    /// The same on a clock that the test has made.
    pub(super) fn up_on(time: Time) -> (Self, Client, Peer) {
        let mut world = Self::on(time, FirstConnect::Fail, |_| Ok(()));
        let peer = world.greet();
        let client = world.client().expect("connected");
        (world, client, peer)
    }

    /// Polls the driver until it is not woken any more.
    pub(super) fn run(&mut self) {
        let waker = Waker::from(self.woken.clone());
        while self.woken.0.swap(false, Ordering::SeqCst) {
            let Some(driver) = &mut self.driver else { return };
            self.polls += 1;
            assert!(self.polls < 100_000, "the driver never rests");
            if let Poll::Ready(reason) = Pin::new(driver).poll(&mut Context::from_waker(&waker)) {
                self.ended = Some(reason);
                self.driver = None;
            }
        }
    }

    /// Polls the driver once.
    pub(super) fn poll_once(&mut self) {
        let waker = Waker::from(self.woken.clone());
        let driver = self.driver.as_mut().expect("it runs");
        if let Poll::Ready(reason) = Pin::new(driver).poll(&mut Context::from_waker(&waker)) {
            self.ended = Some(reason);
            self.driver = None;
        }
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.run();
        self.time.advance(by);
        self.run();
    }

    /// Lets time pass without the driver's running.
    pub(super) fn time_passes(&self, by: Duration) {
        self.time.advance(by);
    }

    /// The peer of the link that was dialled last.
    pub(super) fn peer(&mut self) -> Peer {
        self.run();
        self.lines.lock().unwrap().pop_front().expect("a link was dialled")
    }

    pub(super) fn has_dialled(&self) -> bool {
        !self.lines.lock().unwrap().is_empty()
    }

    /// Takes the peer through the handshake.
    pub(super) fn greet(&mut self) -> Peer {
        let mut peer = self.peer();
        peer.status(true);
        peer.document(Some(&document(100)));
        self.run();
        assert!(matches!(peer.request().request, AnyRequest::SessionToken(_)));
        peer.session(false);
        self.run();
        peer
    }

    pub(super) fn client(&mut self) -> Result<Client, ConnectError> {
        self.run();
        now(&mut self.connecting.take().expect("asked once")).expect("connecting has ended")
    }

    /// Lets an encryption happen and returns the start that follows.
    pub(super) fn started(&mut self, peer: &mut Peer) -> RequestFrame {
        self.run();
        let encrypt = peer.request();
        peer.answer(&encrypt);
        self.run();
        let start = peer.request();
        assert_eq!(start.request.kind(), RequestKind::StartResendingEncryptedMessage);
        start
    }

    /// Runs, answers what comes, and runs again, until nothing comes.
    pub(super) fn serve(&mut self, peer: &mut Peer) {
        loop {
            self.run();
            let requests = peer.requests();
            if requests.is_empty() {
                return;
            }
            requests.iter().for_each(|request| peer.answer(request));
        }
    }
}

/// What a future gives when polled once.
pub(crate) fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
