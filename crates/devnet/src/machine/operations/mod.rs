//! Operations: envelopes that are sent until they are answered, and their end (§4.7-4.10, §9.2-9.6).
//!
//! One of the machine's rooms. It knows neither connections nor queues: what it wants done outside it says by
//! [`poll`](Operations::poll).

mod arq;
mod cancel;
mod ending;
#[cfg(feature = "testing")]
mod fingerprint;
mod opening;
mod replies;
mod start;

use std::collections::{BTreeMap, VecDeque};

use kpthin_bacap::{MessageBoxIndex, ReadCap};
use kpthin_core::Instant;
use kpthin_core::wire::{
    AnyReply, AppId, Blob, EnvelopeHash, QueryId, ReplyFailure, RequestKind, SecretBytes,
};

use crate::entropy::SeededEntropy;
use crate::env::Env;
use crate::network::{Network, OpId, Packet};
use crate::pigeonhole::Entropy;
use crate::schedule::{Schedule, Ticket};
use arq::Goal;
pub(super) use start::DESCRIPTOR_LEN_MAX;
use start::RETRANSMISSION_SLACK;

/// What an operation is for.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "reads are what there are many of")]
enum Target {
    /// A temporary stream for a courier to carry out.
    Copy,
    /// A box to read; without an index nothing can be verified.
    Read { cap: ReadCap, index: Option<MessageBoxIndex>, polls: bool },
    /// A box to write.
    Write { strict: bool },
}

/// What an operation waits for.
#[derive(Clone, Debug)]
enum Wait {
    /// What a replica answered is being opened.
    Opening(Ticket),
    /// Nothing any more: only a cancel ends it (§3.7).
    Orphaned,
    /// The reply to a packet, or the time to send another one.
    Packet(Ticket),
    /// The end of a pause.
    Pause(Ticket),
    /// Its turn to be sent.
    Turn,
}

#[derive(Clone, Debug)]
struct Operation {
    app: AppId,
    query_id: QueryId,
    /// What a cancel finds it by: the envelope's hash, or that of the temporary stream's write capability.
    hash: EnvelopeHash,
    target: Target,
    ciphertext: Blob,
    descriptor: SecretBytes,
    courier: usize,
    packets: u32,
    wait: Wait,
    /// A cancel does not find it any more, because of another one with the same hash (Q-56, C8).
    hidden: bool,
    /// It was answered with the code for that while its result was being opened (§9.5).
    cancelled: bool,
}

impl Operation {
    const fn goal(&self) -> Goal {
        match self.target {
            Target::Copy => Goal::Copy,
            Target::Read { .. } => Goal::Read,
            Target::Write { strict: true } => Goal::StrictWrite,
            Target::Write { strict: false } => Goal::Write,
        }
    }

    const fn kind(&self) -> RequestKind {
        match self.target {
            Target::Copy => RequestKind::StartResendingCopyCommand,
            Target::Read { .. } | Target::Write { .. } => RequestKind::StartResendingEncryptedMessage,
        }
    }
}

/// What operations want done outside.
#[derive(Clone, Debug)]
pub(super) enum Effect {
    /// A request is answered.
    Answer { app: AppId, query_id: QueryId, kind: RequestKind, result: Box<Result<AnyReply, ReplyFailure>> },
    /// An operation has to be sent again when it is its session's turn.
    Queue(AppId, OpId),
    /// It has not any more.
    Unqueue(AppId, OpId),
}

/// Something that is due at some time.
#[derive(Clone, Debug)]
enum Due {
    /// What a replica answered is opened.
    Opened(OpId, Vec<u8>),
    /// A packet counts as lost, or a pause is over.
    Resend(OpId),
}

/// All operations of the daemon.
#[derive(Clone, Debug)]
pub(super) struct Operations {
    table: BTreeMap<OpId, Operation>,
    made: u64,
    schedule: Schedule<Due>,
    effects: VecDeque<Effect>,
    /// Chooses couriers, and how late packets count as lost.
    entropy: SeededEntropy,
}

