//! Fetching a document and verifying it.

use std::{
    error::Error,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use kpthin_client::{BlockError, Call, CallError, Client, wire::PkiDocumentReply};
use kpthin_pki::{TrustRoot, UnixTime, Verified, VerifyError};

/// What a client can do for a program that verifies documents itself.
pub trait ClientExt {
    /// Asks for the signed document of an epoch, 0 for the current one, and verifies it.
    ///
    /// `now` is the time, from a clock that the program trusts; with the network's epoch period in the
    /// trust root it decides which epoch it is, otherwise `epoch` does. Never does the daemon's answer:
    /// see [`TrustRoot::verify`]. Near the change of epochs the current document may be the previous
    /// one, and that is taken by time, too.
    ///
    /// # Errors
    ///
    /// - [`VerifiedDocumentError::Call`]: the daemon does not deliver it, for example
    ///   [`ServiceUnavailable`](kpthin_client::DaemonError::ServiceUnavailable) because it has none of
    ///   that epoch.
    /// - [`VerifiedDocumentError::Refused`]: what it delivers is not to be trusted.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the call; nothing is lost.
    fn verified_document(&self, root: &TrustRoot, epoch: u64, now: Option<UnixTime>) -> Verifying;
}

impl ClientExt for Client {
    fn verified_document(&self, root: &TrustRoot, epoch: u64, now: Option<UnixTime>) -> Verifying {
        let call = self.get_pki_document_raw(epoch);
        Verifying { client: self.clone(), call, root: root.clone(), epoch, now }
    }
}

/// A document that is on its way to be verified: await it, or [`wait`](Self::wait) on a plain thread.
#[must_use = "nothing is verified unless it is awaited or waited for"]
pub struct Verifying {
    client: Client,
    call: Call<PkiDocumentReply>,
    root: TrustRoot,
    epoch: u64,
    now: Option<UnixTime>,
}

impl Verifying {
    /// Gives up on the daemon after a time; see [`Call::timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call = self.call.timeout(timeout);
        self
    }

    /// Waits on a plain thread.
    ///
    /// # Errors
    ///
    /// What awaiting it fails with, and [`VerifiedDocumentError::WouldBlock`] where waiting could
    /// hang.
    pub fn wait(self) -> Result<Verified, VerifiedDocumentError> {
        self.client.clone().block_on(self, None).map_err(VerifiedDocumentError::WouldBlock)?
    }
}

impl Future for Verifying {
    type Output = Result<Verified, VerifiedDocumentError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let reply = ready!(Pin::new(&mut self.call).poll(cx)).map_err(VerifiedDocumentError::Call)?;
        let verified = self.root.verify(&reply.payload, self.epoch, self.now);
        Poll::Ready(verified.map_err(VerifiedDocumentError::Refused))
    }
}

impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifying").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// Why there is no verified document.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifiedDocumentError {
    /// The daemon did not deliver it.
    Call(CallError),
    /// What the daemon delivered is not to be trusted.
    Refused(VerifyError),
    /// This thread must not wait; see [`Client::block_on`].
    WouldBlock(BlockError),
}

impl fmt::Display for VerifiedDocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => write!(f, "the daemon does not deliver the document: {error}"),
            Self::Refused(error) => write!(f, "the daemon's document is refused: {error}"),
            Self::WouldBlock(error) => error.fmt(f),
        }
    }
}

impl Error for VerifiedDocumentError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Call(error) => Some(error),
            Self::Refused(error) => Some(error),
            Self::WouldBlock(error) => Some(error),
        }
    }
}
