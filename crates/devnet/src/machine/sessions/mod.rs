//! Sessions: what belongs to a client across its connections, and whose packet leaves next (§3.3, §3.6-3.8, §9.1).
//!
//! One of the machine's rooms. It knows connections and operations by their names only.

mod ending;
#[cfg(feature = "testing")]
mod fingerprint;
mod queue;
mod resume;
mod turns;

use std::collections::{BTreeMap, VecDeque};

use kpthin_core::Instant;
use kpthin_core::wire::{AnyResponse, AppId};

use super::ConnId;
use crate::entropy::{SeededEntropy, derive};
use crate::env::Env;
use crate::network::OpId;
use crate::pigeonhole::Entropy;
use crate::schedule::{Schedule, Ticket};
pub(super) use queue::{Enqueued, Mixnet, Oddity, Queued};
use turns::Slots;
pub(super) use turns::Turn;

/// Who hears of a session's replies.
#[derive(Clone, Debug)]
enum Listener {
    /// Nobody, until the token is presented again or the grace period is over.
    Away { expires: Ticket, replies: VecDeque<AnyResponse> },
    /// This connection; others may act for the session as well (§3.8).
    On(ConnId),
}

#[derive(Clone, Debug)]
struct Session {
    link: Listener,
    tokens: Vec<[u8; 16]>,
    /// Mixnet requests that wait to be released.
    queue: VecDeque<Queued>,
    /// Operations to be sent again, before the queue.
    resends: VecDeque<OpId>,
    /// Until then the resends wait (C6).
    rearms: Option<Ticket>,
}

impl Session {
    const fn new(conn: ConnId) -> Self {
        Self {
            link: Listener::On(conn),
            tokens: Vec::new(),
            queue: VecDeque::new(),
            resends: VecDeque::new(),
            rearms: None,
        }
    }

    fn is_on(&self, conn: ConnId) -> bool {
        matches!(self.link, Listener::On(on) if on == conn)
    }

    const fn is_away(&self) -> bool {
        matches!(self.link, Listener::Away { .. })
    }
}

/// Something that is due at some time.
#[derive(Clone, Debug)]
enum Due {
    /// A session was away for too long.
    Grace(AppId),
    /// A session's retransmissions go on.
    Rearm(AppId),
}

/// What happened by itself.
#[derive(Debug)]
pub(super) enum Happened {
    /// A session was away for too long: it has to be forgotten.
    Expired(AppId),
    /// It is somebody's turn to send a packet.
    Turn(Turn),
}

/// All sessions of the daemon.
#[derive(Clone, Debug)]
pub(super) struct Sessions {
    table: BTreeMap<AppId, Session>,
    tokens: BTreeMap<[u8; 16], AppId>,
    schedule: Schedule<Due>,
    slots: Slots,
    /// Makes their names.
    ids: SeededEntropy,
}

impl Sessions {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self {
            table: BTreeMap::new(),
            tokens: BTreeMap::new(),
            schedule: Schedule::default(),
            slots: Slots::new(derive(seed, "slots")),
            ids: SeededEntropy::new(derive(seed, "sessions")),
        }
    }

    /// Forgets all of them, as a daemon that is started anew does; their names are not used again.
    pub(super) fn restart(&mut self) {
        self.table.clear();
        self.tokens.clear();
        self.schedule = Schedule::default();
        self.slots.restart();
    }

    /// A session of its own for a connection that was accepted.
    pub(super) fn open(&mut self, conn: ConnId) -> AppId {
        let app = AppId::from(self.ids.draw::<16>());
        self.table.insert(app, Session::new(conn));
        app
    }

    /// When something happens by itself.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.schedule.next_at().into_iter().chain(self.slots.next_at()).min()
    }

    /// Does one thing that is due; `may_send` says whether packets can leave now.
    pub(super) fn handle_timeout(&mut self, env: &Env<'_>, may_send: bool) -> Option<Happened> {
        match self.schedule.pop_due(env.now) {
            Some(Due::Grace(app)) => return Some(Happened::Expired(app)),
            Some(Due::Rearm(app)) => {
                if let Some(session) = self.table.get_mut(&app) {
                    session.rearms = None;
                }
                return None;
            }
            None => {}
        }
        if self.slots.take_due(env.now) && may_send { self.next_turn(env).map(Happened::Turn) } else { None }
    }

    /// Counts the sessions.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// What is in there: tokens, requests that wait with the bytes in them, and planned events.
    #[cfg(test)]
    pub(super) fn census(&self) -> [usize; 4] {
        let queued = || self.table.values().flat_map(|session| &session.queue);
        let bytes = queued().map(|queued| queued.request.len()).sum();
        [self.tokens.len(), queued().count(), bytes, self.schedule.len()]
    }

    pub(super) fn is_away(&self, app: AppId) -> bool {
        self.table.get(&app).is_none_or(Session::is_away)
    }

    /// Whether a connection is the one that hears of a session's replies.
    pub(super) fn is_registered(&self, app: AppId, conn: ConnId) -> bool {
        self.table.get(&app).is_some_and(|session| session.is_on(conn))
    }

    /// Whether a session has never been named by a token, so that it ends with its connection.
    pub(super) fn is_nameless(&self, app: AppId) -> bool {
        self.table.get(&app).is_some_and(|session| session.tokens.is_empty())
    }

    /// Puts an operation in the line of those to be sent again.
    pub(super) fn queue_resend(&mut self, app: AppId, op: OpId) {
        if let Some(session) = self.table.get_mut(&app) {
            session.resends.push_back(op);
        }
    }

    /// Takes an operation out of that line.
    pub(super) fn unqueue_resend(&mut self, app: AppId, op: OpId) {
        if let Some(session) = self.table.get_mut(&app) {
            session.resends.retain(|resend| *resend != op);
        }
    }
}
