//! Which connection acts for which session (§3.3, §3.6-3.8).

use kpthin_core::wire::{AnyResponse, AppId, SessionTokenReply};

use super::connections::EndReason;
use super::{ConnId, Devnet, lend};

impl Devnet {
    /// Opens or resumes a session.
    ///
    /// The replies it missed come behind the answer, in the reference before it (§3.2, Q-12).
    pub(super) fn present_token(&mut self, conn: ConnId, token: [u8; 16]) {
        let Some(own) = self.connections.app(conn) else { return };
        let Some(app) = self.sessions.find(&token) else {
            self.sessions.name(own, token);
            return self.answer_token(conn, own, false);
        };
        if app != own {
            self.move_to_session(conn, own, app);
        }
        let resumed = self.sessions.resume(lend!(self), app, conn);
        // Nobody acts for a session that another one took over.
        if let Some(older) = resumed.older
            && !self.config.quirks.silencing_takeover
        {
            self.drop_connection(older, EndReason::TakenOver);
        }
        let first = self.config.quirks.replies_before_token;
        if !first {
            self.send_token_reply(conn, app, true);
        }
        for reply in resumed.missed {
            self.connections.send(lend!(self), conn, &reply);
        }
        if first {
            self.send_token_reply(conn, app, true);
        }
        self.connections.open_gate(lend!(self), conn);
    }

    fn answer_token(&mut self, conn: ConnId, app: AppId, resumed: bool) {
        self.send_token_reply(conn, app, resumed);
        self.connections.open_gate(lend!(self), conn);
    }

    fn send_token_reply(&mut self, conn: ConnId, app_id: AppId, resumed: bool) {
        let reply = AnyResponse::SessionToken(SessionTokenReply { app_id, resumed });
        self.connections.send(lend!(self), conn, &reply);
    }

    /// Gives up a connection's own session for another one.
    ///
    /// What was asked before the token goes with it, or is lost with the queue, and so is what the reader has already
    /// taken for the old session.
    fn move_to_session(&mut self, conn: ConnId, own: AppId, app: AppId) {
        self.connections.set_app(lend!(self), conn, app);
        let keeps = !self.config.quirks.lost_queue;
        if keeps && !self.connections.is_shared(own) && self.sessions.is_nameless(own) {
            self.sessions.hand_over(own, app);
            self.operations.hand_over(own, app);
            self.network.hand_over_messages(own, app);
        }
        self.deregister(own, conn);
    }

    /// Takes note that a connection does not act for a session any more, without a farewell.
    pub(super) fn deregister(&mut self, app: AppId, conn: ConnId) {
        let stops = !self.process.is_running();
        if let Some(forgotten) = self.sessions.deregister(lend!(self), app, conn, stops) {
            self.forget_session(forgotten);
        }
    }

    /// Ends a session at the client's wish: nothing of it stays (§3.5).
    pub(super) fn close_session(&mut self, conn: ConnId) {
        let Some(app) = self.connections.app(conn) else { return };
        if self.sessions.is_registered(app, conn) || self.config.quirks.silencing_takeover {
            self.forget_session(app);
        }
        self.connections.leave(conn, EndReason::Closed);
    }

    /// Forgets a session with its operations; a connection that acts for it is silenced.
    pub(super) fn forget_session(&mut self, app: AppId) {
        self.sessions.forget(app);
        self.operations.forget(app);
        self.connections.unblock_all(app);
    }
}
