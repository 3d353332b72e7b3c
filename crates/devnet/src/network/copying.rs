//! A courier that carries out copy commands (Pigeonhole backend §6.4).

use std::collections::BTreeMap;
use std::time::Duration;

use kpthin_bacap::{self as bacap, Context};
use kpthin_core::Instant;

use crate::env::Env;
use crate::pigeonhole::Entropy;
use crate::pigeonhole::boxes::{self, BoxContent};
use crate::pigeonhole::copy_stream::CopyDecoder;
use crate::pigeonhole::geometry::Geometry;
use crate::pigeonhole::messages::{CopyReply, CourierEnvelope, ReplicaCode, ReplyInnerMessage};
use crate::pigeonhole::replica::{Push, Replicas};
use crate::pigeonhole::sharding;
use crate::quirks::Quirks;

/// How long a courier remembers how a command ended.
const REMEMBERED: Duration = Duration::from_secs(30 * 60);
/// Tries of one box at one replica.
const ATTEMPTS: u32 = 10;
/// How much longer than the first pause the longest is.
const PAUSE_FACTOR_MAX: u32 = 20;
/// Boxes, and envelopes, of one command.
const BOXES_MAX: u64 = 65_536;
/// Commands remembered or under way. The oldest that has ended goes when there is no room; while all are under way, a
/// further one fails. The reference has no bound.
const COMMANDS_MAX: usize = 1_024;

/// Names a command: the hash of its write capability.
pub(crate) type CommandHash = [u8; 32];

/// The commands of one courier.
#[derive(Clone, Debug, Default)]
pub(crate) struct Copying {
    commands: BTreeMap<CommandHash, Command>,
}

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few")]
enum Command {
    Ended { at: Instant, reply: CopyReply },
    Running(Worker),
}

/// What came of a step.
pub(crate) enum Step {
    /// The command has ended; what is to be replicated.
    Ended(Vec<Push>),
    /// Go on after this time; what is to be replicated meanwhile.
    Next(Duration, Vec<Push>),
}

/// What a courier says to a command.
pub(crate) struct Answer {
    pub(crate) reply: CopyReply,
    /// Whether the command begins now, so that its steps have to be taken.
    pub(crate) begins: bool,
}

const IN_PROGRESS: CopyReply =
    CopyReply { status: CopyReply::IN_PROGRESS, replica_code: 0, failed_envelope_index: 0 };
/// A command that can't even begin.
pub(super) const FAILED: CopyReply =
    CopyReply { status: CopyReply::FAILED, replica_code: 0, failed_envelope_index: 0 };

impl Copying {
    /// Begins a command, or tells how far it is.
    pub(crate) fn command(
        &mut self,
        now: Instant,
        hash: CommandHash,
        write_cap: &[u8],
        geometry: Geometry,
    ) -> Answer {
        match self.commands.get(&hash) {
            Some(Command::Running(_)) => return Answer { reply: IN_PROGRESS, begins: false },
            Some(Command::Ended { at, reply }) if now.saturating_since(*at) < REMEMBERED => {
                return Answer { reply: *reply, begins: false };
            }
            Some(Command::Ended { .. }) | None => {}
        }
        let cap = bacap::WriteCap::from_bytes(write_cap).ok().filter(|_| self.make_room());
        let Some(cap) = cap else { return Answer { reply: FAILED, begins: false } };
        self.commands.insert(hash, Command::Running(Worker::new(cap, geometry)));
        Answer { reply: IN_PROGRESS, begins: true }
    }

    /// Takes the next step of a command.
    pub(crate) fn step(
        &mut self,
        env: &Env<'_>,
        hash: CommandHash,
        epoch: u64,
        replicas: &mut Replicas,
        entropy: &mut impl Entropy,
    ) -> Step {
        let Some(Command::Running(worker)) = self.commands.get_mut(&hash) else {
            return Step::Ended(Vec::new());
        };
        match worker.step(epoch, env.quirks(), replicas, entropy) {
            Ok((pauses, pushes)) => Step::Next(env.timing().copy_pause * pauses, pushes),
            Err(reply) => {
                let cleans = env.quirks().copies_tombstone && reply.status == CopyReply::SUCCEEDED;
                let pushes = if cleans { worker.tombstone(epoch, replicas) } else { Vec::new() };
                self.commands.insert(hash, Command::Ended { at: env.now, reply });
                Step::Ended(pushes)
            }
        }
    }

