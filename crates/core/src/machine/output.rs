//! What the machine hands to its driver, and what the driver tells it about links.

use alloc::{string::String, sync::Arc};
use core::{fmt, time::Duration};

use crate::{
    Instant,
    error::{CallError, CloseReason, Told},
    frame::OverlongFrame,
    wire::{AnyReply, CborError, Geometry, InstanceToken},
};

macro_rules! handles {
    ($( $(#[$doc:meta])* $name:ident; )*) => {$(
        $(#[$doc])*
        ///
        /// Handles are minted by one machine, never reused, and mean nothing to another one.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) u64);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

handles! {
    /// Names a call from its start to its completion.
    CallId;
    /// Names one connection attempt and the link it became; inputs of older links are ignored.
    LinkId;
    /// Names a timer.
    TimerId;
}

/// What the driver has to do next.
#[derive(Clone, Debug, PartialEq)]
#[must_use = "an output that is not acted on is lost"]
#[expect(clippy::large_enum_variant, reason = "moved once, from the machine to the caller")]
#[expect(clippy::exhaustive_enums, reason = "a driver has to know every output")]
pub enum Output {
    /// The machine is closed and done with: drop the links and end the driver.
    Closed(CloseReason),
    /// A call has ended, exactly once.
    Completed(CallId, Result<AnyReply, CallError>),
    /// Dial the daemon, then say `handle_connected` or `handle_connect_failed`.
    Connect(LinkId),
    /// End this link or dial, as the mode says, then say `handle_disconnected`.
    Disconnect(LinkId, DisconnectMode),
    /// Something the program may want to know.
    Event(Event),
    /// Nothing more to do until an input, a command, or the given time.
    Idle {
        /// When to call `handle_timeout`; `None` means that only an input can change anything.
        wake_at: Option<Instant>,
    },
    /// A timer has run out.
    Timer(TimerId),
}

/// How a link is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to know both")]
pub enum DisconnectMode {
    /// Flush what is held for at most 250 ms, close the writing half, and go on handing over what
    /// arrives until the daemon's end of file or for at most 5 s; then close.
    Drain,
    /// The same, but what arrives is discarded, and for at most 1 s.
    Now,
}

impl DisconnectMode {
    /// How long bytes that are held may still be flushed.
    pub const FLUSH_MAX: Duration = Duration::from_millis(250);

    /// How long to wait for the daemon's end of file after that.
    #[must_use]
    pub const fn linger(self) -> Duration {
        match self {
            Self::Drain => Duration::from_secs(5),
            Self::Now => Duration::from_secs(1),
        }
    }
}

/// How a link ended, as its driver saw it.
///
/// Only the first two show that the daemon has noticed. Until it has, presenting the same session
/// token again would silence the new link for good (§3.8, §9.10).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "a driver has to choose among them")]
pub enum DisconnectCause {
    /// The daemon's end of file was read.
    #[error("the daemon closed the connection")]
    EndOfFile,
    /// Reading or writing failed in another way; the text is the operating system's.
    #[error("the connection failed{}", Told(.0))]
    Failed(Arc<str>),
    /// This side closed without having seen the daemon's end.
    #[error("closed without the daemon's end of file")]
    Local,
    /// The connection was reset by the daemon.
    #[error("the daemon reset the connection")]
    Reset,
}

impl DisconnectCause {
    /// Whether the daemon is known to have let go of the link.
    #[must_use]
    pub const fn daemon_noticed(&self) -> bool {
        matches!(self, Self::EndOfFile | Self::Reset)
    }
}

/// A wait of the handshake (§3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed by the protocol")]
pub enum HandshakeStep {
    /// For `connection_status_event`.
    Status,
    /// For `new_pki_document_event`.
    Document,
    /// For `session_token_reply`.
    Session,
}

impl fmt::Display for HandshakeStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Status => "waiting for the connection status",
            Self::Document => "waiting for the PKI document",
            Self::Session => "waiting for the session token reply",
        })
    }
}

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A frame that came during the handshake is not CBOR, so whoever speaks there is no daemon.
    ///
    /// Later such a frame counts as one that achieves nothing.
    #[error("the daemon sent a malformed frame: {0}")]
    BadFrame(CborError),
    /// The connection was closed before a byte came: the daemon has as many as it takes, or nothing is behind a forwarder.
    #[error("the daemon is busy: it closed the connection before it said anything")]
    Busy,
    /// The program closed the client.
    #[error("closed")]
    Closed,
    /// Dialling failed; the text is the operating system's or the connector's.
    #[error("could not connect{}", Told(.0))]
    Connect(Arc<str>),
    /// The link ended by itself.
    #[error("{0}")]
    Ended(DisconnectCause),
    /// The link ended while the handshake went on.
    #[error("{step}: {cause}")]
    Handshake {
        /// How far it had come.
        step: HandshakeStep,
        /// How the link ended.
        cause: DisconnectCause,
    },
    /// The daemon sent what the handshake can't use.
    #[error("{step}{}", Told(.problem))]
    HandshakeRefused {
        /// How far it had come.
        step: HandshakeStep,
        /// What was wrong.
        problem: String,
    },
    /// The handshake did not go on.
    #[error("{step}: nothing came within {} s", .timeout.as_secs())]
    HandshakeTimeout {
        /// How far it had come.
        step: HandshakeStep,
        /// How long was waited.
        timeout: Duration,
    },
    /// The daemon sent too much that achieves nothing.
    #[error("the daemon sent too many frames that belong to nothing")]
    Misbehaving,
    /// The frame is longer than any may be.
    #[error("the daemon sent an overlong frame: {0}")]
    Overlong(OverlongFrame),
    /// The daemon announced that it stops.
    #[error("the daemon shut down")]
    Shutdown,
    /// A local request stayed unanswered for too long.
    #[error("the daemon fell silent")]
    Silent,
}

