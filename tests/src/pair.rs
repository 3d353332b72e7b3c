//! A machine and a daemon in one thread.

mod drive;
mod log;

use std::{collections::BTreeMap, fmt, time::Duration};

use kpthin_core::{
    Instant,
    error::{CallError, CloseReason, Fate},
    machine::{CallId, Config, Event, LinkStatus, Machine, Output, TimerId},
    wire::{AnyReply, AnyRequest, Lane, Request},
};

use self::log::Log;
use crate::{Conn, Cut, Daemon, HIDDEN_FOR, Rng, Tap, wire::Link};

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Completion {
    /// When.
    pub at: Instant,
    /// With what.
    pub result: Result<AnyReply, CallError>,
}

type OnCut<D> = Box<dyn FnOnce(&mut Pair<D>)>;

/// A [`Machine`] and a [`Daemon`] joined by a simulated wire, with a driver in between that does
/// what the real one does.
///
/// Checks by itself, at every step, what has to hold whatever happens: every call ends once and
/// with a fate that agrees with what was written, windows are kept, nothing spins, a closed
/// machine is inert.
pub struct Pair<D: Daemon> {
    /// The client's side.
    pub machine: Machine,
    /// The daemon's side.
    pub daemon: D,
    /// What passed on the wire.
    pub tap: Tap,
    /// Everything the machine had to say, in order.
    pub events: Vec<(Instant, Event)>,
    /// The timers that ran out, in order.
    pub timers: Vec<TimerId>,
    /// What is to happen to the wire.
    pub cut: Option<Cut>,
    /// How long a forwarder keeps an end from the daemon; [`HIDDEN_FOR`].
    pub hidden_for: Duration,
    /// No connection succeeds before this.
    pub refuse_until: Instant,
    on_cut: Option<OnCut<D>>,
    seed: u64,
    rng: Rng,
    now: Instant,
    link: Option<Link>,
    /// Connections whose end the daemon has not noticed, with when it will.
    hidden: Vec<(Instant, Conn)>,
    dials: u32,
    started: BTreeMap<CallId, AnyRequest>,
    completed: BTreeMap<CallId, Completion>,
    closed: Option<CloseReason>,
    machine_wake: Option<Instant>,
    daemon_wake: Option<Instant>,
    at_this_instant: u32,
    up_bytes: usize,
    down_bytes: usize,
    log: Log,
}

impl<D: Daemon> Pair<D> {
    /// Joins a new machine to a daemon; the seed decides the machine's ids and how bytes are cut.
    #[must_use]
    pub fn new(seed: u64, daemon: D) -> Self {
        let mut rng = Rng::new(seed);
        let now = Instant::ORIGIN + Duration::from_secs(1);
        Self {
            machine: Machine::new(Config::default(), rng.bytes(), now),
            daemon,
            tap: Tap::default(),
            events: Vec::new(),
            timers: Vec::new(),
            cut: None,
            hidden_for: HIDDEN_FOR,
            refuse_until: Instant::ORIGIN,
            on_cut: None,
            seed,
            rng,
            now,
            link: None,
            hidden: Vec::new(),
            dials: 0,
            started: BTreeMap::new(),
            completed: BTreeMap::new(),
            closed: None,
            machine_wake: None,
            daemon_wake: None,
            at_this_instant: 0,
            up_bytes: 0,
            down_bytes: 0,
            log: Log::default(),
        }
    }

    /// The same, with the handshake done.
    #[must_use]
    pub fn up(seed: u64, daemon: D) -> Self {
        let mut pair = Self::new(seed, daemon);
        pair.run_until_up();
        pair
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }

    /// How many connections were tried.
    #[must_use]
    pub const fn dials(&self) -> u32 {
        self.dials
    }

