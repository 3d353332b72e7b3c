//! How a link ends: by itself, from this side, or for good.

use core::time::Duration;

use super::{
    super::{
        DisconnectCause, DisconnectMode, Event, LinkError, LinkId, Output, Role,
        between::Residue,
        context::Context,
        waits::{BACKOFF, BACKOFF_AFTER_DAEMON, CLOSE, COMPANION_AWAY},
    },
    Link, Reading,
    phase::{Close, ConnectionStage, Phase, Token},
};

/// Why there is no link any more, and how long to wait before the next attempt, before jitter.
#[derive(Debug)]
pub(in super::super) struct LinkEnd {
    pub(super) why: LinkError,
    pub(super) pause: Duration,
    /// Whether the daemon ended a link that was up, without having said that it stops.
    pub(in super::super) unprompted: bool,
}

/// What the end of a connection means.
#[derive(Debug)]
pub(in super::super) enum Ended {
    /// The machine is closed with it.
    Closed,
    /// Another attempt follows, once what belonged to the link is settled.
    Lost(LinkEnd),
}

impl Link {
    /// A link is gone; `None` if it was not the present one.
    pub(in super::super) fn ended(&mut self, id: LinkId, cause: DisconnectCause) -> Option<Ended> {
        let connection = self.phase.connection().filter(|connection| connection.id == id)?;
        let stage = connection.stage.clone();
        let (heard, shuts_down, noticed) = (connection.heard, connection.shuts_down, cause.daemon_noticed());
        if stage.presented() == Token::Sent {
            let silent = matches!(stage, ConnectionStage::Ending { cause: LinkError::Silent, .. });
            self.session.link_ended(noticed && !silent);
        }
        let unprompted = matches!(stage, ConnectionStage::Up { .. }) && noticed && !shuts_down;
        let pause = if noticed && heard { BACKOFF_AFTER_DAEMON } else { BACKOFF };
        let handshake = stage.handshake();
        let (why, pause) = match stage {
            ConnectionStage::Closing(_) => return Some(Ended::Closed),
            ConnectionStage::Ending { cause, .. } => (cause, BACKOFF),
            ConnectionStage::Connecting
            | ConnectionStage::Greeting { .. }
            | ConnectionStage::Presenting { .. }
            | ConnectionStage::Up { .. } => {
                let why = match handshake {
                    _ if shuts_down => LinkError::Shutdown,
                    // One connection too many is closed without a frame (C1).
                    Some(_) if !heard && cause == DisconnectCause::EndOfFile => LinkError::Busy,
                    Some((step, _)) => LinkError::Handshake { step, cause },
                    None => LinkError::Ended(cause),
                };
                (why, pause)
            }
        };
        Some(Ended::Lost(LinkEnd { why, pause, unprompted }))
    }

    /// There is no link any more: waits before the next attempt.
    pub(in super::super) fn rest(&mut self, cx: &mut Context, end: LinkEnd, residue: Residue) {
        self.session.settle(residue, &self.seed);
        self.pause(cx, end);
    }

    /// Waits before the next attempt to connect.
    pub(super) fn pause(&mut self, cx: &mut Context, end: LinkEnd) {
        self.note_health(cx);
        let retry_in = match (&end.why, self.role) {
            (LinkError::Busy, Role::Companion) => self.backoff.stay_away(COMPANION_AWAY, &self.seed),
            _ => self.backoff.pause(end.pause, &self.seed),
        };
        self.down = Some(end.why.clone());
        self.phase = Phase::Down { retry_at: cx.now() + retry_in };
        cx.event(Event::LinkDown { cause: end.why, retry_in: Some(retry_in) });
    }

    /// Ends the link from this side, and lets it drain.
    pub(in super::super) fn end(&mut self, cx: &mut Context, cause: LinkError, reading: Reading) {
        self.note_health(cx);
        if let Some(connection) = self.phase.connection_mut() {
            cx.push(Output::Disconnect(connection.id, DisconnectMode::Drain));
            let presented = connection.stage.presented();
            self.down = Some(cause.clone());
            connection.stage = ConnectionStage::Ending { cause, reading, presented };
        }
    }

    /// Leaves a daemon that is busy to another link, for as long as a companion's does that is turned away.
    pub(in super::super) fn give_way(&mut self, cx: &mut Context) {
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Down { retry_at } => {
                let away = self.backoff.stay_away(COMPANION_AWAY, &self.seed);
                *retry_at = (*retry_at).max(cx.now() + away);
                self.down = Some(LinkError::Busy);
            }
            Phase::On(connection) => match connection.stage {
                ConnectionStage::Closing(_) | ConnectionStage::Ending { .. } => {}
                ConnectionStage::Connecting
                | ConnectionStage::Greeting { .. }
                | ConnectionStage::Presenting { .. }
                | ConnectionStage::Up { .. } => self.end(cx, LinkError::Busy, Reading::GoesOn),
            },
        }
    }

    /// Stops reading a link that is being ended already; `false` if it is not.
    pub(in super::super) fn stop_reading(&mut self) -> bool {
        match self.phase.connection_mut().map(|connection| &mut connection.stage) {
            Some(ConnectionStage::Ending { reading, .. }) => {
                *reading = Reading::Stopped;
                true
            }
            Some(_) | None => false,
        }
    }

    /// Tells how long the link was up.
    fn note_health(&mut self, cx: &Context) {
        if let Some(ConnectionStage::Up { since }) =
            self.phase.connection().map(|connection| &connection.stage)
        {
            self.backoff.lasted(cx.now().saturating_since(*since));
        }
    }

    /// Ends the link for good; returns whether there was none that has to end first.
    pub(in super::super) fn close(&mut self, cx: &mut Context) -> bool {
        let Some(connection) = self.phase.connection_mut() else { return true };
        match connection.stage {
            ConnectionStage::Closing(_) => false,
            ConnectionStage::Connecting => {
                cx.push(Output::Disconnect(connection.id, DisconnectMode::Now));
                true
            }
            ConnectionStage::Up { .. } => {
                connection.stage = ConnectionStage::Closing(Close::Due { at_latest: cx.now() + CLOSE });
                false
            }
            // Behind a token that is not answered the close would go to the wrong session.
            ConnectionStage::Ending { .. }
            | ConnectionStage::Greeting { .. }
            | ConnectionStage::Presenting { .. } => {
                self.cut(cx);
                false
            }
        }
    }

    /// There will be no link any more.
    pub(in super::super) fn closed(&mut self, cx: &mut Context) {
        self.phase = Phase::Closed;
        self.down = Some(LinkError::Closed);
        cx.event(Event::LinkDown { cause: LinkError::Closed, retry_in: None });
    }
}