/// Something the program may want to know; no reply travels this way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The daemon announced that it stops; the link will end.
    DaemonShutdown,
    /// A document of a new epoch is there.
    Document {
        /// The epoch it is valid for.
        epoch: u64,
    },
    /// Events were dropped, because this subscriber did not take them.
    Lagged {
        /// How many.
        missed: u64,
    },
    /// There is no link; calls wait.
    LinkDown {
        /// Why.
        cause: LinkError,
        /// When the next attempt is made; `None` if there will be none.
        retry_in: Option<Duration>,
    },
    /// The handshake is complete.
    LinkUp,
    /// The daemon lost or found its connection to the mix network.
    Mixnet {
        /// Which of the two.
        connected: bool,
    },
    /// The authorities tell clients something else than before: look at the latest document's
    /// [`min_client_version`](crate::pki::Document::min_client_version) and
    /// [`client_notice`](crate::pki::Document::client_notice).
    Notices {
        /// The epoch of the document that says so.
        epoch: u64,
    },
    /// The handshake is complete again, and every call has been looked at.
    Reconnected {
        /// Whether the daemon is the same process as before.
        same_daemon: bool,
        /// Whether it kept the session.
        resumed: bool,
        /// How many calls are sent again.
        replayed: usize,
        /// How many calls failed, because sending them again could do it twice.
        failed: usize,
    },
}

/// Where the link stands, for [`Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkStatus {
    /// For good.
    Closed,
    /// The daemon is being dialled.
    Connecting,
    /// Waiting before the next attempt, or for the old link to end.
    Down,
    /// Connected, the handshake goes on.
    Handshake,
    /// Calls are being answered.
    Up,
}

/// What the machine knows, at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// Where the link stands.
    pub link: LinkStatus,
    /// Why the last link or attempt ended, until a link is up.
    pub down: Option<LinkError>,
    /// Whether the daemon says it is connected to the mix network; only a hint.
    pub mixnet: bool,
    /// The epoch of the latest document, if there is one.
    pub epoch: Option<u64>,
    /// The daemon process, once it was met.
    pub instance: Option<InstanceToken>,
    /// The sizes the daemon announced, once it was met.
    pub geometry: Option<Arc<Geometry>>,
    /// Calls that are not written yet.
    pub queued: usize,
    /// Calls that have not ended, the queued ones included.
    pub outstanding: usize,
}

impl Status {
    /// Whether a call could reach the mix network now: the link is up, the daemon is connected,
    /// and there is a document.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link == LinkStatus::Up && self.mixnet && self.epoch.is_some()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;
    use crate::wire::CborProblem;

    #[test]
    fn no_text_ends_in_a_colon_whatever_others_say() {
        let step = HandshakeStep::Status;
        let timeout = Duration::from_secs(90);
        let cbor = CborError { offset: 0, problem: CborProblem::Syntax };
        let mut errors = alloc::vec![
            LinkError::BadFrame(cbor),
            LinkError::Busy,
            LinkError::Closed,
            LinkError::Connect("".into()),
            LinkError::HandshakeRefused { step, problem: String::new() },
            LinkError::HandshakeTimeout { step, timeout },
            LinkError::Misbehaving,
            LinkError::Overlong(OverlongFrame { len: 1 }),
            LinkError::Shutdown,
            LinkError::Silent,
        ];
        let causes = [
            DisconnectCause::EndOfFile,
            DisconnectCause::Failed("".into()),
            DisconnectCause::Local,
            DisconnectCause::Reset,
        ];
        for cause in causes {
            errors.push(LinkError::Ended(cause.clone()));
            errors.push(LinkError::Handshake { step, cause });
        }
        for error in errors {
            let text = error.to_string();
            assert!(
                !text.is_empty() && !text.ends_with(char::is_whitespace) && !text.ends_with(':'),
                "{text:?}"
            );
        }
    }
}
