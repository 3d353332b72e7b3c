//! Sessions: what belongs to a client across its connections (§3.3, §3.6-3.8).

use std::collections::{BTreeMap, VecDeque};

use kpthin_core::wire::{AnyResponse, AppId, PresentSessionToken, SessionTokenReply};

use super::event::Event;
use super::operation::OpId;
use super::queue::Queued;
use super::schedule::Ticket;
use super::{ConnId, Devnet, Process};
use crate::pigeonhole::Entropy;

/// Replies kept for a session that is away (§3.6).
const REPLIES_MAX: usize = 1_000;
/// Sessions that are away; at the bound the one that would expire first ends. The reference has none.
const AWAY_MAX: usize = 1_024;
/// Tokens that lead to one session; the reference never forgets one.
const TOKENS_MAX: usize = 16;
/// Retransmissions that are already in a connection's own queue when it ends, and lost with it (§3.7).
const RESENDS_LOST: usize = 8;

/// Who hears of a session's replies.
#[derive(Debug)]
enum Link {
    /// Nobody, until the token is presented again or the grace period is over.
    Away { expires: Ticket, replies: VecDeque<AnyResponse> },
    /// This connection; others may act for the session as well (§3.8).
    On(ConnId),
}

#[derive(Debug)]
pub(super) struct Session {
    link: Link,
    tokens: Vec<[u8; 16]>,
    /// Mixnet requests that wait to be released.
    pub(super) queue: VecDeque<Queued>,
    /// Operations to be sent again, before the queue.
    pub(super) resends: VecDeque<OpId>,
    /// Operations that are not finished.
    pub(super) operations: usize,
    /// Messages whose reply is under way.
    pub(super) echoes: usize,
}

impl Session {
    pub(super) const fn new(conn: ConnId) -> Self {
        Self {
            link: Link::On(conn),
            tokens: Vec::new(),
            queue: VecDeque::new(),
            resends: VecDeque::new(),
            operations: 0,
            echoes: 0,
        }
    }

    pub(super) fn is_on(&self, conn: ConnId) -> bool {
        matches!(self.link, Link::On(on) if on == conn)
    }

    pub(super) const fn is_away(&self) -> bool {
        matches!(self.link, Link::Away { .. })
    }
}

impl Devnet {
    pub(super) fn draw_app_id(&mut self) -> AppId {
        AppId::from(self.entropy.draw::<16>())
    }

    /// Opens or resumes a session.
    ///
    /// The replies it missed come behind the answer, in the reference before it (§3.2, Q-12).
    pub(super) fn present_token(&mut self, id: ConnId, request: &PresentSessionToken) {
        let token = request.client_instance_token.to_bytes();
        let Some(own) = self.conns.get(&id).map(|conn| conn.app) else { return };
        let Some(app) = self.tokens.get(&token).copied() else {
            if let Some(session) = self.sessions.get_mut(&own)
                && session.tokens.len() < TOKENS_MAX
            {
                session.tokens.push(token);
                let _ = self.tokens.insert(token, own);
            }
            return self.answer_token(id, own, false);
        };
        if app != own {
            self.move_to_session(id, own, app);
        }
        let Some(session) = self.sessions.get_mut(&app) else { return };
        let mut missed = VecDeque::new();
        match std::mem::replace(&mut session.link, Link::On(id)) {
            Link::Away { expires, replies } => {
                drop(self.schedule.remove(expires));
                missed = replies;
            }
            // Deregisters only what it closes, and lets nobody act for a session that another one took over.
            Link::On(older) if older != id && !self.is_reference() => self.drop_connection(older),
            Link::On(_) => {}
        }
        if !self.is_reference() {
            self.answer_token(id, app, true);
        }
        for reply in missed {
            self.send(id, &reply);
        }
        if self.is_reference() {
            self.answer_token(id, app, true);
        }
    }

    fn answer_token(&mut self, id: ConnId, app_id: AppId, resumed: bool) {
        self.send(id, &AnyResponse::SessionToken(SessionTokenReply { app_id, resumed }));
        self.open_gate(id);
    }

    /// Gives up a connection's own session for another one.
    ///
    /// What was asked before the token goes with it in the instant daemon; in the reference it is lost, and so is what
    /// the reader has already taken for the old session.
    fn move_to_session(&mut self, id: ConnId, own: AppId, app: AppId) {
        let reference = self.is_reference();
        if let Some(conn) = self.conns.get_mut(&id) {
            conn.app = app;
            conn.stamp = (reference && conn.has_read_ahead()).then_some(own);
        }
        let shared = self.conns.values().any(|conn| conn.app == own);
        if !reference && !shared {
            self.hand_over(own, app);
        }
        self.deregister_from(id, own);
    }

