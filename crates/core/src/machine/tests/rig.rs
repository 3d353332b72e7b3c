//! A driver in one hand: virtual time, one link, and a wire on which everything written arrives at
//! once. It takes the drain contract seriously, and counts how often a call ends.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{mem, time::Duration};

use super::super::{
    CallId, Config, DisconnectCause, DisconnectMode, Event, LinkError, LinkId, LinkStatus, Machine, Output,
    TimerId,
};
use crate::{
    Instant,
    error::{CallError, CloseReason},
    frame::FrameBuffer,
    testing::{Drive, requests},
    wire::{AnyReply, AnyRequest, AnyResponse, RequestFrame, RequestKind, SurbId},
};

use super::sample::{frame, good, no_document, session, status};

/// So many seconds.
pub(super) const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

type Result = core::result::Result<AnyReply, CallError>;

pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) now: Instant,
    pub(super) link: Option<LinkId>,
    /// Whether the wire takes nothing, so that nothing is asked for.
    pub(super) stuck: bool,
    /// Every byte ever written.
    pub(super) bytes: Vec<u8>,
    pub(super) frames: Vec<RequestFrame>,
    pub(super) wake_at: Option<Instant>,
    pub(super) results: BTreeMap<CallId, Result>,
    pub(super) events: Vec<Event>,
    pub(super) timers: Vec<TimerId>,
    pub(super) disconnects: Vec<(LinkId, DisconnectMode)>,
    pub(super) closed: Option<CloseReason>,
}

impl Rig {
    /// A machine that dials.
    pub(super) fn dialling() -> Self {
        Self::seeded([7; 32])
    }

    pub(super) fn seeded(seed: [u8; 32]) -> Self {
        Self::with(Config::default(), seed)
    }

    pub(super) fn with(config: Config, seed: [u8; 32]) -> Self {
        let now = Instant::from_origin(s(1_000));
        let mut rig = Self {
            machine: Machine::new(config, seed, now),
            now,
            link: None,
            stuck: false,
            bytes: Vec::new(),
            frames: Vec::new(),
            wake_at: None,
            results: BTreeMap::new(),
            events: Vec::new(),
            timers: Vec::new(),
            disconnects: Vec::new(),
            closed: None,
        };
        rig.drain();
        rig
    }

    /// A machine whose link is up, with the mix network connected.
    pub(super) fn up() -> Self {
        let mut rig = Self::dialling();
        rig.handshake(1, false);
        rig
    }

    pub(super) fn link(&self) -> LinkId {
        self.link.unwrap()
    }

    /// Drains the machine as the contract has it.
    pub(super) fn drain(&mut self) {
        self.wake_at = Drive::drain(self);
    }

    /// What was written since it was asked last.
    pub(super) fn written(&mut self) -> Vec<RequestFrame> {
        mem::take(&mut self.frames)
    }

    pub(super) fn kinds(&mut self) -> Vec<RequestKind> {
        self.written().iter().map(|frame| frame.request.kind()).collect()
    }

    /// The one frame that was written since it was asked last.
    pub(super) fn one(&mut self) -> RequestFrame {
        let [frame] = <[RequestFrame; 1]>::try_from(self.written()).unwrap();
        frame
    }

    pub(super) fn start(&mut self, request: impl Into<AnyRequest>) -> CallId {
        self.start_until(request, None)
    }

    pub(super) fn start_until(
        &mut self,
        request: impl Into<AnyRequest>,
        deadline: Option<Instant>,
    ) -> CallId {
        let call = self.machine.start(self.now, request, deadline);
        self.drain();
        call
    }

    /// Starts a call that is written at once.
    pub(super) fn send(&mut self, request: impl Into<AnyRequest>) -> (CallId, RequestFrame) {
        assert_eq!(self.frames, []);
        let call = self.start(request);
        (call, self.one())
    }

    /// Answers the cancels that are written, and takes everything else.
    pub(super) fn behind_cancels(&mut self) -> Vec<RequestFrame> {
        let mut others = Vec::new();
        while !self.frames.is_empty() {
            for frame in self.written() {
                match frame.request {
                    AnyRequest::CancelResendingCopyCommand(_)
                    | AnyRequest::CancelResendingEncryptedMessage(_) => self.answer(&frame),
                    _ => others.push(frame),
                }
            }
        }
        others
    }

    /// Starts a message that is written at once.
    pub(super) fn send_message(&mut self, request: impl Into<AnyRequest>) -> (CallId, SurbId) {
        let (call, frame) = self.send(request);
        (call, surb(&frame))
    }

    pub(super) fn cancel(&mut self, call: CallId) {
        self.machine.cancel(self.now, call);
        self.drain();
    }

    pub(super) fn close(&mut self) {
        self.machine.close(self.now);
        self.drain();
    }

    pub(super) fn result(&mut self, call: CallId) -> Option<Result> {
        self.results.remove(&call)
    }

