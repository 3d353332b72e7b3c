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

mod budget;
mod cancels;
mod clock;
mod closing;
mod commands;
mod config;
mod documents;
mod events;
#[cfg(any(test, feature = "testing"))]
mod fingerprint;
mod lanes;
mod late;
mod links;
mod locals;
mod output;
mod receive;
mod replay;
mod seed;
mod session;
mod silence;
mod slots;
mod suspects;
#[cfg(test)]
mod tests;
mod timers;
mod transmit;
mod validate;

use alloc::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use config::waits;
pub use config::{Config, Role, limits};
pub use output::{
    CallId, DisconnectCause, DisconnectMode, Event, HandshakeStep, LinkError, LinkId, LinkStatus, Output,
    Status, TimerId,
};

use crate::{
    Instant,
    error::CloseReason,
    frame::FrameBuffer,
    pki::Document,
    wire::{Geometry, InstanceToken},
};

use self::{
    budget::Budget,
    cancels::Cancels,
    clock::Clock,
    documents::Documents,
    lanes::Lanes,
    late::LateReplies,
    links::Link,
    locals::Locals,
    seed::{Purpose, Seed},
    session::Session,
    slots::Slots,
    suspects::Suspects,
    timers::Timers,
};

/// What the daemon last said of itself.
#[derive(Clone, Debug, Default)]
struct Peer {
    geometry: Option<Arc<Geometry>>,
    instance: Option<InstanceToken>,
    mixnet: bool,
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
    config: Config,
    seed: Seed,
    query_prefix: u64,
    /// The next value of the counters that calls, links, timers, queries and the rest share.
    next: u64,
    /// The largest time seen; time that goes backwards is ignored.
    now: Instant,
    link: Link,
    /// Failed or short links in a row.
    failures: u32,
    session: Session,
    peer: Peer,
    documents: Documents,
    slots: Slots,
    lanes: Lanes,
    cancels: Cancels,
    locals: Locals,
    late: LateReplies,
    suspects: Suspects,
    /// Counts while the link is up and the mix network connected.
    connected_clock: Clock,
    /// Counts while the link is up.
    up_clock: Clock,
    /// At most one per call.
    deadlines: BTreeSet<(Instant, CallId)>,
    timers: Timers,
    budget: Budget,
    buffer: FrameBuffer,
    /// What the driver has not taken yet. It takes all after every call, so no more gathers than
    /// one call brings: an output per call that ends, and one or two per frame handed over.
    outputs: VecDeque<Output>,
    closed: Option<CloseReason>,
    /// The link on which the daemon said that it stops.
    farewell: Option<LinkId>,
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
            config,
            query_prefix: u64::from_be_bytes(seed.derive(Purpose::QueryPrefix, 0)),
            session: Session::new(&seed),
            seed,
            next: 0,
            now,
            link: Link::Down { retry_at: now },
            failures: 0,
            peer: Peer::default(),
            documents: Documents::default(),
            slots: Slots::default(),
            lanes: Lanes::new(config.role),
            cancels: Cancels::default(),
            locals: Locals::new(now),
            late: LateReplies::default(),
            suspects: Suspects::default(),
            connected_clock: Clock::default(),
            up_clock: Clock::default(),
            deadlines: BTreeSet::new(),
            timers: Timers::default(),
            budget: Budget::new(now),
            buffer: FrameBuffer::default(),
            outputs: VecDeque::new(),
            closed: None,
            farewell: None,
        };
        machine.connect();
        machine
    }

    /// The next thing to do; poll until it is [`Output::Idle`].
    ///
    /// Worth polling after every other call that takes `&mut self`.
    pub fn poll_output(&mut self) -> Output {
        self.outputs.pop_front().unwrap_or_else(|| Output::Idle { wake_at: self.wake_at() })
    }

    /// What the machine knows now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            link: self.link.status(),
            mixnet: self.peer.mixnet,
            epoch: self.documents.latest().map(|document| document.epoch),
            instance: self.peer.instance,
            geometry: self.peer.geometry.clone(),
            queued: self.slots.unwritten(),
            outstanding: self.slots.owned(),
        }
    }

    /// The sizes the daemon announced last, `None` until it did.
    #[must_use]
    pub const fn geometry(&self) -> Option<&Arc<Geometry>> {
        self.peer.geometry.as_ref()
    }

    /// The document that came last, `None` until one did.
    ///
    /// It carries no signatures; to trust it, fetch and verify the signed form.
    #[must_use]
    pub fn document(&self) -> Option<&Arc<Document>> {
        self.documents.latest()
    }

    /// The document of an epoch, if it is among the latest [`limits::DOCUMENTS_MAX`].
    #[must_use]
    pub fn document_for_epoch(&self, epoch: u64) -> Option<&Arc<Document>> {
        self.documents.of_epoch(epoch)
    }

    /// Takes note of the time; every command and input does this first.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Draws the next value of the counter that all ids share.
    const fn mint(&mut self) -> u64 {
        let next = self.next;
        self.next += 1;
        next
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }
}
