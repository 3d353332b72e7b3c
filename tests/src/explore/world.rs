//! One state: both sides and everything between them.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::Duration,
};

use kpthin_core::{
    Instant,
    machine::{CallId, LinkStatus, Machine},
    testing::Fingerprint,
    wire::QueryId,
};
use kpthin_devnet::{ConnId, Devnet};

use super::{
    Begin, Faults, Setting, Step,
    calls::{Call, Stage},
    plan::{Plan, prepare},
    wire::{Ghost, Link},
};

/// The start of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Live {
    pub(super) key: [u8; 32],
    pub(super) query: QueryId,
}

/// A machine, a daemon, the bytes between them and the calls, at one moment.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) plan: Arc<Plan>,
    pub(super) machine: Machine,
    pub(super) devnet: Devnet,
    pub(super) now: Instant,
    pub(super) link: Option<Link>,
    pub(super) ghosts: Vec<Ghost>,
    /// Nobody listens.
    pub(super) stopped: bool,
    pub(super) mixnet: bool,
    pub(super) calls: Vec<Call>,
    pub(super) left: Faults,
    /// Those that were written on this link and neither answered nor cancelled.
    pub(super) live: Vec<Live>,
    /// All starts of operations that were written, in their order.
    pub(super) started: Vec<Live>,
    /// Cancels that were written on this link.
    pub(super) cancels: Vec<(QueryId, [u8; 32])>,
    pub(super) machine_wake: Option<Instant>,
    pub(super) devnet_wake: Option<Instant>,
    /// The driver writes now.
    pub(super) writing: bool,
    pub(super) closed: bool,
    /// Cancels were not answered before their link ended; the machine remembers them.
    pub(super) old_cancels: bool,
    /// Stands for all bytes that were handed over.
    pub(super) transcript: u64,
    /// What must not be.
    pub(super) broken: Option<String>,
    /// The same, as far as it is known: a bit for each of the setting's.
    pub(super) known: u16,
}

impl World {
    /// The first state.
    #[must_use]
    pub fn new(setting: Setting) -> Self {
        let (plan, devnet, now) = prepare(setting);
        let mut world = Self {
            machine: Machine::new(setting.machine(), [41; 32], now),
            calls: vec![Call::NEW; plan.calls.len()],
            plan: Arc::new(plan),
            devnet,
            now,
            link: None,
            ghosts: Vec::new(),
            stopped: false,
            mixnet: true,
            left: Faults::default(),
            live: Vec::new(),
            started: Vec::new(),
            cancels: Vec::new(),
            machine_wake: None,
            devnet_wake: None,
            writing: false,
            closed: false,
            old_cancels: false,
            transcript: 0,
            broken: None,
            known: 0,
        };
        world.drain();
        if setting.begin == Begin::Up {
            world.run_until_up();
            // Long enough for the link to count as one that lasts.
            world.pass(Duration::from_secs(20));
        }
        world.left = setting.faults;
        world
    }

    pub(super) fn break_with(&mut self, text: String) {
        match self.plan.setting.known.iter().position(|known| text.starts_with(known)) {
            Some(known) => self.known |= 1 << known,
            None => {
                self.broken.get_or_insert(text);
            }
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.machine.status().link == LinkStatus::Up
    }

    /// The calls that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = (usize, CallId)> {
        self.calls.iter().enumerate().filter_map(|(number, call)| Some((number, call.open()?)))
    }

    /// Has the next steps leave their mark, to compare two runs.
    pub(super) fn note(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        (self.transcript, what).hash(&mut hasher);
        self.transcript = hasher.finish();
    }

    /// A number for this state, and for all that are like it.
    pub(super) fn fingerprint(&self) -> u128 {
        let mut to = self.told();
        let mut hasher = DefaultHasher::new();
        self.left.hash(&mut hasher);
        to.number(hasher.finish());
        to.finish()
    }

    /// The same, whatever may still go wrong.
    pub(super) fn told(&self) -> Fingerprint {
        let mut to = Fingerprint::new(self.now);
        to.list(&self.calls, |to, call| {
            match call.stage {
                Stage::NotStarted => to.tag("not started"),
                Stage::Open(id) => to.name(&call_name(id)),
                Stage::Ended(fate) => to.tag(&format!("{fate:?}")),
            }
            to.tag(&format!("{:?}", call.ending));
            to.number(call.written.min(2));
            to.number(call.seen.min(1));
        });
        self.machine.fingerprint(&mut to);
        to.option(self.link.as_ref(), |to, link| self.tell_link(to, link));
        to.list(&self.ghosts, |to, ghost| {
            to.name(&conn_name(ghost.conn));
            to.list(&ghost.up, |to, frame| to.frames(frame));
        });
        to.list(&self.live, |to, live| {
            to.name(&live.key);
            to.name(live.query.as_bytes());
        });
        to.list(&self.cancels, |to, (query, key)| {
            to.name(query.as_bytes());
            to.name(key);
        });
        to.tag(&format!("{} {}", self.stopped, self.mixnet));
        self.devnet.fingerprint(&mut to);
        to
    }

    fn tell_link(&self, to: &mut Fingerprint, link: &Link) {
        to.option(link.conn, |to, conn| to.name(&conn_name(conn)));
        for (part, frames) in [(&link.up_part, &link.up), (&link.down_part, &link.down)] {
            to.number(part.len());
            let rest = frames.iter().flatten();
            to.frames(&part.iter().chain(rest).copied().collect::<Vec<_>>());
        }
        to.option(link.ends, |to, (mode, until)| {
            to.tag(&format!("{mode:?}"));
            to.time(until);
        });
        let Link { eof_told, daemon_closed, unseen, cut, .. } = link;
        to.tag(&format!("{eof_told} {daemon_closed} {unseen} {cut:?}"));
    }

    /// Does one step.
    pub(super) fn after(&self, step: Step) -> Self {
        let mut next = self.clone();
        next.apply(step);
        next
    }
}

/// The names under which both machines tell theirs.
fn call_name(id: CallId) -> Vec<u8> {
    name(b"call", &id.to_string())
}

fn conn_name(id: ConnId) -> Vec<u8> {
    name(b"connection", id.to_string().trim_start_matches('#'))
}

fn name(what: &[u8], number: &str) -> Vec<u8> {
    let number: u64 = number.parse().expect("ids are shown as numbers");
    [what, &number.to_be_bytes()].concat()
}