    /// How a call has failed.
    pub(super) fn error(&mut self, call: CallId) -> Option<CallError> {
        self.result(call).map(|result| result.unwrap_err())
    }

    pub(super) fn ended_well(&mut self, call: CallId) -> bool {
        self.result(call).is_some_and(|result| result.is_ok())
    }

    pub(super) fn connected(&mut self) {
        self.machine.handle_connected(self.now, self.link());
        self.drain();
    }

    pub(super) fn input(&mut self, bytes: &[u8]) {
        self.machine.handle_input(self.now, self.link(), bytes);
        self.drain();
    }

    pub(super) fn say(&mut self, response: &AnyResponse) {
        self.input(&frame(response));
    }

    pub(super) fn answer(&mut self, frame: &RequestFrame) {
        self.say(&good(frame));
    }

    /// Answers everything that is written, until nothing more is.
    pub(super) fn answer_all(&mut self) {
        while !self.frames.is_empty() {
            for frame in self.written() {
                self.answer(&frame);
            }
        }
    }

    /// From the dial to the link that is up, of the daemon of that name.
    pub(super) fn handshake(&mut self, daemon: u64, resumed: bool) {
        self.handshake_with(daemon, resumed, true);
    }

    pub(super) fn handshake_with(&mut self, daemon: u64, resumed: bool, mixnet: bool) {
        self.connected();
        self.say(&status(daemon, mixnet));
        self.say(&no_document());
        assert_eq!(self.kinds(), [RequestKind::SessionToken]);
        self.say(&session(resumed));
        assert_eq!(self.machine.status().link, LinkStatus::Up);
    }

    /// The link ends.
    pub(super) fn cut(&mut self, cause: DisconnectCause) {
        self.machine.handle_disconnected(self.now, self.link(), cause);
        self.drain();
    }

    /// Has something written that makes the session worth resuming.
    pub(super) fn wait_for_a_reply(&mut self) {
        self.start(super::sample::message(77));
        self.written();
    }

    /// Waits for the next dial.
    pub(super) fn redial(&mut self) {
        let old = self.link;
        for _ in 0..100 {
            if self.link != old {
                return;
            }
            self.jump();
        }
        panic!("no new dial");
    }

    /// The link ends as the daemon ends it, and the next one comes up.
    pub(super) fn replace(&mut self, daemon: u64, resumed: bool) {
        self.cut(DisconnectCause::EndOfFile);
        self.redial();
        self.handshake(daemon, resumed);
    }

    /// Goes on to when the machine wants to be woken.
    pub(super) fn jump(&mut self) {
        let at = self.wake_at.unwrap();
        self.now = self.now.max(at);
        self.machine.handle_timeout(self.now);
        self.drain();
    }

    /// Lets time pass, with a timeout whenever the machine asks for one.
    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        let mut standing = 0;
        while let Some(at) = self.wake_at.filter(|at| *at <= until) {
            standing = if at <= self.now { standing + 1 } else { 0 };
            assert!(standing < 3, "woken again and again at {:?}", self.now);
            self.jump();
        }
        self.now = until;
    }

    pub(super) fn outstanding(&self) -> usize {
        self.machine.status().outstanding
    }

    pub(super) fn queued(&self) -> usize {
        self.machine.status().queued
    }

    /// Why there is no link, as the last event says.
    pub(super) fn down(&self) -> &LinkError {
        let causes = self.events.iter().rev().find_map(|event| match event {
            Event::LinkDown { cause, .. } => Some(cause),
            _ => None,
        });
        causes.unwrap()
    }
}

impl Drive for Rig {
    fn machine(&mut self) -> &mut Machine {
        &mut self.machine
    }

    fn act(&mut self, output: Output) {
        match output {
            Output::Closed(reason) => assert_eq!(self.closed.replace(reason), None),
            Output::Completed(call, result) => {
                let twice = self.results.insert(call, result);
                assert_eq!(twice, None, "{call:?} ended twice");
            }
            Output::Connect(link) => self.link = Some(link),
            Output::Disconnect(link, mode) => self.disconnects.push((link, mode)),
            Output::Event(event) => self.events.push(event),
            Output::Idle { .. } => {}
            Output::Timer(timer) => self.timers.push(timer),
        }
    }

    fn transmit(&mut self) -> bool {
        let Some(link) = self.link.filter(|_| !self.stuck) else { return false };
        let mut out = Vec::new();
        self.machine.poll_transmit(self.now, link, &mut out);
        self.frames.extend(decode(&out));
        self.bytes.extend(&out);
        !out.is_empty()
    }
}

pub(super) fn decode(bytes: &[u8]) -> Vec<RequestFrame> {
    let mut buffer = FrameBuffer::default();
    buffer.push(bytes);
    let frames = requests(&mut buffer);
    assert_eq!(buffer.pending_len(), 0, "only whole frames are written");
    frames
}

pub(super) fn surb(frame: &RequestFrame) -> SurbId {
    let AnyRequest::SendMessage(message) = &frame.request else { panic!("no message") };
    message.surb.id().unwrap()
}
