//! Programs against the embedded daemon, while links, daemon and mix network come and go.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    Cut, Direction, How, Net, Pair, Played, Rng,
    boxes::{Stream, Unwritten},
    profiles, sample,
};
use kpthin_core::{
    error::CallError,
    machine::CallId,
    wire::{AnyReply, EncryptReply, MessageBoxIndex, RequestKind, SendMessage},
};
use kpthin_devnet::DevnetConfig;

const SECOND: Duration = Duration::from_secs(1);

/// What an encryption that was asked for is meant for.
#[derive(Clone, Debug)]
enum Plan {
    Read(MessageBoxIndex),
    Write(MessageBoxIndex),
}

struct Program {
    rng: Rng,
    stream: Stream,
    /// The first boxes; each is written with the same content whenever it is.
    boxes: Vec<MessageBoxIndex>,
    calls: Vec<CallId>,
    encrypting: BTreeMap<CallId, Plan>,
    envelopes: Vec<(Plan, EncryptReply)>,
    writes: BTreeMap<CallId, MessageBoxIndex>,
    next: u64,
}

impl Program {
    fn new(pair: &mut Pair<Net>, seed: u64, rng: Rng) -> Self {
        let stream = Stream::new(pair, seed.to_le_bytes()[0]);
        let mut boxes = vec![stream.first()];
        for _ in 0..5 {
            let last = boxes.last().expect("the first").clone();
            let next = kpthin_core::wire::NextMessageBoxIndex { message_box_index: last };
            boxes.push(pair.call(next).expect("an index").next_message_box_index);
        }
        Self {
            rng,
            stream,
            boxes,
            calls: Vec::new(),
            encrypting: BTreeMap::new(),
            envelopes: Vec::new(),
            writes: BTreeMap::new(),
            next: 1,
        }
    }

    fn text(index: &MessageBoxIndex) -> Vec<u8> {
        index.counter().to_le_bytes().to_vec()
    }

    fn encrypt(&mut self, pair: &mut Pair<Net>) {
        let index = self.rng.pick(&self.boxes).clone();
        let (call, plan) = if self.rng.one_in(2) {
            (pair.start(self.stream.encrypt_read(&index)), Plan::Read(index))
        } else {
            let text = Self::text(&index);
            (pair.start(self.stream.encrypt_write(&index, &text)), Plan::Write(index))
        };
        self.calls.push(call);
        self.encrypting.insert(call, plan);
    }

    /// Takes the envelopes that have come.
    fn collect(&mut self, pair: &Pair<Net>) {
        let envelopes = &mut self.envelopes;
        self.encrypting.retain(|call, plan| {
            let Some(completion) = pair.completion(*call) else { return true };
            if let Ok(AnyReply::EncryptRead(reply) | AnyReply::EncryptWrite(reply)) =
                completion.result.clone()
            {
                envelopes.push((plan.clone(), reply));
            }
            false
        });
    }

    fn send(&mut self, pair: &mut Pair<Net>) {
        self.collect(pair);
        if self.envelopes.is_empty() {
            return self.encrypt(pair);
        }
        let at = self.rng.below_len(self.envelopes.len());
        // Now and then the same envelope is sent again later.
        let (plan, reply) =
            if self.rng.one_in(4) { self.envelopes[at].clone() } else { self.envelopes.swap_remove(at) };
        let call = match plan {
            Plan::Read(index) => {
                let unwritten = if self.rng.one_in(2) { Unwritten::Polls } else { Unwritten::Ends };
                pair.start(self.stream.send_read(&index, reply, unwritten))
            }
            Plan::Write(index) => {
                let mut write = self.stream.send_write(reply);
                write.no_idempotent_box_already_exists = true;
                let call = pair.start(write);
                self.writes.insert(call, index);
                call
            }
        };
        self.calls.push(call);
    }

    fn message(&mut self, pair: &mut Pair<Net>) {
        let Some(document) = pair.machine.document() else { return };
        let echo = document.services("echo").next().expect("an echo service").destination();
        self.next += 1;
        let call = pair.start(SendMessage {
            destination_id_hash: echo.node,
            recipient_queue_id: echo.queue,
            ..sample::message(self.next)
        });
        self.calls.push(call);
    }

