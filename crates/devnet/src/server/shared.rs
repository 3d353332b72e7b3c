//! The machine behind its lock, and the one place that drains it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Duration;

use kpthin_core::Instant;

use super::clock::Clock;
use super::pipe::PipeEnds;
use super::socket::Stream;
use super::{ServerEvent, StartError};
use crate::config::DevnetConfig;
use crate::machine::{ConnId, Crash, Devnet, EndReason, Output};

/// What the accepting threads wait after a failure, such as too many open files.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a connection looks like from the outside.
pub(super) struct Endpoint {
    /// Why nothing more comes from the machine than what is already on its way, once that is so.
    closing: Option<EndReason>,
    /// There may be bytes to poll.
    pub(super) ready: bool,
    /// Somebody waits for the machine to read from this connection again.
    pub(super) stalled: bool,
    pub(super) end: Transport,
}

pub(super) enum Transport {
    Pipe(PipeEnds),
    Socket { stream: Arc<Stream>, changed: Arc<Condvar> },
}

impl Endpoint {
    pub(super) const fn new(end: Transport) -> Self {
        Self { closing: None, ready: true, stalled: false, end }
    }

    /// Notes that it ends; the first reason counts.
    pub(super) fn close(&mut self, reason: EndReason) {
        let _ = self.closing.get_or_insert(reason);
    }

    pub(super) const fn is_closing(&self) -> bool {
        self.closing.is_some()
    }

    /// Why it has ended.
    pub(super) fn reason(self) -> EndReason {
        self.closing.unwrap_or(EndReason::Stopped)
    }

    /// Tells whoever waits on this connection to look again.
    fn wake(&mut self, wakers: &mut Vec<Waker>) {
        self.ready = true;
        match &mut self.end {
            Transport::Pipe(ends) => wakers.extend(ends.take_wakers()),
            Transport::Socket { changed, .. } => changed.notify_all(),
        }
    }
}

pub(super) struct State {
    pub(super) devnet: Devnet,
    pub(super) links: BTreeMap<ConnId, Endpoint>,
    pub(super) stopped: bool,
    crash: Option<Crash>,
    wake_at: Option<Instant>,
    threads: usize,
    #[cfg(feature = "store")]
    store: Option<super::store::Store>,
}

/// Is told what happens, without any lock held.
pub(super) type Observer = Box<dyn Fn(&ServerEvent) + Send + Sync>;

pub(super) struct Shared {
    state: Mutex<State>,
    /// The machine wants to be woken at another time, or the server stops.
    timer: Condvar,
    /// A thread has ended.
    ended: Condvar,
    /// How long a client may leave unread what was handed to its socket.
    pub(super) write_deadline: Duration,
    observer: Option<Observer>,
    clock: Clock,
    pub(super) seed: [u8; 32],
    /// The stacks of threads, if not as usual: one that is too large is not to be had.
    #[cfg(test)]
    pub(super) stack_len: std::sync::atomic::AtomicUsize,
}