    /// How many calls were started.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.started.len() as u64
    }

    /// How many bytes were delivered to the daemon and to the machine.
    #[must_use]
    pub const fn delivered(&self) -> (usize, usize) {
        (self.up_bytes, self.down_bytes)
    }

    /// Stands for everything that was delivered, and when.
    #[must_use]
    pub const fn transcript(&self) -> u64 {
        self.log.transcript()
    }

    /// Why the machine closed, once it has.
    #[must_use]
    pub const fn closed(&self) -> Option<CloseReason> {
        self.closed
    }

    /// How a call ended, once it has.
    #[must_use]
    pub fn completion(&self, call: CallId) -> Option<&Completion> {
        self.completed.get(&call)
    }

    /// How a call that must have ended did.
    ///
    /// # Errors
    ///
    /// The call's.
    pub fn result(&self, call: CallId) -> Result<AnyReply, CallError> {
        self.completed.get(&call).unwrap_or_else(|| panic!("{call:?} has not ended")).result.clone()
    }

    /// The calls that have not ended.
    pub fn open_calls(&self) -> impl Iterator<Item = CallId> {
        self.started.keys().filter(|call| !self.completed.contains_key(call)).copied()
    }

    /// Does something once, at the moment the wire is cut.
    pub fn on_cut(&mut self, cut: Cut, act: impl FnOnce(&mut Self) + 'static) {
        self.cut = Some(cut);
        self.on_cut = Some(Box::new(act));
    }

    /// Starts a call.
    pub fn start(&mut self, request: impl Into<AnyRequest>) -> CallId {
        self.start_with(request, None)
    }

    /// Starts a call that has a deadline.
    pub fn start_within(&mut self, within: Duration, request: impl Into<AnyRequest>) -> CallId {
        self.start_with(request, Some(self.now + within))
    }

    fn start_with(&mut self, request: impl Into<AnyRequest>, deadline: Option<Instant>) -> CallId {
        let request = request.into();
        let call = self.machine.start(self.now, request.clone(), deadline);
        self.log.note(self.now, || format!("start {call:?} {:?}", request.kind()));
        assert!(self.started.insert(call, request).is_none(), "{call:?} was given twice");
        call
    }

    /// Cancels a call, as dropping its handle does.
    pub fn cancel(&mut self, call: CallId) {
        self.log.note(self.now, || format!("cancel {call:?}"));
        self.machine.cancel(self.now, call);
    }

    /// Gives a call a deadline, another one, or none.
    pub fn set_deadline(&mut self, call: CallId, within: Option<Duration>) {
        self.log.note(self.now, || format!("deadline of {call:?}: {within:?}"));
        self.machine.set_deadline(self.now, call, within.map(|within| self.now + within));
    }

    /// Sets a timer.
    pub fn timer(&mut self, after: Duration) -> TimerId {
        self.machine.timer(self.now, self.now + after)
    }

    /// Closes the machine.
    pub fn close(&mut self) {
        self.log.note(self.now, || "close".to_owned());
        self.machine.close(self.now);
    }

    /// Lets a driver drain the machine, without any byte or time passing.
    pub fn drain(&mut self) {
        self.drain_machine();
    }

    /// Starts a call and waits for its end.
    ///
    /// # Errors
    ///
    /// The call's.
    pub fn call<R: Request>(&mut self, request: R) -> Result<R::Reply, CallError> {
        let call = self.start(request);
        self.finish(call).map(|reply| R::take_reply(reply).expect("a reply of the request's kind"))
    }

    /// Waits for the end of a call, for at most three hours.
    ///
    /// # Errors
    ///
    /// The call's.
    pub fn finish(&mut self, call: CallId) -> Result<AnyReply, CallError> {
        let until = self.now + Duration::from_secs(3 * 3_600);
        assert!(self.run_until(until, |pair| pair.completed.contains_key(&call)), "{call:?} hangs");
        self.result(call)
    }

    /// Adds a line to what is printed when the test fails.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        self.log.note(self.now, line);
    }

    /// Runs until no call is open, or for at most `limit`; says whether none is.
    pub fn settle(&mut self, limit: Duration) -> bool {
        self.run_until(self.now + limit, |pair| pair.completed.len() == pair.started.len())
    }

    /// Checks that a machine without open calls wants nothing more, ever.
    pub fn assert_at_rest(&mut self) {
        assert_eq!(self.open_calls().next(), None, "calls are open");
        self.run_for(Duration::from_secs(3_600));
        let status = self.machine.status();
        assert_eq!((status.queued, status.outstanding), (0, 0), "something is left");
        assert_eq!(self.machine.poll_output(), Output::Idle { wake_at: None }, "not at rest");
    }

    /// Runs for so long.
    pub fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        let _never = self.run_until(until, |_| false);
    }

    /// Runs until the handshake is done.
    pub fn run_until_up(&mut self) {
        let until = self.now + Duration::from_secs(600);
        let up = self.run_until(until, |pair| pair.machine.status().link == LinkStatus::Up);
        assert!(up, "the link does not come up");
    }

    /// Runs until something is true or the time has come; says whether it is true.
    pub fn run_until(&mut self, until: Instant, mut done: impl FnMut(&Self) -> bool) -> bool {
        loop {
            self.drain_machine();
            if done(self) {
                return true;
            }
            if self.move_bytes() || self.wake() {
                self.at_this_instant += 1;
                assert!(self.at_this_instant < 2_000_000, "time stands still");
                continue;
            }
            let next = self.next_wake().filter(|next| *next <= until);
            if next.is_none() && self.now >= until {
                return false;
            }
            self.now = next.unwrap_or(until);
            self.at_this_instant = 0;
        }
    }

    fn complete(&mut self, call: CallId, result: Result<AnyReply, CallError>) {
        let request = self.started.get(&call).unwrap_or_else(|| panic!("{call:?} was never started"));
        let kind = request.kind();
        self.log.note(self.now, || match &result {
            Ok(_) => format!("{call:?} {kind:?}: ok"),
            Err(error) => format!("{call:?} {kind:?}: {error:?}"),
        });
        match &result {
            Ok(reply) => assert_eq!(reply.kind(), kind, "a reply of another kind"),
            Err(error) => self.check_fate(request, error),
        }
        let was = self.completed.insert(call, Completion { at: self.now, result });
        assert_eq!(was, None, "{call:?} ended twice");
    }

    /// What an error says about the daemon has to agree with what was written.
    fn check_fate(&self, request: &AnyRequest, error: &CallError) {
        // Of several equal requests nobody can tell which one was written, and cancels are written by
        // the machine itself as well.
        let unique = self.started.values().filter(|other| *other == request).count() == 1;
        if !unique || request.kind().lane() == Lane::Cancel {
            return;
        }
        let written = self.tap.has_written(request);
        match error.fate() {
            Fate::NotSent => assert!(!written, "{error:?}, but it was written"),
            Fate::Refused | Fate::MaybeExecuted => assert!(written, "{error:?}, but it was never written"),
        }
    }

    fn do_output(&mut self, output: Output) {
        assert_eq!(self.closed, None, "an output after the last one: {output:?}");
        match output {
            Output::Closed(reason) => self.closed = Some(reason),
            Output::Completed(call, result) => self.complete(call, result),
            Output::Connect(id) => self.dial(id),
            Output::Disconnect(id, mode) => self.disconnect(id, mode),
            Output::Event(event) => {
                self.log.note(self.now, || format!("{event:?}"));
                self.events.push((self.now, event));
            }
            Output::Idle { .. } => {}
            Output::Timer(timer) => self.timers.push(timer),
        }
    }
}

impl<D: Daemon> fmt::Debug for Pair<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pair")
            .field("seed", &self.seed)
            .field("now", &self.now)
            .field("link", &self.link)
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

impl<D: Daemon> Drop for Pair<D> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed = {}\n{}", self.seed, self.log);
        }
    }
}
