//! The machine alone: every command and every input, in any order, on both links of a client.

use std::{collections::BTreeSet, time::Duration};

use kpthin_core::{
    Instant,
    error::Fate,
    frame::FrameBuffer,
    machine::{CallId, Config, DisconnectCause, LinkId, LinkStatus, Machine, Output, Role, TimerId},
    testing::Drive,
    wire::{AnyRequest, InstanceToken, RequestFrame},
};

use crate::{Rng, sample};

/// How often a machine may want to be woken at one and the same moment.
const WAKES_MAX: usize = 1_000;

/// One machine, and what its driver and its daemon would know.
struct World {
    machine: Machine,
    now: Instant,
    link: Option<LinkId>,
    /// Whether it is dialled no more.
    connected: bool,
    /// Whether the machine wants it ended.
    ending: bool,
    /// A link of long ago, whose inputs have to be ignored.
    stale: Option<LinkId>,
    wake_at: Option<Instant>,
    started: BTreeSet<CallId>,
    /// Whether a byte has ever left.
    written: bool,
    ended: BTreeSet<CallId>,
    rung: BTreeSet<TimerId>,
    closed: bool,
    out: FrameBuffer,
    /// What was written and is not answered.
    asked: Vec<RequestFrame>,
}

impl Drive for World {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Closed(_) => self.closed = true,
            Output::Completed(call, result) => {
                assert!(self.started.contains(&call), "{call:?} was never started");
                assert!(self.ended.insert(call), "{call:?} ended twice");
                if let Err(error) = result {
                    assert!(self.written || error.fate() != Fate::MaybeExecuted, "nothing was ever written");
                    assert!(!error.to_string().ends_with(": "), "{error:?}");
                }
            }
            Output::Connect(link) => {
                assert!(self.link.is_none(), "two links at once");
                (self.link, self.connected, self.ending) = (Some(link), false, false);
            }
            Output::Disconnect(link, _) => {
                assert_eq!(self.link, Some(link), "another link is ended");
                self.ending = true;
            }
            Output::Timer(timer) => assert!(self.rung.insert(timer), "{timer:?} rang twice"),
            Output::Event(_) | Output::Idle { .. } => {}
        }
    }

    fn transmit(&mut self) -> bool {
        let Some(link) = self.link else { return false };
        let mut out = Vec::new();
        self.machine.poll_transmit(self.now, link, &mut out);
        self.written |= !out.is_empty();
        self.out.push(&out);
        while let Some(body) = self.out.next_frame().expect("no frame is too long") {
            let frame = RequestFrame::decode(body).expect("a request").expect("of a kind that is known");
            self.asked.push(frame);
        }
        !out.is_empty()
    }
}

impl World {
    fn new(role: Role) -> Self {
        let now = Instant::ORIGIN + Duration::from_secs(1);
        let mut config = Config::default();
        config.role = role;
        let mut world = Self {
            machine: Machine::new(config, [3; 32], now),
            now,
            link: None,
            connected: false,
            ending: false,
            stale: None,
            wake_at: None,
            started: BTreeSet::new(),
            written: false,
            ended: BTreeSet::new(),
            rung: BTreeSet::new(),
            closed: false,
            out: FrameBuffer::default(),
            asked: Vec::new(),
        };
        world.settle();
        world
    }

    /// Drains, and checks what has to be true whatever has happened.
    fn settle(&mut self) {
        self.wake_at = self.drain();
        let status = self.machine.status();
        let open = self.started.len() - self.ended.len();
        assert_eq!(status.outstanding, open, "{open} calls are open");
        assert!(!self.closed || open == 0, "a closed machine leaves calls open");
        if !self.closed && status.link == LinkStatus::Down && self.link.is_none() {
            assert!(self.wake_at.is_some(), "a machine without link waits for nothing");
        }
    }

    fn start(&mut self, rng: &mut Rng) {
        let request = sample::any(rng.below(11), rng.below(8));
        let deadline = rng.one_in(4).then(|| self.now + Duration::from_millis(rng.below(90_000)));
        let call = if rng.one_in(4) {
            self.machine.start_step(self.now, request, deadline)
        } else {
            self.machine.start(self.now, request, deadline)
        };
        assert!(self.started.insert(call), "{call:?} is used twice");
    }

    fn any_call(&self, rng: &mut Rng) -> Option<CallId> {
        let count = self.started.len();
        if count == 0 { None } else { self.started.iter().nth(rng.below_len(count)).copied() }
    }

    /// What an honest daemon answers.
    fn answer(frame: &RequestFrame, rng: &mut Rng) -> Vec<u8> {
        match &frame.request {
            AnyRequest::SendMessage(send) if rng.one_in(2) => sample::frame(&sample::sent(send)),
            AnyRequest::SendMessage(send) => sample::frame(&sample::echo(send)),
            AnyRequest::SessionToken(_) => sample::frame(&sample::session(rng.one_in(2))),
            _ => sample::answer(frame).map(|answer| sample::frame(&answer)).unwrap_or_default(),
        }
    }

