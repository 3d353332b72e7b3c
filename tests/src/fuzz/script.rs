//! Scripts against a scripted daemon that is slow, forgetful and wrong at times.

use std::{cell::Cell, collections::BTreeSet, rc::Rc, time::Duration};

use crate::{Cut, Direction, How, Pair, Played, Rng, Scripted, Talk, sample};
use kpthin_core::{
    machine::{CallId, TimerId},
    wire::{
        AnyReply, AnyResponse, CancelReply, FailureDetail, QueryId, ReplyFailure, ReplyFrame, RequestFrame,
    },
};

/// How the daemon treats what it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Honest,
    /// Slow, forgetful and wrong at times.
    Moody,
}

fn daemon(seed: u64, mood: Rc<Cell<Mood>>) -> Scripted {
    let mut rng = Rng::new(seed);
    Scripted::new(move |talk, frame| match mood.get() {
        Mood::Honest => talk.answer(frame),
        Mood::Moody => moody(&mut rng, talk, frame),
    })
}

fn moody(rng: &mut Rng, talk: &mut Talk<'_>, frame: &RequestFrame) {
    match rng.below(40) {
        0..14 => talk.answer(frame),
        14..28 => talk.answer_after(Duration::from_millis(rng.below(8_000)), frame),
        28..31 => talk.answer_after(Duration::from_secs(rng.below(400)), frame),
        31..34 => {}
        34..36 => {
            talk.answer(frame);
            talk.answer_after(Duration::from_millis(rng.below(300)), frame);
        }
        36..38 => talk.send(&refusal(rng, frame)),
        38 => {
            // The answer of another kind.
            let other = RequestFrame { query_id: frame.query_id, request: sample::any(rng.bits(), 0) };
            talk.answer(&other);
        }
        _ => talk.close(),
    }
}

fn refusal(rng: &mut Rng, frame: &RequestFrame) -> AnyResponse {
    AnyResponse::Reply(ReplyFrame {
        query_id: frame.query_id,
        kind: frame.request.kind(),
        result: Err(ReplyFailure { error_code: rng.bytes::<1>()[0].max(1), detail: FailureDetail::None }),
    })
}

/// Something that belongs to nobody.
fn stray(rng: &mut Rng) -> AnyResponse {
    AnyResponse::Reply(ReplyFrame {
        query_id: Some(QueryId::from(rng.bytes())),
        kind: sample::cancel_kind(),
        result: Ok(AnyReply::CancelResendingEncryptedMessage(CancelReply {})),
    })
}

struct Script {
    rng: Rng,
    calls: Vec<CallId>,
    timers: BTreeSet<TimerId>,
    next: u64,
}

impl Script {
    fn any_call(&mut self) -> Option<CallId> {
        (!self.calls.is_empty()).then(|| *self.rng.pick(&self.calls))
    }

    fn start(&mut self, pair: &mut Pair<Scripted>) {
        // Now and then a key that was used before.
        let n = if self.rng.one_in(6) { self.rng.below(self.next) } else { self.next };
        self.next += 1;
        let request = sample::any(self.rng.bits(), n);
        let call = if self.rng.one_in(4) {
            pair.start_within(Duration::from_millis(self.rng.below(90_000)), request)
        } else {
            pair.start(request)
        };
        self.calls.push(call);
    }

    fn step(&mut self, pair: &mut Pair<Scripted>) {
        match self.rng.below(44) {
            0..14 => self.start(pair),
            14 => (0..self.rng.below(60)).for_each(|_| self.start(pair)),
            15..19 => self.any_call().into_iter().for_each(|call| pair.cancel(call)),
            19 => {
                let within = self.rng.one_in(2).then(|| Duration::from_secs(self.rng.below(30)));
                self.any_call().into_iter().for_each(|call| pair.set_deadline(call, within));
            }
            20 => {
                let timer = pair.timer(Duration::from_millis(self.rng.below(5_000)));
                if self.rng.one_in(3) {
                    pair.machine.cancel_timer(timer);
                } else {
                    self.timers.insert(timer);
                }
            }
            21..23 => {
                let how = *self.rng.pick(&[How::EndOfFile, How::Reset, How::Silence]);
                pair.note(|| format!("cut: {how:?}"));
                pair.cut_now(how);
            }
            23 => {
                let direction = *self.rng.pick(&[Direction::Down, Direction::Up]);
                let (up, down) = pair.delivered();
                let so_far = if direction == Direction::Up { up } else { down };
                let how = *self.rng.pick(&[How::EndOfFile, How::Reset, How::Silence]);
                pair.cut = Some(Cut { direction, after_bytes: so_far + self.rng.below_len(300), how });
            }
            24 => pair.daemon.restart(),
            25 => pair.daemon.shut_down(),
            26 => pair.daemon.forget_sessions(),
            27 => pair.refuse_until = pair.now() + Duration::from_secs(self.rng.below(100)),
            28..30 => pair.daemon.set_mixnet(self.rng.one_in(2)),
            30 => (0..self.rng.below(30)).for_each(|_| pair.daemon.broadcast(&stray(&mut self.rng))),
            31..40 => pair.run_for(Duration::from_millis(self.rng.below(3_000))),
            40..43 => pair.run_for(Duration::from_secs(self.rng.below(90))),
            _ => pair.run_for(Duration::from_secs(self.rng.below(1_500))),
        }
    }
}

/// Runs the script that the bytes say, at most so many steps of it.
pub(super) fn run(input: &[u8]) {
    let mut rng = Rng::from_bytes(input);
    let seed = rng.below(256);
    let _ = play(seed, rng, u64::MAX);
}

/// Runs the script of a seed, at most so many steps of it.
#[must_use]
pub fn run_seed(seed: u64, steps: u64) -> Played {
    play(seed, Rng::new(!seed), steps)
}

/// Whatever happens, every call ends once and nothing is left.
fn play(seed: u64, rng: Rng, steps: u64) -> Played {
    let mood = Rc::new(Cell::new(Mood::Moody));
    let mut pair = Pair::new(seed, daemon(seed, Rc::clone(&mood)));
    let mut script = Script { rng, calls: Vec::new(), timers: BTreeSet::new(), next: 1 };
    for _ in 0..script.rng.below(120).min(steps) {
        if script.rng.is_spent() {
            break;
        }
        script.step(&mut pair);
        let status = pair.machine.status();
        assert!(status.queued <= status.outstanding + script.calls.len(), "{status:?}");
    }
    mood.set(Mood::Honest);
    if script.rng.one_in(4) {
        pair.close();
        pair.drain();
        assert_eq!(pair.open_calls().next(), None, "a call outlives the close");
        pair.run_for(Duration::from_secs(5));
        assert!(pair.closed().is_some(), "closing takes too long");
    } else {
        pair.cut = None;
        pair.daemon.set_mixnet(true);
        if !pair.machine.status().mixnet {
            // A wire that fell silent while the mix network was down never brings the news that it
            // is back; that wait is unbounded, and documented.
            pair.cut_now(How::Reset);
        }
        assert!(pair.settle(Duration::from_secs(10_800)), "calls hang");
        pair.assert_at_rest();
        let rung: BTreeSet<TimerId> = pair.timers.iter().copied().collect();
        assert_eq!(rung.len(), pair.timers.len(), "a timer rang twice");
        assert_eq!(rung, script.timers, "timers that should have rung, and those that did");
    }
    Played { transcript: pair.transcript(), connections: pair.dials().into(), calls: pair.calls() }
}
