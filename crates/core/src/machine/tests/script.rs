//! What a random script consists of, and what holds after each of its steps.

use super::*;
use crate::machine::limits::{COPIES_MAX, MIXNET_WINDOW, OUTSTANDING_CALLS_MAX, POLLING_READS_MAX};
use alloc::{collections::BTreeSet, vec::Vec};
use proptest::{collection::vec, prelude::*};
use sample::{
    cancel, copy, create, echo, message, not_sent, poll, posted, quick, read, refusal, sent, slow, write,
};

#[derive(Clone, Debug)]
pub(super) enum Step {
    Answer { which: usize, how: u8 },
    Bytes(Vec<u8>),
    Cancel(usize),
    Cut(u8),
    Deadline { which: usize, in_seconds: u8 },
    Dial { succeeds: bool },
    Say(u8),
    Start { what: u8, n: u64, deadline: Option<u8> },
    Stick(bool),
    Wait(u16),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (any::<u8>(), 0..8_u64, any::<Option<u8>>())
            .prop_map(|(what, n, deadline)| Step::Start { what, n, deadline }),
        8 => (0..40_usize, any::<u8>()).prop_map(|(which, how)| Step::Answer { which, how }),
        3 => (0..40_usize).prop_map(Step::Cancel),
        1 => (0..40_usize, any::<u8>()).prop_map(|(which, in_seconds)| Step::Deadline { which, in_seconds }),
        2 => any::<u8>().prop_map(Step::Cut),
        4 => any::<bool>().prop_map(|fails| Step::Dial { succeeds: !fails }),
        4 => any::<u8>().prop_map(Step::Say),
        1 => any::<bool>().prop_map(Step::Stick),
        3 => any::<u16>().prop_map(Step::Wait),
        1 => vec(any::<u8>(), 1..40).prop_map(Step::Bytes),
    ]
}

/// A rig with what a script remembers.
pub(super) struct Run {
    pub(super) rig: Rig,
    pub(super) started: Vec<CallId>,
    pub(super) ended: BTreeSet<CallId>,
    pub(super) asked: Vec<RequestFrame>,
}

impl Run {
    pub(super) fn new(seed: u8) -> Self {
        let rig = Rig::seeded([seed; 32]);
        Self { rig, started: Vec::new(), ended: BTreeSet::new(), asked: Vec::new() }
    }

    fn request(what: u8, n: u64) -> AnyRequest {
        match what % 13 {
            0 | 1 => quick(n).into(),
            2 => slow(n).into(),
            3 => create(n).into(),
            4 | 5 => write(n).into(),
            6 => read(n).into(),
            7 | 8 => poll(n).into(),
            9 => copy(n).into(),
            10 => message(n).into(),
            11 => posted(n).into(),
            _ => cancel(n).into(),
        }
    }

    pub(super) fn answer(&mut self, frame: &RequestFrame, how: u8) {
        let response = match (&frame.request, how % 8) {
            (AnyRequest::SessionToken(_), _) => session(how & 1 == 0),
            (AnyRequest::ThinClose(_), _) => return self.rig.cut(DisconnectCause::EndOfFile),
            (AnyRequest::SendMessage(_), 0) => not_sent(surb(frame)),
            (AnyRequest::SendMessage(_), 1..=3) => sent(surb(frame), i64::from(how) << 30),
            (AnyRequest::SendMessage(_), _) => echo(surb(frame)),
            (AnyRequest::CreateCourierEnvelopesFromPayload(_), _) => refusal(frame, how.max(1)),
            (_, 0) => refusal(frame, 24),
            (_, 1) => refusal(frame, how.max(1)),
            (_, 2) => good(&RequestFrame { query_id: frame.query_id, request: quick(0).into() }),
            _ => good(frame),
        };
        self.rig.say(&response);
    }

    pub(super) fn step(&mut self, step: &Step) {
        let now = self.rig.now;
        match step {
            Step::Answer { which, how } if !self.asked.is_empty() => {
                let frame = self.asked[which % self.asked.len()].clone();
                self.answer(&frame, *how);
            }
            Step::Bytes(bytes) => self.rig.input(bytes),
            Step::Cancel(which) if !self.started.is_empty() => {
                self.rig.cancel(self.started[self.started.len() - 1 - which % self.started.len()]);
            }
            Step::Cut(how) => self.rig.cut(match how % 4 {
                0 => DisconnectCause::Local,
                1 => DisconnectCause::Reset,
                2 => DisconnectCause::Failed("no".into()),
                _ => DisconnectCause::EndOfFile,
            }),
            Step::Deadline { which, in_seconds } if !self.started.is_empty() => {
                let call = self.started[which % self.started.len()];
                self.rig.machine.set_deadline(now, call, Some(now + s(u64::from(*in_seconds))));
                self.rig.drain();
            }
            Step::Dial { succeeds: true } => {
                self.rig.connected();
                self.rig.say(&status(1, true));
                self.rig.say(&no_document());
                self.rig.say(&session(true));
            }
            Step::Dial { succeeds: false } => {
                self.rig.machine.handle_connect_failed(now, self.rig.link(), "no");
                self.rig.drain();
            }
            Step::Say(what) => self.rig.say(&match what % 8 {
                0 => status(1, false),
                1 | 2 => status(1 + u64::from(what / 128), true),
                3 => sample::document(u64::from(*what), what % 3),
                4 => no_document(),
                5 => session(what & 1 == 0),
                6 if *what < 50 => AnyResponse::Shutdown(crate::wire::Shutdown {}),
                _ => sample::stray(),
            }),
            Step::Start { what, n, deadline } => {
                let deadline = deadline.map(|seconds| now + s(u64::from(seconds)));
                let call = self.rig.start_until(Self::request(*what, *n), deadline);
                self.started.push(call);
            }
            Step::Stick(stuck) => {
                self.rig.stuck = *stuck;
                self.rig.drain();
            }
            Step::Wait(time) => self.rig.wait(ms(u64::from(*time) * u64::from(*time) / 10_000)),
            Step::Answer { .. } | Step::Cancel(_) | Step::Deadline { .. } => {}
        }
        self.look();
    }

    /// What holds after every step.
    pub(super) fn look(&mut self) {
        self.asked.extend(self.rig.written());
        for (call, _) in mem::take(&mut self.rig.results) {
            assert!(self.ended.insert(call), "{call:?} ended twice");
        }
        let machine = &self.rig.machine;
        assert_eq!(self.started.len() - self.ended.len(), machine.calls.table().owned());
        assert!(machine.calls.table().len() <= OUTSTANDING_CALLS_MAX);
        assert_eq!(machine.calls.recounted_unwritten(), machine.calls.table().unwritten());
        let held = machine.calls.recounted_places();
        assert_eq!(machine.calls.places(), held);
        assert!(
            held[0] <= COPIES_MAX && held[1] <= 1 && held[2] <= POLLING_READS_MAX && held[3] <= MIXNET_WINDOW
        );
    }

    /// Ends the run: an honest daemon answers all, then the client is closed.
    fn finish(mut self) -> Self {
        self.rig.stuck = false;
        self.rig.close();
        self.look();
        assert_eq!(self.ended.len(), self.started.len(), "a call has not ended");
        if self.rig.closed.is_none() {
            self.rig.wait(s(1));
            self.rig.cut(DisconnectCause::EndOfFile);
        }
        assert_eq!((self.rig.closed, self.rig.wake_at), (Some(CloseReason::Stopped), None));
        self
    }
}

pub(super) fn run(seed: u8, steps: &[Step]) -> Run {
    let mut run = Run::new(seed);
    for step in steps {
        run.step(step);
    }
    run.finish()
}
