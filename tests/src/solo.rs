//! A machine alone: what arrives is made by hand, byte by byte.

use std::{collections::BTreeMap, fmt, time::Duration};

use kpthin_core::{
    Instant,
    error::CallError,
    frame::FrameBuffer,
    machine::{CallId, Config, Event, LinkId, LinkStatus, Machine, Output},
    testing::Drive,
    wire::{AnyReply, AnyRequest, RequestFrame},
};

use crate::sample;

/// A [`Machine`] whose link is up, with what it wrote and said.
pub struct Solo {
    /// The machine.
    pub machine: Machine,
    /// Its link.
    pub link: LinkId,
    /// The time.
    pub now: Instant,
    /// What it wrote and nobody has looked at.
    pub written: Vec<RequestFrame>,
    /// The calls that have ended and that nobody has looked at.
    pub ended: BTreeMap<CallId, Result<AnyReply, CallError>>,
    /// The events that nobody has looked at.
    pub events: Vec<Event>,
    /// How often it wanted to end its link.
    pub disconnects: usize,
}

impl Drive for Solo {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Completed(call, result) => {
                self.ended.insert(call, result);
            }
            Output::Disconnect(..) => self.disconnects += 1,
            Output::Event(event) => self.events.push(event),
            _ => {}
        }
    }

    fn transmit(&mut self) -> bool {
        let mut out = Vec::new();
        self.machine.poll_transmit(self.now, self.link, &mut out);
        let mut frames = FrameBuffer::default();
        frames.push(&out);
        self.written.extend(sample::requests(&mut frames));
        !out.is_empty()
    }
}

impl Solo {
    /// A machine whose link is up.
    ///
    /// # Panics
    ///
    /// If the handshake fails.
    #[must_use]
    pub fn up() -> Self {
        let now = Instant::ORIGIN;
        let mut machine = Machine::new(Config::default(), [7; 32], now);
        let Output::Connect(link) = machine.poll_output() else { panic!("a machine connects first") };
        machine.handle_connected(now, link);
        let (written, ended, events) = Default::default();
        let mut solo = Self { machine, link, now, written, ended, events, disconnects: 0 };
        solo.input(&sample::greeting([1; 16].into(), true));
        solo.input(&sample::frame(&sample::session(false)));
        assert_eq!(solo.machine.status().link, LinkStatus::Up);
        solo.written.clear();
        solo.events.clear();
        solo
    }

    /// Hands bytes over, as they would come from a socket.
    pub fn input(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(64 << 10) {
            self.machine.handle_input(self.now, self.link, part);
        }
        self.drain();
    }

    /// Starts a call; what was written for it.
    ///
    /// # Panics
    ///
    /// If nothing was.
    pub fn start(&mut self, request: impl Into<AnyRequest>) -> (CallId, RequestFrame) {
        let call = self.machine.start(self.now, request.into(), None);
        self.drain();
        (call, self.written.pop().expect("it was written"))
    }

    /// Lets time pass, which gives the traffic budget back what strays took out of it.
    pub fn wait(&mut self, time: Duration) {
        self.now = self.now + time;
    }
}

impl fmt::Debug for Solo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solo").field("now", &self.now).field("ended", &self.ended).finish_non_exhaustive()
    }
}
