//! How far the link has come, and what holds in each phase.

use super::super::{HandshakeStep, LinkError, LinkId, LinkStatus};
use super::budget::Budget;
use crate::{Instant, frame::FrameBuffer};

/// The link.
///
/// ```text
///            Connect            connected        status, document        token reply
///   Down ───────────> Connecting ───────> Greeting ───────> Presenting ───────> Up
///    ^                    │ failed            │                  │              │
///    └────────────────────┴───────────────────┴──────────────────┴── ended <── Ending
///
///   close: from Up by way of Closing, from everywhere else at once ──> Closed
/// ```
#[derive(Clone, Debug)]
pub(super) enum Phase {
    Closed,
    Down { retry_at: Instant },
    On(Connection),
}

/// What lives as long as one connection attempt and the link that it becomes.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) id: LinkId,
    pub(super) stage: ConnectionStage,
    /// The traffic without progress that it may still bring.
    pub(super) budget: Budget,
    pub(super) frames: FrameBuffer,
    /// Whether a byte has come.
    pub(super) heard: bool,
    /// Whether the daemon said that it stops.
    pub(super) shuts_down: bool,
}

/// How far a connection has come.
#[derive(Clone, Debug)]
pub(super) enum ConnectionStage {
    Closing(Close),
    Connecting,
    /// This side ends the link, and waits for its driver to say that it is gone.
    Ending {
        cause: LinkError,
        reading: Reading,
        presented: Token,
    },
    Greeting {
        step: HandshakeStep,
        since: Instant,
    },
    Presenting {
        token: Token,
        since: Instant,
    },
    Up {
        since: Instant,
    },
}

/// Whether the session token was written on this link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Unsent,
    Sent,
}

/// Whether the close can still be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// It will be, unless the daemon takes nothing until then.
    Due { at_latest: Instant },
    /// It was, or must not be; the link is being cut.
    Over,
}

/// Whether what still arrives on a link that is being ended can be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Reading {
    GoesOn,
    Stopped,
}

impl Phase {
    pub(super) const fn connection(&self) -> Option<&Connection> {
        if let Self::On(connection) = self { Some(connection) } else { None }
    }

    pub(super) const fn connection_mut(&mut self) -> Option<&mut Connection> {
        if let Self::On(connection) = self { Some(connection) } else { None }
    }

    pub(super) const fn status(&self) -> LinkStatus {
        match self {
            Self::Closed => LinkStatus::Closed,
            Self::Down { .. } => LinkStatus::Down,
            Self::On(Connection { stage, .. }) => match stage {
                ConnectionStage::Closing(_) => LinkStatus::Closed,
                ConnectionStage::Connecting => LinkStatus::Connecting,
                ConnectionStage::Ending { .. } => LinkStatus::Down,
                ConnectionStage::Greeting { .. } | ConnectionStage::Presenting { .. } => {
                    LinkStatus::Handshake
                }
                ConnectionStage::Up { .. } => LinkStatus::Up,
            },
        }
    }
}

impl ConnectionStage {
    /// Whether frames are still worth reading.
    pub(super) const fn reads(&self) -> bool {
        match self {
            Self::Ending { reading, .. } => matches!(reading, Reading::GoesOn),
            Self::Greeting { .. } | Self::Presenting { .. } | Self::Up { .. } => true,
            Self::Closing(_) | Self::Connecting => false,
        }
    }

    /// How far the handshake has come, and when its present wait began.
    pub(super) const fn handshake(&self) -> Option<(HandshakeStep, Instant)> {
        match self {
            Self::Greeting { step, since } => Some((*step, *since)),
            Self::Presenting { since, .. } => Some((HandshakeStep::Session, *since)),
            Self::Closing(_) | Self::Connecting | Self::Ending { .. } | Self::Up { .. } => None,
        }
    }

    /// Whether the session token was written on this link.
    pub(super) const fn presented(&self) -> Token {
        match self {
            Self::Presenting { token, .. } => *token,
            Self::Ending { presented, .. } => *presented,
            Self::Closing(_) | Self::Up { .. } => Token::Sent,
            Self::Connecting | Self::Greeting { .. } => Token::Unsent,
        }
    }
}
