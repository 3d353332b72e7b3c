//! The handshake: status, document, then the session token and its answer (§3.2).

use alloc::string::String;

use super::{
    super::{HandshakeStep, LinkError, LinkId, between::LinkUp, context::Context},
    Link, Reading,
    phase::{ConnectionStage, Token},
    session::Opened,
};
use crate::wire::{EventKind, InstanceToken, SessionTokenReply};

impl Link {
    /// The dial has succeeded.
    pub(in super::super) fn connected(&mut self, cx: &Context, id: LinkId) {
        if let Some(connection) = self.phase.connection_mut()
            && connection.id == id
            && matches!(connection.stage, ConnectionStage::Connecting)
        {
            connection.stage = ConnectionStage::Greeting { step: HandshakeStep::Status, since: cx.now() };
        }
    }

    /// What the handshake waits for, if it goes on.
    pub(in super::super) fn awaits(&self) -> Option<HandshakeStep> {
        self.phase.connection()?.stage.handshake().map(|(step, _)| step)
    }

    /// The step of the handshake that waits for an event of this kind, if it is the present one.
    pub(in super::super) fn awaits_event(&self, kind: EventKind) -> Option<HandshakeStep> {
        self.awaits().filter(|step| {
            let awaited = match step {
                HandshakeStep::Status => EventKind::ConnectionStatus,
                HandshakeStep::Document => EventKind::NewPkiDocument,
                HandshakeStep::Session => EventKind::SessionToken,
            };
            kind == awaited
        })
    }

    /// The daemon has said how it stands.
    pub(in super::super) fn status_came(&mut self, cx: &Context) {
        let next = ConnectionStage::Greeting { step: HandshakeStep::Document, since: cx.now() };
        self.go_on(HandshakeStep::Status, next);
    }

    /// The daemon has said which document it has, if any; returns whether that was waited for.
    pub(in super::super) fn document_came(&mut self, cx: &Context) -> bool {
        self.go_on(
            HandshakeStep::Document,
            ConnectionStage::Presenting { token: Token::Unsent, since: cx.now() },
        )
    }

    fn go_on(&mut self, from: HandshakeStep, to: ConnectionStage) -> bool {
        let awaited = self.awaits() == Some(from);
        if let Some(connection) = self.phase.connection_mut().filter(|_| awaited) {
            connection.stage = to;
        }
        awaited
    }

    /// The daemon has answered the session token, if it was written; the link is up.
    pub(in super::super) fn session_answered(
        &mut self,
        cx: &Context,
        instance: InstanceToken,
        reply: &SessionTokenReply,
    ) -> Option<LinkUp> {
        let connection = self.phase.connection_mut()?;
        let ConnectionStage::Presenting { token: Token::Sent, .. } = connection.stage else { return None };
        connection.stage = ConnectionStage::Up { since: cx.now() };
        let id = connection.id;
        self.down = None;
        let opened = self.session.opened(instance, reply.resumed);
        let Opened { again, same_daemon, fate, is_doubtful } = opened;
        Some(LinkUp { id, fate, again, same_daemon, is_doubtful })
    }

    /// Ends a link whose handshake can't go on.
    pub(in super::super) fn refuse(&mut self, cx: &mut Context, step: HandshakeStep, problem: String) {
        self.end(cx, LinkError::HandshakeRefused { step, problem }, Reading::Stopped);
    }
}