    /// What the daemon may send: an answer, another one's answer, an answer of another kind, or anything else.
    fn response(&mut self, rng: &mut Rng) -> Vec<u8> {
        let asked = if self.asked.is_empty() { None } else { Some(rng.below_len(self.asked.len())) };
        let instance = InstanceToken::from([u8::from(rng.one_in(8)); 16]);
        let mut bytes = match (rng.below(10), asked) {
            (0..5, Some(at)) => {
                // Now and then it is answered twice.
                let frame = if rng.one_in(8) { self.asked[at].clone() } else { self.asked.swap_remove(at) };
                Self::answer(&frame, rng)
            }
            (5, Some(at)) => {
                let (query_id, request) = (self.asked[at].query_id, sample::any(rng.below(11), 0));
                Self::answer(&RequestFrame { query_id, request }, rng)
            }
            (6, _) => sample::frame(&sample::status(instance, !rng.one_in(4))),
            (7, _) => sample::greeting(instance, !rng.one_in(4)),
            (8, _) => rng.some_bytes(60),
            _ => sample::frame_of(&rng.some_bytes(60)),
        };
        if rng.one_in(6) && !bytes.is_empty() {
            let at = rng.below_len(bytes.len());
            bytes[at] = rng.bytes::<1>()[0];
        }
        bytes
    }

    fn step(&mut self, rng: &mut Rng) {
        let now = self.now;
        let stale = self.stale.filter(|_| rng.one_in(8));
        let link = stale.or(self.link);
        match rng.below(20) {
            0..4 => self.start(rng),
            4 => self.any_call(rng).into_iter().for_each(|call| self.machine.cancel(now, call)),
            5 => {
                let at = rng.one_in(2).then(|| now + Duration::from_millis(rng.below(20_000)));
                self.any_call(rng).into_iter().for_each(|call| self.machine.set_deadline(now, call, at));
            }
            6 => {
                let timer = self.machine.timer(now, now + Duration::from_millis(rng.below(5_000)));
                if rng.one_in(2) {
                    self.machine.cancel_timer(timer);
                }
            }
            7..9 => {
                if let Some(link) = link.filter(|_| stale.is_some() || !self.connected) {
                    self.connected |= stale.is_none();
                    self.machine.handle_connected(now, link);
                }
            }
            9 => {
                if let Some(link) = link.filter(|_| stale.is_some() || !self.connected) {
                    self.machine.handle_connect_failed(now, link, "refused");
                    self.lost(link);
                }
            }
            10 => {
                if let Some(link) = link.filter(|_| stale.is_some() || self.connected || self.ending) {
                    let causes = [
                        DisconnectCause::EndOfFile,
                        DisconnectCause::Reset,
                        DisconnectCause::Local,
                        DisconnectCause::Failed("broken pipe".into()),
                    ];
                    self.machine.handle_disconnected(now, link, rng.pick(&causes).clone());
                    self.lost(link);
                }
            }
            11..16 => {
                let bytes = self.response(rng);
                if let Some(link) = link.filter(|_| stale.is_some() || self.connected) {
                    self.machine.handle_input(now, link, &bytes);
                }
            }
            16..19 => self.sleep(rng),
            _ if rng.one_in(8) => self.machine.close(now),
            _ => {}
        }
        self.settle();
    }

    fn lost(&mut self, link: LinkId) {
        if self.link == Some(link) {
            self.stale = self.link.take();
            self.out = FrameBuffer::default();
            self.asked.clear();
        }
    }

    /// Time passes, until the machine wants to be woken or for as long as is said.
    fn sleep(&mut self, rng: &mut Rng) {
        let until = match self.wake_at {
            Some(at) if rng.one_in(2) => at,
            _ => self.now + Duration::from_millis(rng.below(60_000)),
        };
        while let Some(at) = self.wake_at.filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.wake();
        }
        self.now = self.now.max(until);
        self.wake();
    }

    fn wake(&mut self) {
        for _ in 0..WAKES_MAX {
            self.machine.handle_timeout(self.now);
            self.settle();
            if self.wake_at.is_none_or(|at| at > self.now) {
                return;
            }
        }
        panic!("the machine wants to be woken in the past");
    }
}

/// Every call ends, and ends once, whatever the driver and the daemon do.
pub(super) fn run(input: &[u8]) {
    let mut rng = Rng::from_bytes(input);
    let mut worlds = [World::new(Role::Main), World::new(Role::Companion)];
    while !rng.is_spent() {
        let [main, companion] = &mut worlds;
        let world = if rng.one_in(4) { companion } else { main };
        world.step(&mut rng);
    }
    for mut world in worlds {
        world.machine.close(world.now);
        world.settle();
        assert_eq!(world.ended.len(), world.started.len(), "a call outlives the end");
    }
}
