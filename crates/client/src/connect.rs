//! The first connection.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use kpthin_core::{
    error::CloseReason,
    machine::{HandshakeStep, LinkError},
};
use zeroize::Zeroizing;

use crate::{
    Client,
    block::{BlockError, block_on},
    cell::Cell,
    config::{Config, FirstConnect},
    driver::Driver,
    handle::Handle,
    io::Runtime,
    shared::Shared,
    state::{FirstConnection, State},
};

/// Why there is no client: which step of connecting failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The driver was dropped, or the client stopped, before it was connected.
    #[error("connecting was given up: {0}")]
    Closed(CloseReason),
    /// The daemon could not be reached: it does not run, or listens elsewhere.
    #[error("{target}: {cause}")]
    Dial {
        /// What was dialled.
        target: Arc<str>,
        /// What the operating system or the connector said.
        cause: LinkError,
    },
    /// Something answered, and the handshake did not come to its end.
    #[error("{target}: {cause}")]
    Handshake {
        /// What was dialled.
        target: Arc<str>,
        /// What went wrong; it names the step.
        cause: LinkError,
    },
    /// The runtime, which asks the operating system, has no random numbers.
    #[error("there are no random numbers to be had")]
    Random,
    /// Waiting here would keep the driver from running: connect from another thread, or await.
    #[error("waiting on this thread would block the driver")]
    WouldBlock,
}

impl ConnectError {
    pub(crate) fn new(target: &Arc<str>, cause: &LinkError) -> Self {
        let (target, cause) = (target.clone(), cause.clone());
        match cause {
            LinkError::Closed => Self::Closed(CloseReason::Stopped),
            LinkError::Connect(_) => Self::Dial { target, cause },
            _ => Self::Handshake { target, cause },
        }
    }

    /// The wait of the handshake that failed, if connecting came that far.
    #[must_use]
    pub const fn handshake_step(&self) -> Option<HandshakeStep> {
        match self {
            Self::Handshake { cause: LinkError::Busy, .. } => Some(HandshakeStep::Status),
            Self::Handshake {
                cause:
                    LinkError::Handshake { step, .. }
                    | LinkError::HandshakeRefused { step, .. }
                    | LinkError::HandshakeTimeout { step, .. },
                ..
            } => Some(*step),
            _ => None,
        }
    }
}

/// A client that is being connected: await it, or [`wait`](Self::wait) for it.
///
/// It ends when the handshake is complete, or with the step that failed; with
/// [`FirstConnect::KeepTrying`] at once. The [`Driver`] that belongs to it has to be polled
/// meanwhile.
///
/// # Cancel safety
///
/// Dropping it gives the connection up, and the driver closes the socket at once.
#[derive(Debug)]
#[must_use = "dropping it gives the connection up"]
pub struct Connecting {
    client: Option<Client>,
    cell: Arc<Cell<Result<(), ConnectError>>>,
}

impl Connecting {
    /// Waits on a plain thread.
    ///
    /// # Errors
    ///
    /// - [`ConnectError::WouldBlock`]: this thread has to run the driver; the connection is given
    ///   up.
    /// - the others: connecting failed.
    pub fn wait(mut self) -> Result<Client, ConnectError> {
        let shared = self.client.as_ref().map(|client| client.shared().clone());
        block_on(shared.as_deref(), &mut self, None).unwrap_or_else(|blocked| match blocked {
            BlockError::TimedOut | BlockError::WouldBlock => Err(ConnectError::WouldBlock),
        })
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        if let Some(client) = &self.client {
            client.shared().command(State::abandon_connect);
        }
    }
}

impl Future for Connecting {
    type Output = Result<Client, ConnectError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match self.cell.poll_take(cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(answer) => answer,
        };
        let client = self.client.take();
        Poll::Ready(answer.and_then(|()| client.ok_or(ConnectError::Closed(CloseReason::Stopped))))
    }
}

/// Prepares a client and the driver that it needs: the one entry for adapters.
///
/// Nothing happens until the driver is polled. It is a future that an adapter spawns, or runs on a
/// thread of its own.
pub fn connect<R: Runtime>(runtime: R, config: impl Into<Config>) -> (Connecting, Driver<R>) {
    let config = config.into();
    let runtime = Arc::new(runtime);
    let mut seed = Zeroizing::new([0; 32]);
    let random = runtime.fill_random(&mut *seed).is_ok();

    let cell = Arc::new(match (random, config.first_connect) {
        (false, _) => Cell::filled(Err(ConnectError::Random)),
        (true, FirstConnect::KeepTrying) => Cell::filled(Ok(())),
        (true, FirstConnect::Fail) => Cell::empty(),
    });
    let first =
        if cell.is_waiting() { FirstConnection::Waiting(cell.clone()) } else { FirstConnection::Answered };

    let timeout = config.machine.handshake_timeout;
    let target = config.target.to_string().into();
    let shared = Arc::new(Shared::new(runtime.clone(), config.machine, *seed, first, target));
    let client = Client::new(Handle::new(shared.clone()));
    let mut driver = Driver::new(runtime, shared, config.target, timeout);
    if !random {
        // Its machine has no seed to speak of, so it must not say a word.
        driver.finish(CloseReason::NeverConnected);
    }
    (Connecting { client: Some(client), cell }, driver)
}