    /// Gives what is under way for a session without a token, which is about to end, to another one.
    fn hand_over(&mut self, own: AppId, app: AppId) {
        let Some(left) = self.sessions.get_mut(&own).filter(|left| left.tokens.is_empty()) else { return };
        let (mut queue, resends) = (std::mem::take(&mut left.queue), std::mem::take(&mut left.resends));
        let (operations, echoes) = (std::mem::take(&mut left.operations), std::mem::take(&mut left.echoes));
        queue.iter_mut().for_each(|queued| queued.app = app);
        for operation in self.operations.values_mut().filter(|operation| operation.app == own) {
            operation.app = app;
        }
        for event in self.schedule.events_mut().chain(&mut self.held) {
            if let Event::EchoReply(owner, _) = event
                && *owner == own
            {
                *owner = app;
            }
        }
        if let Some(session) = self.sessions.get_mut(&app) {
            session.queue.extend(queue);
            session.resends.extend(resends);
            session.operations = session.operations.saturating_add(operations);
            session.echoes = session.echoes.saturating_add(echoes);
        }
    }

    /// Takes note that a connection has ended, without a farewell.
    pub(super) fn deregister(&mut self, id: ConnId) {
        if let Some(app) = self.conns.get(&id).map(|conn| conn.app) {
            self.deregister_from(id, app);
        }
    }

    /// The reference takes the session off the air whichever connection it is on (§3.8).
    fn deregister_from(&mut self, id: ConnId, app: AppId) {
        let reference = self.is_reference();
        let Some(session) = self.sessions.get_mut(&app) else { return };
        if reference {
            session.queue.retain(|queued| queued.conn != id);
        }
        if session.is_away() || !(reference || session.is_on(id)) {
            return;
        }
        if session.tokens.is_empty() || self.process == Process::ShutDown {
            return self.forget_session(app);
        }
        if reference {
            let lost = session.resends.len().min(RESENDS_LOST);
            drop(session.resends.drain(..lost));
        }
        let expires = self.schedule.add(self.now + self.config.grace_period, Event::Grace(app));
        session.link = Link::Away { expires, replies: VecDeque::new() };
        self.limit_away();
    }

    fn limit_away(&mut self) {
        let away = self.sessions.iter().filter_map(|(app, session)| match session.link {
            Link::Away { expires, .. } => Some((expires, *app)),
            Link::On(_) => None,
        });
        let away: BTreeMap<_, _> = away.collect();
        if away.len() > AWAY_MAX
            && let Some((_, first)) = away.first_key_value()
        {
            self.forget_session(*first);
        }
    }

    /// Ends a session at the client's wish: nothing of it stays (§3.5).
    pub(super) fn close_session(&mut self, id: ConnId) {
        let Some(app) = self.conns.get(&id).map(|conn| conn.app) else { return };
        let own = self.sessions.get(&app).is_some_and(|session| session.is_on(id));
        if own || self.is_reference() {
            self.forget_session(app);
        }
        self.leave(id);
    }

    /// Forgets a session with its tokens and operations; a connection that acts for it is silenced.
    pub(super) fn forget_session(&mut self, app: AppId) {
        let Some(session) = self.sessions.remove(&app) else { return };
        for token in &session.tokens {
            let _ = self.tokens.remove(token);
        }
        if let Link::Away { expires, .. } = session.link {
            drop(self.schedule.remove(expires));
        }
        let owned = self.operations.iter().filter(|(_, operation)| operation.app == app);
        for op in owned.map(|(op, _)| *op).collect::<Vec<_>>() {
            drop(self.take_operation(op));
        }
        self.unblock_all(app);
    }

    pub(super) fn forget_sessions(&mut self) {
        for app in self.sessions.keys().copied().collect::<Vec<_>>() {
            self.forget_session(app);
        }
    }

    /// Forgets everything that dies with the daemon's process.
    pub(super) fn stop(&mut self) {
        for conn in self.conns.keys().copied().collect::<Vec<_>>() {
            self.drop_connection(conn);
        }
        self.forget_sessions();
        self.forget_slot();
        self.held.clear();
        self.schedule.retain(Event::outlives_daemon);
    }

    /// Sends a reply to the connection that is registered for a session.
    ///
    /// While there is none, the reference keeps only messages, the instant daemon all that ends an operation or tells
    /// what became of a message (§3.6, A.2).
    pub(super) fn deliver(&mut self, app: AppId, response: AnyResponse) {
        let keeps = match response {
            AnyResponse::MessageReply(_) => true,
            AnyResponse::MessageSent(_) => !self.is_reference(),
            AnyResponse::Reply(ref reply) => {
                !self.is_reference() && reply.kind.class() == kpthin_core::wire::Class::Operation
            }
            _ => false,
        };
        match self.sessions.get_mut(&app).map(|session| &mut session.link) {
            Some(Link::On(conn)) => {
                let conn = *conn;
                self.send(conn, &response);
            }
            Some(Link::Away { replies, .. }) if keeps && replies.len() < REPLIES_MAX => {
                replies.push_back(response);
            }
            Some(Link::Away { .. }) | None => {}
        }
    }
}
