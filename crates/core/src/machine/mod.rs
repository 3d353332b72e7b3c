//! The protocol as one state machine: what is sent when, what is sent again, how every call ends.
//!
//! [`Machine`] has no callbacks, no clock and no randomness. Its commands and inputs take the time
//! as an argument, its outputs are polled. One driver drains it; a command given by another thread
//! only has to wake that driver.
//!
//! # The drain contract
//!
//! After any call that takes `&mut self`, poll until [`Output::Idle`]. If the buffer of bytes to
//! be written is below [`limits::HIGH_WATER_MARK`], let [`Machine::poll_transmit`] append to it,
//! and if it did, drain again. The canonical loop:
//!
//! ```
//! use kpthin_core::{Instant, machine::{Config, Machine, Output, limits}};
//! # use kpthin_core::wire::{NewKeypair, Seed};
//! # let seed_from_the_operating_system = [7; 32];
//! let mut now = Instant::ORIGIN;
//! let mut machine = Machine::new(Config::default(), seed_from_the_operating_system, now);
//! let call = machine.start(now, NewKeypair { seed: Seed::from([1; 32]) }, None);
//!
//! // Bytes to be written belong to one link, and are discarded with it.
//! let mut link = None;
//! let mut out = Vec::new();
//! let wake_at = loop {
//!     // 1. Do what the machine wants done.
//!     match machine.poll_output() {
//!         Output::Connect(id) => link = Some(id), // dial, then handle_connected(now, id)
//!         Output::Disconnect(id, mode) => {}      // end it, then handle_disconnected(now, id, ..)
//!         Output::Completed(call, result) => {}   // tell the caller
//!         Output::Timer(id) => {}                 // resume whoever waits for it
//!         Output::Event(event) => {}              // tell the subscribers
//!         Output::Closed(reason) => break None,   // nothing comes after this
//!         Output::Idle { wake_at } => {
//!             // 2. Encode, as late as this, what may go out.
//!             let before = out.len();
//!             if let Some(link) = link
//!                 && before < limits::HIGH_WATER_MARK
//!             {
//!                 machine.poll_transmit(now, link, &mut out);
//!             }
//!             if out.len() == before {
//!                 break wake_at;
//!             }
//!         }
//!     }
//! };
//! // 3. Wait for input, for a command, or for the time to come. Input goes in first:
//! //    handle_input(now, link, bytes), and only then handle_timeout(now).
//! # assert_eq!(wake_at, None);
//! # now = now + core::time::Duration::from_secs(1);
//! # machine.cancel(now, call);
//! ```

mod between;
mod calls;
mod commands;
mod config;
mod context;
#[cfg(any(test, feature = "testing"))]
mod fingerprint;
mod frames;
mod inputs;
mod knowledge;
mod link;
mod output;
mod seed;
#[cfg(test)]
mod tests;
mod timers;

use alloc::sync::Arc;

pub use calls::OperationPace;
#[cfg(any(test, feature = "testing"))]
pub(crate) use calls::rebase::rebase;
use config::waits;
pub use config::{Config, Role, limits};
pub use output::{
    CallId, DisconnectCause, DisconnectMode, Event, HandshakeStep, LinkError, LinkId, LinkStatus, Output,
    Status, TimerId,
};

use crate::{Instant, error::CloseReason, pki::Document, wire::Geometry};

use self::{calls::Calls, context::Context, knowledge::Knowledge, link::Link, seed::Seed, timers::Timers};

/// Whether a frame achieved anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Made,
    None,
}

/// The client's side of the protocol.
///
/// Methods come in four kinds: commands ([`start`](Self::start), [`cancel`](Self::cancel), ..),
/// inputs (`handle_*`), outputs (`poll_*`), and views. See the [module](self) for the loop that
/// drives it, and [`limits`] for what bounds it.
///
/// Every started call ends with exactly one [`Output::Completed`]. Without a deadline three waits
/// are unbounded: while there is no link, while the daemon says that the mix network is down, and
/// for an operation that the network never answers.
#[derive(Debug)]
#[cfg_attr(any(test, feature = "testing"), derive(Clone))]
pub struct Machine {
    cx: Context,
    link: Link,
    calls: Calls,
    knowledge: Knowledge,
    timers: Timers,
    closed: Option<CloseReason>,
}

impl Machine {
    /// Creates a machine that wants to connect at once.
    ///
    /// The seed must be fresh and secret: session tokens and SURB ids follow from it. Store it
    /// nowhere, and never give it to a second machine.
    #[must_use]
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let seed = Seed::new(seed);
        let mut machine = Self {
            cx: Context::new(now),
            link: Link::new(&config, seed.clone(), now),
            calls: Calls::new(config.role, seed),
            knowledge: Knowledge::default(),
            timers: Timers::default(),
            closed: None,
        };
        machine.link.connect(&mut machine.cx);
        machine
    }

    /// The next thing to do; poll until it is [`Output::Idle`].
    ///
    /// Worth polling after every other call that takes `&mut self`.
    pub fn poll_output(&mut self) -> Output {
        self.cx.pop().unwrap_or_else(|| Output::Idle { wake_at: self.wake_at() })
    }

    /// What the machine knows now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            link: self.link.status(),
            down: self.link.down().cloned(),
            mixnet: self.knowledge.mixnet(),
            epoch: self.document().map(|document| document.epoch()),
            instance: self.knowledge.instance(),
            geometry: self.geometry().cloned(),
            queued: self.unwritten(),
            outstanding: self.outstanding(),
        }
    }

    /// The sizes the daemon announced last, `None` until it did.
    #[must_use]
    pub const fn geometry(&self) -> Option<&Arc<Geometry>> {
        self.knowledge.geometry()
    }

    /// The document that came last, `None` until one did.
    ///
    /// It carries no signatures; to trust it, fetch and verify the signed form.
    #[must_use]
    pub fn document(&self) -> Option<&Arc<Document>> {
        self.knowledge.document()
    }

    /// The document of an epoch, if it is among the latest [`limits::DOCUMENTS_MAX`].
    #[must_use]
    pub fn document_for_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.knowledge.document_for_epoch(epoch)
    }

    /// How fast the network answers reads, or else writes, at present.
    #[must_use]
    pub fn operation_pace(&self, is_read: bool) -> OperationPace {
        self.calls.pace(is_read)
    }

    /// How many calls wait to be written.
    #[must_use]
    pub fn unwritten(&self) -> usize {
        self.calls.table().unwritten()
    }

    /// How many calls are not answered, the unwritten included.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.calls.table().owned()
    }

    /// When a call was written on the present link; `None` before that, and once it has ended.
    #[must_use]
    pub fn written_at(&self, call: CallId) -> Option<Instant> {
        self.calls.written_at(call)
    }
}
