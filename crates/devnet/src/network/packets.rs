//! The way of packets: to a courier, to the replicas, and back (§9.2, §9.3).

use std::sync::Arc;
use std::time::Duration;

use blake2::{Blake2b256, Digest};
use kpthin_core::wire::Blob;

use super::copying::{CommandHash, FAILED, Step};
use super::courier::{Courier, malformed};
use super::{Arrival, Network};
use crate::env::Env;
use crate::pigeonhole::messages::{
    CopyReply, CourierEnvelope, CourierQuery, EnvelopeReply, Message, ReplicaCode,
};
use crate::pigeonhole::replica::Push;

/// The pause before a replica that is down is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Names an operation of the daemon; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OpId(pub(crate) u64);

/// A packet of an operation on its way to a courier.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// What its reply belongs to.
    pub(crate) op: OpId,
    /// The number of the courier.
    pub(crate) courier: usize,
    pub(crate) query: Blob,
}

/// What comes back from a courier.
#[derive(Clone, Debug)]
pub(crate) enum CourierReply {
    Copy(CopyReply),
    Envelope(EnvelopeReply),
}

/// Something that is due at some time.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// A packet is at its courier.
    AtCourier(Packet),
    /// A courier's envelope is at a replica.
    AtReplica {
        courier: usize,
        slot: usize,
        envelope: Arc<CourierEnvelope>,
    },
    /// A reply is at the daemon.
    Back(Arrival),
    /// The daemon has connected to the mix network again.
    Connected,
    /// A courier takes the next step of a copy command.
    Copy {
        courier: usize,
        hash: CommandHash,
    },
    EpochEnd,
    /// A stored box is at the other replica that keeps it.
    Replicate(Push),
}

impl Network {
    pub(super) fn handle_due(&mut self, env: &mut Env<'_>, due: Due) {
        match due {
            Due::AtCourier(packet) => self.reach_courier(env, &packet),
            Due::AtReplica { courier, slot, envelope } => self.reach_replica(env, courier, slot, &envelope),
            Due::Back(arrival) => self.hand_over(env, arrival),
            Due::Connected => self.connect_at_once(env, true),
            Due::Copy { courier, hash } => self.copy_step(env, courier, hash),
            Due::EpochEnd => self.handle_epoch_end(env.now),
            Due::Replicate(push) => self.replicate(env, push),
        }
    }

    /// Sends a packet off; nobody can take it back.
    pub(crate) fn send(&mut self, env: &mut Env<'_>, packet: Packet) {
        let (lost, delay) = (env.injector.strikes(|faults| faults.loss), env.injector.delay());
        if !lost {
            let at = env.now + env.timing().round_trip / 2 + delay;
            self.schedule.add(at, Due::AtCourier(packet));
        }
    }

    fn reach_courier(&mut self, env: &mut Env<'_>, packet: &Packet) {
        let number = packet.courier;
        let silent = u8::try_from(number).is_ok_and(|number| env.quirks().silent_couriers.contains(&number));
        if silent {
            return;
        }
        let reply = match CourierQuery::decode(&packet.query) {
            Ok(CourierQuery::Envelope(envelope)) => {
                CourierReply::Envelope(self.ask_courier(env, number, envelope))
            }
            Ok(CourierQuery::Copy(write_cap)) => CourierReply::Copy(self.command(env, number, &write_cap)),
            Err(_) => CourierReply::Envelope(malformed()),
        };
        let reply = if env.injector.strikes(|faults| faults.wrong_type) { other_type(&reply) } else { reply };
        if env.injector.strikes(|faults| faults.reply_loss) {
            return;
        }
        let round_trip = env.timing().round_trip;
        let at = env.now + round_trip.saturating_sub(round_trip / 2) + env.injector.delay();
        self.schedule.add(at, Due::Back(Arrival::Reply(packet.op, Box::new(reply))));
    }