impl Shared {
    pub(super) fn new(
        mut config: DevnetConfig,
        seed: [u8; 32],
        process_seed: [u8; 32],
        clock: Clock,
        observer: Option<Observer>,
    ) -> Self {
        // The epochs and the times of messages are those of the wall clock.
        if !clock.is_manual()
            && let Ok(unix_time) = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)
        {
            config.unix_time_at_origin = unix_time;
        }
        let write_deadline = config.write_deadline;
        let state = State {
            devnet: Devnet::with_process_seed(config, seed, process_seed, Instant::ORIGIN),
            links: BTreeMap::new(),
            stopped: false,
            crash: None,
            wake_at: Some(Instant::ORIGIN),
            threads: 0,
            #[cfg(feature = "store")]
            store: None,
        };
        let (timer, ended) = (Condvar::new(), Condvar::new());
        Self {
            state: Mutex::new(state),
            timer,
            ended,
            write_deadline,
            observer,
            clock,
            seed,
            #[cfg(test)]
            stack_len: std::sync::atomic::AtomicUsize::new(0),
        }
    }

    /// Tells the observer. Its panic is its own affair: the thread that it happens on has others to serve.
    pub(super) fn tell(&self, event: &ServerEvent) {
        if let Some(observer) = &self.observer {
            drop(catch_unwind(AssertUnwindSafe(|| observer(event))));
        }
    }

    /// Waits until no connection is left, at most so long; tells whether there is none.
    pub(super) fn wait_until_closed(&self, timeout: Duration) -> bool {
        // None is beyond what the clock can show.
        let until = std::time::Instant::now().checked_add(timeout);
        let mut state = self.lock();
        while !state.links.is_empty() {
            let Some(until) = until else {
                state = Self::wait(&self.ended, state);
                continue;
            };
            let left = until.saturating_duration_since(std::time::Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.ended.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// When the machine wants to be woken.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.lock().wake_at
    }

    /// Lets a clock that is set by hand go forward, and does what is due then.
    pub(super) fn advance_to(&self, at: Instant) {
        self.clock.advance_to(at);
        self.with(|state, now| state.devnet.handle_timeout(now));
    }

    /// The state, also after a thread has panicked with it: one broken connection ends no other.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the machine and drains it; wakers are called when the lock is free again.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State, Instant) -> T) -> T {
        let (mut wakers, mut events) = (Vec::new(), Vec::new());
        let result = {
            let mut state = self.lock();
            let result = act(&mut state, self.now());
            #[cfg(feature = "store")]
            events.extend(self.store(&mut state, &mut wakers));
            self.drain(&mut state, &mut wakers);
            if state.links.is_empty() {
                self.ended.notify_all();
            }
            let crash = state.devnet.crash();
            if std::mem::replace(&mut state.crash, crash).is_none() {
                events.extend(crash.map(ServerEvent::Crashed));
            }
            result
        };
        wake(wakers);
        events.iter().for_each(|event| self.tell(event));
        result
    }

    /// Keeps boxes in a file from now on, after those that are in it.
    #[cfg(feature = "store")]
    pub(super) fn keep_in(&self, store: super::store::Store, records: Vec<crate::machine::Record>) {
        let mut state = self.lock();
        records.into_iter().for_each(|record| state.devnet.restore_record(record));
        state.devnet.keep_records();
        state.store = Some(store);
    }

    /// Puts on the disk what was stored, before anybody can hear of it: answers are handed out under the same lock,
    /// later. Where that fails nobody is told anything any more.
    #[cfg(feature = "store")]
    fn store(&self, state: &mut State, wakers: &mut Vec<Waker>) -> Option<ServerEvent> {
        let store = state.store.as_mut()?;
        let (records, oldest) = (state.devnet.take_records(), state.devnet.oldest_replica_epoch());
        let reason = store.commit(&records, oldest).err()?.to_string();
        state.store = None;
        Self::end(state, &EndReason::StoreFailed, wakers);
        self.timer.notify_all();
        self.ended.notify_all();
        Some(ServerEvent::StoreFailed { reason })
    }

    /// Ends every connection at once.
    fn end(state: &mut State, reason: &EndReason, wakers: &mut Vec<Waker>) {
        state.stopped = true;
        for link in state.links.values_mut() {
            link.close(reason.clone());
            link.wake(wakers);
            if let Transport::Socket { stream, .. } = &link.end {
                stream.shut_down();
            }
        }
    }

    /// Waits until `changed` is told, or the server stops; whoever changes the state has drained it.
    pub(super) fn wait<'a>(changed: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn drain(&self, state: &mut State, wakers: &mut Vec<Waker>) {
        loop {
            match state.devnet.poll_output() {
                Output::Close(conn, reason) => {
                    if let Some(link) = state.links.get_mut(&conn) {
                        link.close(reason);
                        link.wake(wakers);
                    }
                }
                Output::Transmit(conn) => {
                    if let Some(link) = state.links.get_mut(&conn) {
                        link.wake(wakers);
                    }
                }
                Output::Idle { wake_at } => {
                    if wake_at != state.wake_at {
                        state.wake_at = wake_at;
                        self.timer.notify_all();
                    }
                    break;
                }
            }
        }
        let State { devnet, links, .. } = state;
        for (conn, link) in links {
            if link.stalled && devnet.wants_input(*conn) {
                link.stalled = false;
                link.wake(wakers);
            }
        }
    }

    /// Runs `work` on a thread that the server waits for at its end.
    pub(super) fn spawn(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> Result<(), StartError> {
        self.lock().threads += 1;
        let running = Running(Arc::clone(self));
        let builder = thread::Builder::new().name(format!("devnet {name}"));
        #[cfg(test)]
        let builder = match self.stack_len.load(std::sync::atomic::Ordering::SeqCst) {
            0 => builder,
            len => builder.stack_size(len),
        };
        let spawned = builder.spawn(move || {
            SERVES.set(Arc::as_ptr(&running.0).addr());
            work(&running.0);
        });
        spawned.map(drop).map_err(StartError::io("start a thread"))
    }

    /// Whether this thread is one of the server's own.
    fn is_served_here(self: &Arc<Self>) -> bool {
        SERVES.get() == Arc::as_ptr(self).addr()
    }

    /// Wakes the machine when it wants to be.
    pub(super) fn spawn_timer(self: &Arc<Self>) -> Result<(), StartError> {
        self.spawn("timer", |shared| {
            loop {
                let mut state = shared.lock();
                loop {
                    let now = shared.now();
                    match state.wake_at {
                        _ if state.stopped => return,
                        Some(at) if at <= now => break,
                        Some(at) => {
                            let left = shared.clock.sleep_for(at.saturating_since(now));
                            let waited = shared.timer.wait_timeout(state, left);
                            state = waited.unwrap_or_else(PoisonError::into_inner).0;
                        }
                        None => state = Self::wait(&shared.timer, state),
                    }
                }
                drop(state);
                shared.with(|state, now| state.devnet.handle_timeout(now));
            }
        })
    }

    /// Waits a moment, or until the server stops, whether it has.
    pub(super) fn pause(&self) -> bool {
        let state = self.lock();
        let waited = self.ended.wait_timeout(state, ACCEPT_PAUSE);
        waited.unwrap_or_else(PoisonError::into_inner).0.stopped
    }

    /// Ends every connection and tells all threads to end.
    pub(super) fn stop(&self) {
        let mut wakers = Vec::new();
        let mut state = self.lock();
        Self::end(&mut state, &EndReason::Stopped, &mut wakers);
        // Pipes may outlive the server, and its file is free for the next one. Nothing is confirmed from now on.
        #[cfg(feature = "store")]
        let store = state.store.take();
        drop(state);
        #[cfg(feature = "store")]
        drop(store);
        self.timer.notify_all();
        self.ended.notify_all();
        wake(wakers);
    }

    /// Waits until all threads have ended, unless this is one of them: then they end by themselves.
    pub(super) fn wait_for_threads(self: &Arc<Self>) {
        if self.is_served_here() {
            return;
        }
        let mut state = self.lock();
        while state.threads > 0 {
            state = Self::wait(&self.ended, state);
        }
    }
}

thread_local! {
    /// Where the state is that this thread serves, as a number; it lives as long as the thread.
    static SERVES: Cell<usize> = const { Cell::new(0) };
}

/// Wakes all of them, without any lock held. A panic of one is its own affair.
fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        drop(catch_unwind(AssertUnwindSafe(|| waker.wake())));
    }
}

/// Counts a thread for as long as it runs, or panics.
struct Running(Arc<Shared>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.threads = state.threads.saturating_sub(1);
        drop(state);
        self.0.ended.notify_all();
    }
}
