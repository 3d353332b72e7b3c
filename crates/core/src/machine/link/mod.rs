//! The link to the daemon: dialling, the handshake, how it ends, and the session that outlives it.

mod backoff;
mod budget;
mod ending;
#[cfg(any(test, feature = "testing"))]
mod fingerprint;
mod handshake;
mod phase;
mod session;

use alloc::vec::Vec;
use core::{mem, time::Duration};

use super::{
    Config, DisconnectMode, LinkError, LinkId, LinkStatus, Output, Role, context::Context, seed::Seed,
    waits::BACKOFF,
};
use crate::{
    Instant,
    frame::FrameBuffer,
    wire::{PresentSessionToken, ThinClose, encode_short_request},
};

use self::ending::LinkEnd;
use self::{
    backoff::Backoff,
    budget::Budget,
    phase::{Close, Connection, ConnectionStage, Phase, Token},
    session::Session,
};
pub(super) use self::{ending::Ended, phase::Reading};

/// The one link of a machine, and what outlives each of its connections.
#[derive(Clone, Debug)]
pub(super) struct Link {
    phase: Phase,
    session: Session,
    backoff: Backoff,
    seed: Seed,
    role: Role,
    handshake_timeout: Duration,
    /// Why there was no link last, until there is one.
    down: Option<LinkError>,
    /// How many connection attempts there were.
    dialled: u64,
}

impl Link {
    pub(super) fn new(config: &Config, seed: Seed, now: Instant) -> Self {
        Self {
            phase: Phase::Down { retry_at: now },
            session: Session::new(&seed),
            backoff: Backoff::new(config.jitter_percent),
            seed,
            role: config.role,
            handshake_timeout: config.handshake_timeout,
            down: None,
            dialled: 0,
        }
    }

    pub(super) const fn status(&self) -> LinkStatus {
        self.phase.status()
    }

    /// Why there is no link, if there was one or an attempt at one since the last that was up.
    pub(super) const fn down(&self) -> Option<&LinkError> {
        self.down.as_ref()
    }

    fn is_at(&self, id: LinkId, stage: impl Fn(&ConnectionStage) -> bool) -> bool {
        self.phase.connection().is_some_and(|connection| connection.id == id && stage(&connection.stage))
    }

    /// Whether frames of this link are still worth reading.
    pub(super) fn reads(&self, id: LinkId) -> bool {
        self.is_at(id, ConnectionStage::reads)
    }

    pub(super) fn connect(&mut self, cx: &mut Context) {
        let id = LinkId(self.dialled);
        self.dialled += 1;
        self.phase = Phase::On(Connection {
            id,
            stage: ConnectionStage::Connecting,
            budget: Budget::new(cx.now()),
            frames: FrameBuffer::default(),
            heard: false,
            shuts_down: false,
        });
        cx.push(Output::Connect(id));
    }

    /// The dial has failed.
    pub(super) fn dial_failed(&mut self, cx: &mut Context, id: LinkId, cause: &str) {
        if self.is_at(id, |stage| matches!(stage, ConnectionStage::Connecting)) {
            self.pause(
                cx,
                LinkEnd { why: LinkError::Connect(cause.into()), pause: BACKOFF, unprompted: false },
            );
        }
    }

    /// Adds what has arrived on a link, and lends it out, so that it can be read frame by frame.
    pub(super) fn take_frames(&mut self, id: LinkId, arrived: &[u8]) -> Option<FrameBuffer> {
        let connection = self.phase.connection_mut().filter(|connection| connection.id == id)?;
        connection.heard |= !arrived.is_empty();
        if !connection.stage.reads() {
            return None;
        }
        connection.frames.push(arrived);
        Some(mem::take(&mut connection.frames))
    }

    pub(super) fn put_frames(&mut self, id: LinkId, frames: FrameBuffer) {
        if let Some(connection) = self.phase.connection_mut().filter(|connection| connection.id == id) {
            connection.frames = frames;
        }
    }

    /// Takes a frame of this length, which achieved nothing, out of what the link may bring; `false` if that was too much.
    pub(super) fn spend(&mut self, cx: &Context, len: usize) -> bool {
        self.phase.connection_mut().is_none_or(|connection| connection.budget.spend(cx.now(), len))
    }

    /// Takes note that the daemon stops; `false` if it was known.
    pub(super) fn shuts_down(&mut self) -> bool {
        self.phase.connection_mut().is_some_and(|connection| !mem::replace(&mut connection.shuts_down, true))
    }

    /// Writes what the link itself has to say; returns whether calls may be written behind it.
    pub(super) fn transmit(&mut self, cx: &mut Context, id: LinkId, out: &mut Vec<u8>) -> bool {
        let Some(connection) = self.phase.connection_mut().filter(|connection| connection.id == id) else {
            return false;
        };
        match &mut connection.stage {
            ConnectionStage::Presenting { token: token @ Token::Unsent, .. } => {
                *token = Token::Sent;
                let client_instance_token = self.session.present();
                let request = PresentSessionToken { client_instance_token }.into();
                encode_short_request(None, &request, out);
                false
            }
            ConnectionStage::Closing(Close::Due { .. }) => {
                encode_short_request(None, &ThinClose {}.into(), out);
                self.cut(cx);
                false
            }
            ConnectionStage::Up { .. } => true,
            ConnectionStage::Closing(Close::Over)
            | ConnectionStage::Connecting
            | ConnectionStage::Ending { .. }
            | ConnectionStage::Greeting { .. }
            | ConnectionStage::Presenting { .. } => false,
        }
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        let connection = match &self.phase {
            Phase::Closed => return None,
            Phase::Down { retry_at } => return Some(*retry_at),
            Phase::On(connection) => connection,
        };
        if let ConnectionStage::Closing(Close::Due { at_latest }) = &connection.stage {
            return Some(*at_latest);
        }
        connection.stage.handshake().map(|(_, since)| since + self.handshake_timeout)
    }

    pub(super) fn handle_timeout(&mut self, cx: &mut Context) {
        if self.wake_at().is_none_or(|at| cx.now() < at) {
            return;
        }
        match self.phase.connection().map(|connection| connection.stage.handshake()) {
            Some(Some((step, _))) => {
                let timeout = self.handshake_timeout;
                self.end(cx, LinkError::HandshakeTimeout { step, timeout }, Reading::Stopped);
            }
            Some(None) => self.cut(cx),
            None => self.connect(cx),
        }
    }

    /// Has the link ended: the close was written, can't be, or was not taken in time.
    fn cut(&mut self, cx: &mut Context) {
        if let Some(connection) = self.phase.connection_mut() {
            connection.stage = ConnectionStage::Closing(Close::Over);
            cx.push(Output::Disconnect(connection.id, DisconnectMode::Now));
        }
    }
}