    fn ask_courier(&mut self, env: &mut Env<'_>, number: usize, envelope: CourierEnvelope) -> EnvelopeReply {
        let epoch = self.replica_epoch();
        if env.injector.strikes(|faults| faults.stale_epoch) {
            return Courier::refuse_epoch(&envelope);
        }
        let Some(courier) = self.couriers.get_mut(number) else { return malformed() };
        let answer = courier.handle_query(env.now, env.quirks(), epoch, &envelope);
        if answer.dispatch && !env.injector.strikes(|faults| faults.unstored) {
            let envelope = Arc::new(envelope);
            for slot in 0..envelope.replicas.len() {
                let due = Due::AtReplica { courier: number, slot, envelope: Arc::clone(&envelope) };
                self.schedule.add(env.now + env.timing().replica_time, due);
            }
        }
        answer.reply
    }

    fn reach_replica(&mut self, env: &mut Env<'_>, courier: usize, slot: usize, envelope: &CourierEnvelope) {
        let Some(number) = envelope.replicas.get(slot).copied() else { return };
        let epoch = self.replica_epoch();
        if !self.replicas.answers(number) {
            env.injector.count(true);
            return;
        }
        let repairs = env.quirks().read_repair;
        let (reply, push) =
            self.replicas.handle_envelope(number, envelope, epoch, repairs, &mut self.entropy);
        env.injector.count(reply.code == ReplicaCode::STORAGE_FULL);
        if let Some(courier) = self.couriers.get_mut(courier) {
            courier.handle_replica(envelope.hash(), slot, reply);
        }
        if let Some(push) = push {
            self.plan_push(env, push);
        }
    }

    fn plan_push(&mut self, env: &mut Env<'_>, push: Push) {
        let lag = env.injector.faults().replication_lag;
        env.injector.count(!lag.is_zero());
        self.schedule.add(env.now + env.timing().replica_time + lag, Due::Replicate(push));
    }

    fn replicate(&mut self, env: &mut Env<'_>, push: Push) {
        if self.replicas.can_push(&push) {
            let epoch = self.replica_epoch();
            let _ = self.replicas.handle_push(push, epoch);
            return;
        }
        env.injector.count(true);
        let later = env.timing().replica_time.max(RETRY);
        self.schedule.add(env.now + later, Due::Replicate(push));
    }

    /// Has a courier begin a copy command, or tell how far it is.
    fn command(&mut self, env: &Env<'_>, number: usize, write_cap: &[u8]) -> CopyReply {
        let hash = Blake2b256::digest(write_cap).into();
        let geometry = self.geometry;
        let Some(copying) = self.copying.get_mut(number) else { return FAILED };
        let answer = copying.command(env.now, hash, write_cap, geometry);
        if answer.begins {
            self.plan_copy(env, number, hash, Duration::ZERO);
        }
        answer.reply
    }

    /// Plans the next step of a command, which takes a replica's time.
    fn plan_copy(&mut self, env: &Env<'_>, courier: usize, hash: CommandHash, pause: Duration) {
        let at = env.now + pause + env.timing().replica_time;
        self.schedule.add(at, Due::Copy { courier, hash });
    }

    fn copy_step(&mut self, env: &mut Env<'_>, number: usize, hash: CommandHash) {
        let epoch = self.replica_epoch();
        let Some(copying) = self.copying.get_mut(number) else { return };
        let step = copying.step(env, hash, epoch, &mut self.replicas, &mut self.entropy);
        let (Step::Ended(pushes) | Step::Next(_, pushes)) = &step;
        pushes.clone().into_iter().for_each(|push| self.plan_push(env, push));
        if let Step::Next(pause, _) = step {
            self.plan_copy(env, number, hash, pause);
        }
    }
}

/// A reply of the other kind, which has nothing to do with what was asked.
fn other_type(reply: &CourierReply) -> CourierReply {
    match reply {
        CourierReply::Copy(_) => CourierReply::Envelope(malformed()),
        CourierReply::Envelope(_) => CourierReply::Copy(FAILED),
    }
}
