//! The first two frames of a connection, and the news that come behind them (§3.2, §4.2, §4.3).

use std::time::Duration;

use kpthin_core::wire::{AnyResponse, AppId, Blob, ConnectionStatus, NewPkiDocument};

use super::conn::{Conn, Phase, Wait};
use super::{ConnId, Connections, Due, EndReason};
use crate::env::Env;
use crate::frames::reordered;
use crate::schedule::Ticket;

/// How long a connection waits for the daemon's first document.
const DOCUMENT_WAIT: Duration = Duration::from_secs(30);
/// How long news wait for a token, in case the client is one that never sends it (Q-13, C4).
const TOKEN_WAIT: Duration = Duration::from_secs(5);

/// What every connection is told.
#[derive(Clone, Debug)]
pub(in super::super) struct News {
    pub(in super::super) status: ConnectionStatus,
    /// The document of the epoch, once the daemon has one.
    pub(in super::super) document: Option<Blob>,
}

impl News {
    fn status(&self) -> AnyResponse {
        AnyResponse::ConnectionStatus(self.status.clone())
    }

    fn document(&self) -> AnyResponse {
        AnyResponse::NewPkiDocument(NewPkiDocument { payload: self.document.clone() })
    }

    /// The document as it is broadcast, which may have its members in another order.
    fn broadcast_document(&self, env: &Env<'_>) -> AnyResponse {
        let reorder = |document: &Blob| match env.quirks().document_order {
            true => Blob::from(reordered(document)),
            false => document.clone(),
        };
        AnyResponse::NewPkiDocument(NewPkiDocument { payload: self.document.as_ref().map(reorder) })
    }
}

/// When a connection hears what nobody asked for.
#[derive(Clone, Debug)]
pub(super) enum Gate {
    /// When its token is answered, or at this event: the third frame of strict clients is that answer (§3.2, Q-13).
    Held { opens: Ticket, missed: Missed },
    /// Now.
    Open,
}

/// What a connection has to be told once its gate opens; only the latest of each is worth telling.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Missed {
    status: bool,
    document: bool,
}

/// What the news are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Document,
    Status,
}

impl Connections {
    /// The name that the next connection will have.
    pub(in super::super) const fn next_id(&mut self) -> ConnId {
        let id = ConnId(self.made);
        self.made = self.made.wrapping_add(1);
        id
    }

    /// Closes a connection without a frame.
    pub(in super::super) fn refuse(&mut self, id: ConnId, reason: EndReason) {
        self.closed.push_back((id, reason));
    }

    /// Accepts a connection for a session of its own.
    ///
    /// Its greeting follows at once, or when the first document is there.
    pub(in super::super) fn accept(&mut self, env: &mut Env<'_>, id: ConnId, app: AppId) {
        let mut conn = Conn::new(app);
        let silence = env.now + env.config.silence_deadline;
        conn.silence_deadline = Some(self.schedule.add(silence, Due::SilenceDeadline(id)));
        conn.phase = Phase::Greeting(Wait::InLine);
        self.table.insert(id, conn);
        if self.news.document.is_some() {
            return self.greet(env, id);
        }
        self.waiting.push_back(id);
        if !env.quirks().serial_accept {
            let ticket = self.schedule.add(env.now + DOCUMENT_WAIT, Due::Greet(id));
            if let Some(conn) = self.table.get_mut(&id) {
                conn.phase = Phase::Greeting(Wait::Until(ticket));
            }
        } else if self.waiting.len() == 1 {
            self.schedule.add(env.now + DOCUMENT_WAIT, Due::Greet(id));
        }
    }

    /// Greets a connection that has waited for a document in vain; where they are greeted one after the other, the wait
    /// of the next one begins.
    pub(super) fn greet_late(&mut self, env: &mut Env<'_>, id: ConnId) {
        if !self.waiting.contains(&id) {
            return;
        }
        self.waiting.retain(|waiting| *waiting != id);
        self.greet(env, id);
        if env.quirks().serial_accept
            && let Some(next) = self.waiting.front().copied()
        {
            self.schedule.add(env.now + DOCUMENT_WAIT, Due::Greet(next));
        }
    }

    /// Sends the first two frames and begins to read.
    fn greet(&mut self, env: &mut Env<'_>, id: ConnId) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        let Phase::Greeting(wait) = conn.phase else { return };
        if let Wait::Until(ticket) = wait {
            self.schedule.cancel(ticket);
        }
        conn.phase = Phase::Serving;
        let quirks = env.quirks();
        let held = if quirks.early_broadcasts { quirks.deaf_after_greeting } else { Some(TOKEN_WAIT) };
        if let Some(held) = held {
            let opens = self.schedule.add(env.now + held, Due::Gate(id));
            conn.gate = Gate::Held { opens, missed: Missed::default() };
        }
        let (status, document) = (self.news.status(), self.news.document());
        self.send(env, id, &status);
        self.send(env, id, &document);
        self.wake(id);
    }

    /// Tells those who hear it that the daemon's status has changed, or may have.
    pub(in super::super) fn set_status(
        &mut self,
        env: &mut Env<'_>,
        status: ConnectionStatus,
        hears: impl Fn(AppId, ConnId) -> bool,
    ) {
        self.news.status = status;
        let news = self.news.status();
        self.broadcast(env, &news, Kind::Status, hears);
    }

    /// Has a document from now on, or none; greets those who waited for one.
    pub(in super::super) fn set_document(
        &mut self,
        env: &mut Env<'_>,
        document: Option<Blob>,
        hears: impl Fn(AppId, ConnId) -> bool,
    ) {
        self.news.document = document;
        if self.news.document.is_none() {
            return;
        }
        let news = self.news.broadcast_document(env);
        self.broadcast(env, &news, Kind::Document, hears);
        for id in std::mem::take(&mut self.waiting) {
            self.greet(env, id);
        }
    }

    /// Reaches the connections that are greeted and registered (§9.9), some of them later; where news come early, those
    /// that have just been greeted never hear of them.
    fn broadcast(
        &mut self,
        env: &mut Env<'_>,
        response: &AnyResponse,
        kind: Kind,
        hears: impl Fn(AppId, ConnId) -> bool,
    ) {
        let early = env.quirks().early_broadcasts;
        let greeted = self
            .table
            .iter()
            .filter(|(id, conn)| hears(conn.app, **id) && matches!(conn.phase, Phase::Serving));
        for id in greeted.map(|(id, _)| *id).collect::<Vec<_>>() {
            match self.table.get_mut(&id).map(|conn| &mut conn.gate) {
                Some(Gate::Held { .. }) if early => {}
                Some(Gate::Held { missed, .. }) => match kind {
                    Kind::Document => missed.document = true,
                    Kind::Status => missed.status = true,
                },
                Some(Gate::Open) => self.send(env, id, response),
                None => {}
            }
        }
    }

    /// Tells a connection what it missed, and everything from now on at once.
    pub(in super::super) fn open_gate(&mut self, env: &mut Env<'_>, id: ConnId) {
        let Some(conn) = self.table.get_mut(&id) else { return };
        let Gate::Held { opens, missed } = std::mem::replace(&mut conn.gate, Gate::Open) else { return };
        self.schedule.cancel(opens);
        if missed.status {
            let status = self.news.status();
            self.send(env, id, &status);
        }
        if missed.document {
            let document = self.news.broadcast_document(env);
            self.send(env, id, &document);
        }
    }
}
