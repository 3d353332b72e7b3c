//! Connections: frames in order in, frames out, greetings, news and ends (§1, §3.2, §3.5).
//!
//! One of the machine's rooms. It knows nothing of sessions but their names: what a frame asks for it hands on, by
//! [`poll`](Connections::poll), and waits until that is done.

mod conn;
mod ending;
mod faults;
#[cfg(feature = "testing")]
mod fingerprint;
mod greeting;
mod limits;
mod reading;
mod reason;
mod sending;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kpthin_core::Instant;
use kpthin_core::wire::{AppId, QueryId, RequestKind};

use super::ConnId;
use super::local::Job;
use super::sessions::Queued;
use crate::env::Env;
use crate::frames::{Ids, Incoming};
use crate::schedule::Schedule;
use conn::{Conn, Phase, Work};
pub(super) use conn::{End, LocalCall};
pub(super) use greeting::News;
pub use reason::{Crash, EndReason};

/// What a connection wants done.
#[derive(Debug)]
pub(super) enum Task {
    /// The daemon's process ends.
    Crash,
    /// A frame without any request.
    Empty {
        conn: ConnId,
        app: AppId,
    },
    /// A connection has ended without a farewell.
    Ended {
        conn: ConnId,
        app: AppId,
    },
    /// A local call has taken its time.
    LocalDone(LocalCall),
    /// A request that can't be used has to be refused.
    /// A request that decodes and lacks something.
    Incomplete {
        conn: ConnId,
        app: AppId,
        kind: RequestKind,
        query_id: Option<QueryId>,
    },
    Refuse {
        app: AppId,
        kind: RequestKind,
        query_id: Option<QueryId>,
    },
    /// A request.
    Request {
        conn: ConnId,
        app: AppId,
        incoming: Box<Incoming>,
    },
}

/// Something that is due at some time.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// A frame that has begun is not complete yet.
    FrameDeadline(ConnId),
    /// A connection that presented no token is told what it missed.
    Gate(ConnId),
    /// A connection has waited long enough for a document.
    Greet(ConnId),
    /// A slow local call is done.
    LocalDone(ConnId),
    /// A connection has rested as long as a fault makes it.
    ReadOn(ConnId),
    /// A client has never said anything.
    SilenceDeadline(ConnId),
    /// A client has left its bytes unread for too long.
    WriteDeadline(ConnId),
}

/// All connections of the daemon.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    table: BTreeMap<ConnId, Conn>,
    made: u64,
    schedule: Schedule<Due>,
    /// Those that may have a frame to work off.
    ready: VecDeque<ConnId>,
    tasks: VecDeque<TaskCell>,
    /// Those that wait to be greeted, in the order they came.
    waiting: VecDeque<ConnId>,
    closed: VecDeque<(ConnId, EndReason)>,
    transmit: BTreeSet<ConnId>,
    news: News,
    ids: Ids,
}

/// A task that was found while something else was done.
#[derive(Clone, Debug)]
enum TaskCell {
    Ended { conn: ConnId, app: AppId },
    LocalDone(LocalCall),
}