impl Operations {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            table: BTreeMap::new(),
            made: 0,
            schedule: Schedule::default(),
            effects: VecDeque::new(),
            entropy: SeededEntropy::new(seed),
        }
    }

    /// Forgets all of them, as a daemon that is started anew does; their names are not used again.
    pub(super) fn restart(&mut self) {
        self.table.clear();
        self.schedule = Schedule::default();
        self.effects.clear();
    }

    /// What is to be done outside; worth polling again after every call that takes `&mut self`.
    pub(super) fn poll(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// Counts the planned events.
    #[cfg(test)]
    pub(super) fn planned(&self) -> usize {
        self.schedule.len()
    }

    /// When something happens by itself.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.schedule.next_at()
    }

    /// Does one thing that is due.
    pub(super) fn handle_timeout(&mut self, env: &mut Env<'_>, network: &Network) {
        match self.schedule.pop_due(env.now) {
            Some(Due::Opened(id, payload)) => self.finish_opening(env, network, id, &payload),
            Some(Due::Resend(id)) => self.queue(id),
            None => {}
        }
    }

    /// The session of an operation.
    pub(super) fn owner(&self, id: OpId) -> Option<AppId> {
        self.table.get(&id).map(|operation| operation.app)
    }

    /// Counts the operations that have not ended.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The packet of an operation whose turn it is, if it still waits for it.
    pub(super) fn packet(&mut self, env: &Env<'_>, id: OpId) -> Option<Packet> {
        let operation = self.table.get_mut(&id)?;
        if !matches!(operation.wait, Wait::Turn) {
            return None;
        }
        let mut patience = env.timing().round_trip + RETRANSMISSION_SLACK;
        if let Some(jitter) = env.quirks().retransmission_jitter {
            let share = f64::from(u32::from_le_bytes(self.entropy.draw())) / f64::from(u32::MAX);
            patience += jitter.mul_f64(share);
        }
        operation.packets = operation.packets.saturating_add(1);
        operation.wait = Wait::Packet(self.schedule.add(env.now + patience, Due::Resend(id)));
        Some(Packet { op: id, courier: operation.courier, query: operation.ciphertext.clone() })
    }

    /// Puts an operation in the line of those to be sent again.
    fn queue(&mut self, id: OpId) {
        self.stop_waiting(id, Wait::Turn);
        if let Some(operation) = self.table.get(&id) {
            self.effects.push_back(Effect::Queue(operation.app, id));
        }
    }

    /// Has an operation wait for something else than before.
    fn stop_waiting(&mut self, id: OpId, wait: Wait) {
        let Some(operation) = self.table.get_mut(&id) else { return };
        match std::mem::replace(&mut operation.wait, wait) {
            Wait::Orphaned => {}
            Wait::Opening(ticket) | Wait::Packet(ticket) | Wait::Pause(ticket) => {
                self.schedule.cancel(ticket);
            }
            Wait::Turn => self.effects.push_back(Effect::Unqueue(operation.app, id)),
        }
    }

    /// Forgets the operations of a session.
    pub(super) fn forget(&mut self, app: AppId) {
        let owned = self.table.iter().filter(|(_, operation)| operation.app == app);
        for id in owned.map(|(id, _)| *id).collect::<Vec<_>>() {
            drop(self.take(id));
        }
    }

    /// Gives the operations of a session to another one.
    pub(super) fn hand_over(&mut self, from: AppId, to: AppId) {
        for operation in self.table.values_mut().filter(|operation| operation.app == from) {
            operation.app = to;
        }
    }

    /// Removes an operation with everything that is planned for it.
    fn take(&mut self, id: OpId) -> Option<Operation> {
        self.stop_waiting(id, Wait::Orphaned);
        self.table.remove(&id)
    }
}