    /// Tells whether there is room for one more.
    fn make_room(&mut self) -> bool {
        let ended = self.commands.iter().filter_map(|(hash, command)| match command {
            Command::Ended { at, .. } => Some((*at, *hash)),
            Command::Running(_) => None,
        });
        if self.commands.len() >= COMMANDS_MAX
            && let Some((_, oldest)) = ended.min()
        {
            self.commands.remove(&oldest);
        }
        self.commands.len() < COMMANDS_MAX
    }
}

#[cfg(feature = "testing")]
impl Copying {
    pub(crate) fn tell(&self, to: &mut kpthin_core::testing::Fingerprint) {
        to.unordered(&self.commands, |to, (hash, command)| {
            to.name(hash);
            match command {
                Command::Ended { at, reply } => {
                    to.time(*at);
                    to.tag(&format!("{reply:?}"));
                }
                Command::Running(worker) => {
                    for number in [worker.boxes, worker.done, u64::from(worker.attempt)] {
                        to.number(number);
                    }
                    to.number(worker.shard);
                    to.number(worker.code.0);
                    to.number(u8::from(worker.unanswered.is_some()));
                }
            }
        });
    }
}

/// Walks over the boxes of one temporary stream.
#[derive(Clone, Debug)]
struct Worker {
    write_cap: bacap::WriteCap,
    cap: bacap::ReadCap,
    index: bacap::MessageBoxIndex,
    decoder: CopyDecoder,
    boxes: u64,
    /// Envelopes carried out.
    done: u64,
    /// An envelope that nobody has answered yet.
    unanswered: Option<CourierEnvelope>,
    /// Which of the box's shards is asked, and how often that, or the replicas of an envelope, were.
    shard: usize,
    attempt: u32,
    /// Why the last replica had nothing.
    code: ReplicaCode,
}

impl Worker {
    fn new(write_cap: bacap::WriteCap, geometry: Geometry) -> Self {
        let cap = write_cap.read_cap();
        Self {
            index: cap.index().clone(),
            write_cap,
            cap,
            decoder: CopyDecoder::new(geometry),
            boxes: 0,
            done: 0,
            unanswered: None,
            shard: 0,
            attempt: 0,
            code: ReplicaCode::SUCCESS,
        }
    }

    /// Writes a tombstone over every box that was read, as newer couriers do.
    fn tombstone(&self, epoch: u64, replicas: &mut Replicas) -> Vec<Push> {
        let (mut index, mut pushes) = (Some(self.cap.index().clone()), Vec::new());
        for _ in 0..self.boxes {
            let Some(at) = index else { break };
            let sealed = self.write_cap.tombstone(&at, Context::PIGEONHOLE);
            pushes.extend(replicas.store_at_shard(epoch, sealed));
            index = at.next().ok();
        }
        pushes
    }

    const fn failed(&self, code: ReplicaCode) -> CopyReply {
        let failed_envelope_index = self.done.saturating_add(1);
        CopyReply { status: CopyReply::FAILED, replica_code: code.0, failed_envelope_index }
    }