impl Connections {
    pub(super) fn new(news: News) -> Self {
        Self {
            table: BTreeMap::new(),
            made: 0,
            schedule: Schedule::default(),
            ready: VecDeque::new(),
            tasks: VecDeque::new(),
            waiting: VecDeque::new(),
            closed: VecDeque::new(),
            transmit: BTreeSet::new(),
            news,
            ids: Ids::default(),
        }
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
    pub(super) fn handle_timeout(&mut self, env: &mut Env<'_>) {
        match self.schedule.pop_due(env.now) {
            Some(Due::FrameDeadline(conn)) => self.cut_for(conn, EndReason::FrameDeadline),
            Some(Due::Gate(conn)) => self.open_gate(env, conn),
            Some(Due::Greet(conn)) => self.greet_late(env, conn),
            Some(Due::LocalDone(conn)) => self.finish_local(conn),
            Some(Due::ReadOn(conn)) => self.finish_rest(conn),
            Some(Due::SilenceDeadline(conn)) => self.cut_for(conn, EndReason::NeverSpoke),
            Some(Due::WriteDeadline(conn)) => self.cut_for(conn, EndReason::Unread),
            None => {}
        }
    }

    /// The next thing to do; worth polling again after every call that takes `&mut self`.
    pub(super) fn poll(&mut self, env: &mut Env<'_>) -> Option<Task> {
        loop {
            match self.tasks.pop_front() {
                Some(TaskCell::Ended { conn, app }) => return Some(Task::Ended { conn, app }),
                Some(TaskCell::LocalDone(call)) => return Some(Task::LocalDone(call)),
                None => {}
            }
            let conn = self.ready.front().copied()?;
            if let Some(task) = self.next_task(env, conn) {
                return Some(task);
            }
        }
    }

    /// A connection that is closed, and why.
    pub(super) fn poll_closed(&mut self) -> Option<(ConnId, EndReason)> {
        self.closed.pop_front()
    }

    /// A connection that there are bytes for.
    pub(super) fn poll_ready(&mut self) -> Option<ConnId> {
        self.transmit.pop_first()
    }

    /// Counts the connections that are open.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The session that a connection acts for.
    pub(super) fn app(&self, conn: ConnId) -> Option<AppId> {
        self.table.get(&conn).map(|conn| conn.app)
    }

    /// Whether another connection acts for a session.
    pub(super) fn is_shared(&self, app: AppId) -> bool {
        self.table.values().any(|conn| conn.app == app)
    }

    /// Has a connection act for another session from now on.
    ///
    /// Where that happens, the frame behind the token was already taken for its own session.
    pub(super) fn set_app(&mut self, env: &Env<'_>, conn: ConnId, app: AppId) {
        let Some(conn) = self.table.get_mut(&conn) else { return };
        let own = std::mem::replace(&mut conn.app, app);
        conn.stamp = (env.quirks().stale_stamp && conn.has_read_ahead()).then_some(own);
    }

    /// Has a connection do nothing else until a local call is done.
    pub(super) fn work(
        &mut self,
        env: &Env<'_>,
        conn: ConnId,
        app: AppId,
        query_id: Option<QueryId>,
        job: Job,
    ) {
        let time = job.cost(env);
        let call = LocalCall { app, query_id, job };
        if time.is_zero() {
            return self.tasks.push_back(TaskCell::LocalDone(call));
        }
        let Some(busy) = self.table.get_mut(&conn) else { return };
        busy.work = Work::Local(self.schedule.add(env.now + time, Due::LocalDone(conn)), Box::new(call));
    }

    /// Has a connection do nothing else until a request of it finds a place.
    pub(super) fn block(&mut self, queued: Queued) {
        if let Some(conn) = self.table.get_mut(&queued.conn) {
            conn.work = Work::Blocked(Box::new(queued));
        }
    }

    /// Lets a connection go on whose request found no place before, and hands that out.
    pub(super) fn unblock(&mut self, id: ConnId) -> Option<Queued> {
        let conn = self.table.get_mut(&id)?;
        match std::mem::replace(&mut conn.work, Work::Idle) {
            Work::Blocked(queued) => {
                self.wake(id);
                Some(*queued)
            }
            work => {
                conn.work = work;
                None
            }
        }
    }

    /// Lets the connections go on that wait for a place in a session's queue, which is there no more.
    pub(super) fn unblock_all(&mut self, app: AppId) {
        let blocked = self.table.iter().filter(|(_, conn)| match &conn.work {
            Work::Blocked(queued) => queued.app == app,
            Work::Idle | Work::Local(..) | Work::Rest(_) => false,
        });
        for id in blocked.map(|(id, _)| *id).collect::<Vec<_>>() {
            drop(self.unblock(id));
        }
    }

    /// Has a connection looked at when its turn comes.
    fn wake(&mut self, id: ConnId) {
        if !self.ready.contains(&id) {
            self.ready.push_back(id);
        }
    }

    fn finish_local(&mut self, id: ConnId) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        if let Work::Local(_, call) = std::mem::replace(&mut conn.work, Work::Idle) {
            self.tasks.push_back(TaskCell::LocalDone(*call));
            self.wake(id);
        }
    }

    fn finish_rest(&mut self, id: ConnId) {
        if let Some(conn) = self.table.get_mut(&id)
            && matches!(conn.work, Work::Rest(_))
        {
            conn.work = Work::Idle;
            self.wake(id);
        }
    }

    /// All connections.
    pub(super) fn all(&self) -> Vec<ConnId> {
        self.table.keys().copied().collect()
    }

    /// Whether the daemon reads from a connection now.
    pub(super) fn wants_input(&self, conn: ConnId) -> bool {
        self.table.get(&conn).is_some_and(Conn::wants_input)
    }

    /// Whether a connection works frames off at present.
    fn is_idle(&self, id: ConnId) -> bool {
        let conn = self.table.get(&id);
        conn.is_some_and(|conn| matches!((&conn.phase, &conn.work), (Phase::Serving, Work::Idle)))
    }
}