    fn disturb(&mut self, pair: &mut Pair<Net>) {
        let now = pair.now();
        let how = *self.rng.pick(&[How::EndOfFile, How::Reset, How::Silence]);
        match self.rng.below(9) {
            0 => pair.cut_now(how),
            1 => {
                let direction = *self.rng.pick(&[Direction::Down, Direction::Up]);
                let (up, down) = pair.delivered();
                let so_far = if direction == Direction::Up { up } else { down };
                pair.cut = Some(Cut { direction, after_bytes: so_far + self.rng.below_len(4_000), how });
            }
            2 => pair.close_link_here(),
            3 => pair.daemon.restart(now),
            4 => pair.daemon.bounce(now, Duration::from_secs(self.rng.below(60))),
            5 => pair.refuse_until = now + Duration::from_secs(self.rng.below(60)),
            6 => pair.daemon.devnet.advance_epoch(now),
            _ => pair.daemon.devnet.set_mixnet(now, self.rng.one_in(2)),
        }
    }

    fn step(&mut self, pair: &mut Pair<Net>) {
        match self.rng.below(30) {
            0..4 => self.encrypt(pair),
            4..9 => self.send(pair),
            9 => (0..self.rng.below(30)).for_each(|_| self.send(pair)),
            10 => self.message(pair),
            11 => {
                self.next += 1;
                self.calls.push(pair.start(sample::keypair(self.next)));
            }
            12..15 if !self.calls.is_empty() => {
                let call = *self.rng.pick(&self.calls);
                if self.rng.one_in(3) {
                    pair.set_deadline(call, Some(Duration::from_secs(self.rng.below(20))));
                } else {
                    pair.cancel(call);
                }
            }
            15..18 => self.disturb(pair),
            18..28 => pair.run_for(Duration::from_millis(self.rng.below(4_000))),
            _ => pair.run_for(Duration::from_secs(self.rng.below(100))),
        }
    }
}

/// Runs the program that the bytes say against the profile that they say.
pub(super) fn run(input: &[u8]) {
    let mut rng = Rng::from_bytes(input);
    let mut profiles = profiles();
    let mut config = profiles.swap_remove(rng.below_len(profiles.len()));
    config.grace_period = 30 * SECOND;
    config.epoch_period = 1_200 * SECOND;
    let seed = rng.below(256);
    let _ = play(seed, rng, u64::MAX, &config);
}

/// Runs the program of a seed, at most so many steps of it.
#[must_use]
pub fn run_seed(seed: u64, steps: u64, config: &DevnetConfig) -> Played {
    play(seed, Rng::new(!seed), steps, config)
}

/// Every call ends once, what was written is stored, and nothing is left.
fn play(seed: u64, rng: Rng, steps: u64, config: &DevnetConfig) -> Played {
    let mut pair = Pair::up(seed, Net::new(seed, config.clone()));
    let mut program = Program::new(&mut pair, seed, rng);
    for _ in 0..program.rng.below(100).min(steps) {
        if program.rng.is_spent() {
            break;
        }
        program.step(&mut pair);
    }
    pair.cut = None;
    let now = pair.now();
    pair.daemon.devnet.set_mixnet(now, true);
    pair.cut_now(How::Reset);
    // Reads that wait for boxes nobody writes end only when they are cancelled.
    let polls: Vec<CallId> = pair.open_calls().filter(|call| !program.writes.contains_key(call)).collect();
    let ended = pair.settle(1_200 * SECOND);
    if !ended {
        polls.into_iter().for_each(|call| pair.cancel(call));
        assert!(pair.settle(7_200 * SECOND), "calls hang");
    }
    verify(&mut pair, &program);
    pair.run_for(300 * SECOND);
    let status = pair.machine.status();
    assert_eq!((status.queued, status.outstanding), (0, 0), "something is left");
    assert_eq!(pair.tap.pending_len(), 0, "the daemon still works for nobody");
    Played { transcript: pair.transcript(), connections: pair.dials().into(), calls: pair.calls() }
}

/// A strict write that succeeded is stored; none may have been refused for its content.
fn verify(pair: &mut Pair<Net>, program: &Program) {
    pair.run_for(20 * SECOND);
    for (call, index) in &program.writes {
        match pair.result(*call) {
            Ok(reply) => {
                assert_eq!(reply.kind(), RequestKind::StartResendingEncryptedMessage);
                assert_eq!(program.stream.read(pair, index).unwrap(), Program::text(index), "{index:?}");
            }
            Err(CallError::Replica(error)) => panic!("{call:?}: {error:?}"),
            Err(_) => {}
        }
    }
}