    /// Carries out one envelope, or reads one box; tells how many pauses to make, or how it ended.
    fn step(
        &mut self,
        epoch: u64,
        quirks: &Quirks,
        replicas: &mut Replicas,
        entropy: &mut impl Entropy,
    ) -> Result<(u32, Vec<Push>), CopyReply> {
        let garbage = |worker: &Self| worker.failed(ReplicaCode::SUCCESS);
        let envelope = match self.unanswered.take() {
            Some(envelope) => Some(envelope),
            None => self.decoder.next_envelope().map_err(|_| garbage(self))?,
        };
        if let Some(envelope) = envelope {
            return self.carry_out(envelope, epoch, quirks, replicas, entropy);
        }
        if self.decoder.is_final() {
            // What is left over is not looked at.
            let status = CopyReply::SUCCEEDED;
            return Err(CopyReply { status, replica_code: 0, failed_envelope_index: 0 });
        }
        if self.boxes >= BOXES_MAX {
            return Err(garbage(self));
        }
        let box_id = self.cap.box_id(&self.index, Context::PIGEONHOLE);
        let shards = sharding::shards(replicas.identity_keys(), box_id);
        let Some(number) = shards.get(self.shard) else { return Err(self.failed(self.code)) };
        let answer = replicas.ask(*number, epoch, box_id);
        self.code = match answer {
            Some(ReplyInnerMessage::Read(ReplicaCode::SUCCESS, sealed)) => {
                let content = boxes::open(&self.cap, &self.index, ReplicaCode::SUCCESS, &sealed);
                match content {
                    Ok(BoxContent::Message(content)) => {
                        self.decoder.push_box(&content).map_err(|_| garbage(self))?;
                        self.index = self.index.next().map_err(|_| garbage(self))?;
                        (self.shard, self.attempt) = (0, 0);
                        self.boxes = self.boxes.saturating_add(1);
                        return Ok((0, Vec::new()));
                    }
                    Ok(BoxContent::Tombstone) => ReplicaCode::TOMBSTONE,
                    Err(_) => return Err(garbage(self)),
                }
            }
            Some(reply) => reply.code(),
            None => ReplicaCode::INTERNAL_ERROR,
        };
        self.attempt = self.attempt.saturating_add(1);
        if is_temporary(self.code) && self.attempt < ATTEMPTS {
            return Ok((self.pauses(), Vec::new()));
        }
        (self.shard, self.attempt) = (self.shard.saturating_add(1), 0);
        Ok((0, Vec::new()))
    }

    /// Hands an envelope to both of its replicas; one success is enough, and while none answers it tries again.
    fn carry_out(
        &mut self,
        envelope: CourierEnvelope,
        epoch: u64,
        quirks: &Quirks,
        replicas: &mut Replicas,
        entropy: &mut impl Entropy,
    ) -> Result<(u32, Vec<Push>), CopyReply> {
        if self.done >= BOXES_MAX {
            return Err(self.failed(ReplicaCode::SUCCESS));
        }
        let (mut pushes, mut codes) = (Vec::new(), Vec::new());
        for number in envelope.replicas {
            if replicas.answers(number) {
                let (reply, push) =
                    replicas.handle_envelope(number, &envelope, epoch, quirks.read_repair, entropy);
                codes.push(reply.code);
                pushes.extend(push);
            }
        }
        if codes.contains(&ReplicaCode::SUCCESS) {
            (self.done, self.attempt) = (self.done.saturating_add(1), 0);
            return Ok((0, pushes));
        }
        self.attempt = self.attempt.saturating_add(1);
        let passes = quirks.copy_retries && codes.iter().all(|code| is_temporary(*code));
        if (codes.is_empty() || passes) && self.attempt < ATTEMPTS {
            self.code = codes.last().copied().unwrap_or(self.code);
            self.unanswered = Some(envelope);
            return Ok((self.pauses(), pushes));
        }
        if quirks.copy_retries && codes.is_empty() {
            return Err(self.failed(self.code));
        }
        let exists = codes.iter().find(|code| **code == ReplicaCode::BOX_ALREADY_EXISTS);
        let code = exists.or_else(|| codes.first()).copied().unwrap_or(ReplicaCode::SUCCESS);
        // Without any verdict it is 0.
        Err(self.failed(code))
    }

    /// How many of its first pauses a courier makes before the next attempt.
    fn pauses(&self) -> u32 {
        2_u32.saturating_pow(self.attempt.saturating_sub(1)).min(PAUSE_FACTOR_MAX)
    }
}

/// Whether asking the same replica again may help.
const fn is_temporary(code: ReplicaCode) -> bool {
    matches!(code.0, 1 | 4 | 6 | 7 | 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_commands_are_under_way_and_a_further_one_fails() {
        let write_cap = bacap::WriteCap::from_seed(&[1; 32]).to_bytes();
        let mut copying = Copying::default();
        let mut command = |number: usize| {
            let mut hash = [0; 32];
            hash.iter_mut().zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
            let answer = copying.command(Instant::ORIGIN, hash, &write_cap, Geometry::new(2_000).unwrap());
            (answer.reply.status, answer.begins)
        };
        assert!((0..COMMANDS_MAX).all(|number| command(number) == (CopyReply::IN_PROGRESS, true)));
        assert_eq!(command(COMMANDS_MAX), (CopyReply::FAILED, false));
        assert_eq!(command(0), (CopyReply::IN_PROGRESS, false), "the others go on");
    }
}
