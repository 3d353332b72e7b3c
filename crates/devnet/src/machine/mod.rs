//! The daemon as a state machine: connections in, bytes out, time and a seed at the door.

mod arq;
mod broadcast;
mod cancel;
mod conn;
mod copy;
mod event;
mod faults;
mod local;
mod mailbox;
mod message;
mod operation;
mod outbound;
mod output;
mod packet;
mod packing;
mod process;
mod queue;
mod records;
mod request;
mod schedule;
mod session;
#[cfg(test)]
mod tests;
mod traffic;
mod vouchers;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use kpthin_core::Instant;
use kpthin_core::wire::{AppId, Geometry as AnnouncedGeometry, InstanceToken};

use crate::config::{DevnetConfig, Profile};
use crate::entropy::{SeededEntropy, derive};
use crate::network::Network;
use crate::pigeonhole::Entropy;
use crate::pigeonhole::geometry::Geometry;
use conn::Conn;
use event::Event;
pub use faults::{Faults, UnknownFault};
pub use mailbox::BoxState;
use operation::{OpId, Operation};
pub use output::{ConnId, Output};
use process::Process;
use queue::Slots;
pub use records::Record;
use schedule::{Schedule, Ticket};
use session::Session;
pub use traffic::Traffic;

/// Events worked off in one call; what is left is due at once, so no call takes for ever.
const EVENTS_PER_CALL: usize = 16_384;

/// An embedded daemon with a network behind it, without I/O.
///
/// It speaks the thin-client protocol on any number of connections and keeps real boxes. It gives no anonymity; see the
/// [crate's documentation](crate) for what else it is not.
///
/// # Drain contract
///
/// After any call that takes `&mut self` poll [`poll_output`](Self::poll_output) until [`Output::Idle`], do what it
/// says on the way, and call [`handle_timeout`](Self::handle_timeout) when the time named there has come. One driver
/// drains. Time only goes forward: an earlier `now` than before counts as the latest one.
///
/// # Examples
///
/// A client connects, and the daemon greets it:
///
/// ```
/// use kpthin_core::{Instant, frame::FrameBuffer, wire::AnyResponse};
/// use kpthin_devnet::{Devnet, DevnetConfig, Output};
///
/// let now = Instant::ORIGIN;
/// let mut net = Devnet::new(DevnetConfig::instant(), [7; 32], now);
/// let conn = net.connect(now);
///
/// let mut bytes = Vec::new();
/// loop {
///     match net.poll_output() {
///         Output::Transmit(conn) => net.poll_transmit(now, conn, &mut bytes),
///         Output::Idle { .. } => break,
///         other => panic!("{other:?}"),
///     }
/// }
/// let mut frames = FrameBuffer::default();
/// frames.push(&bytes);
/// let first = AnyResponse::decode(frames.next_frame()?.expect("a frame"))?;
/// assert!(matches!(first, Some(AnyResponse::ConnectionStatus(status)) if status.is_connected));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Bounds
///
/// | what | bound | what happens there |
/// |---|---|---|
/// | connections | 1,024 | a further one is closed at once |
/// | bytes for a connection that nobody takes | 64 MiB, or the write deadline | it is closed |
/// | bytes from a connection that is busy | see [`wants_input`](Self::wants_input) | it is closed |
/// | sessions without connection | 1,024 | the one that would expire first ends |
/// | replies kept for such a session | 1,000 | further ones are lost (§3.6) |
/// | tokens of one session | 16 | further ones are not remembered |
/// | operations and messages of one session | 4,096 each | further ones are refused |
/// | waiting mixnet requests of one connection | 16 ([`Profile::Reference`]) | the connection stops |
/// | stored boxes | [`DevnetConfig::replica_capacity`] | replica code 6 |
/// | copy commands of one courier | 1,024 | the oldest that has ended is forgotten; while all run, a further one fails |
/// | boxes, and envelopes, of one copy command | 65,536 | it fails |
/// | tombstones packed by one call | 65,536 | code 3 |
pub struct Devnet {
    config: DevnetConfig,
    now: Instant,
    entropy: SeededEntropy,
    geometry: Geometry,
    announced: AnnouncedGeometry,
    network: Network,
    process: Process,
    instance_token: InstanceToken,
    mixnet: bool,
    /// It will be connected then.
    reconnecting: Option<Ticket>,
    /// A fault took it away.
    flapped_away: bool,
    document_ready: bool,
    schedule: Schedule<Event>,
    conns: BTreeMap<ConnId, Conn>,
    conns_made: u64,
    sessions: BTreeMap<AppId, Session>,
    tokens: BTreeMap<[u8; 16], AppId>,
    operations: BTreeMap<OpId, Operation>,
    operations_made: u64,
    slots: Slots,
    traffic: Traffic,
    faults: Faults,
    fault_entropy: SeededEntropy,
    held: VecDeque<Event>,
    closed: VecDeque<ConnId>,
    transmit: BTreeSet<ConnId>,
}

impl Devnet {
    /// Starts a daemon and its network.
    ///
    /// The same configuration, seed and calls give the same bytes.
    #[must_use]
    pub fn new(config: DevnetConfig, seed: [u8; 32], now: Instant) -> Self {
        let config = config.in_range();
        let (geometry, announced) = broadcast::geometries(config.user_forward_payload_length);
        let network = Network::new(&config, geometry, seed, now);
        let mut entropy = SeededEntropy::new(derive(seed, "daemon"));
        let mut devnet = Self {
            now,
            geometry,
            announced,
            process: Process::Running,
            instance_token: InstanceToken::from(entropy.draw::<16>()),
            mixnet: config.mixnet,
            reconnecting: None,
            flapped_away: false,
            document_ready: true,
            schedule: Schedule::default(),
            conns: BTreeMap::new(),
            conns_made: 0,
            sessions: BTreeMap::new(),
            tokens: BTreeMap::new(),
            operations: BTreeMap::new(),
            operations_made: 0,
            slots: Slots::new(derive(seed, "slots")),
            traffic: Traffic::default(),
            faults: Faults::default(),
            fault_entropy: SeededEntropy::new(derive(seed, "faults")),
            held: VecDeque::new(),
            closed: VecDeque::new(),
            transmit: BTreeSet::new(),
            network,
            entropy,
            config,
        };
        let _ = devnet.schedule.add(devnet.network.epoch_ends_at(), Event::Epoch);
        devnet.await_document();
        devnet
    }

    /// Begins the next epoch before its time, with its document.
    pub fn advance_epoch(&mut self, now: Instant) {
        self.advance(now);
        self.schedule.retain(|event| !matches!(event, Event::Epoch));
        self.network.advance_epoch(self.now);
        self.begin_epoch();
        self.run();
    }

    /// Accepts a connection.
    ///
    /// Its greeting follows at once, or when the first document is there.
    pub fn connect(&mut self, now: Instant) -> ConnId {
        self.advance(now);
        let conn = self.accept();
        self.run();
        conn
    }

    /// Takes bytes from a connection; those from one that is closed are ignored.
    ///
    /// Frames it cannot work off yet are kept; see [`wants_input`](Self::wants_input).
    pub fn handle_input(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        self.advance(now);
        self.receive(conn, bytes);
        self.run();
    }

    /// The client sends nothing more, but still reads.
    ///
    /// What was read is worked off and answered, then the connection is closed (§9.10).
    pub fn handle_eof(&mut self, now: Instant, conn: ConnId) {
        self.advance(now);
        self.receive_end(conn, conn::End::Eof);
        self.run();
    }

    /// The connection is gone; no [`Output::Close`] follows.
    ///
    /// In [`Profile::Reference`] the daemon still works off the frames in front of the end, and notices it only then.
    pub fn handle_disconnected(&mut self, now: Instant, conn: ConnId) {
        self.advance(now);
        self.receive_end(conn, conn::End::Gone);
        self.run();
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.run();
    }

    /// What to do next.
    ///
    /// Worth polling again after every call that takes `&mut self`, this one included, until it says [`Output::Idle`].
    pub fn poll_output(&mut self) -> Output {
        if let Some(conn) = self.closed.pop_front() {
            return Output::Close(conn);
        }
        if let Some(conn) = self.transmit.pop_first() {
            return Output::Transmit(conn);
        }
        Output::Idle { wake_at: self.schedule.next_at() }
    }

    /// Appends bytes for a connection to `out`, whole frames, until `out` holds 256 KiB or there are no more.
    ///
    /// Worth polling again after [`Output::Transmit`], and after what was polled is written. Then drain.
    pub fn poll_transmit(&mut self, now: Instant, conn: ConnId, out: &mut Vec<u8>) {
        self.advance(now);
        self.transmit_to(conn, out);
        self.run();
    }

    /// Whether the daemon reads from this connection now.
    ///
    /// A busy daemon lets bytes wait in the socket. A driver of real sockets does the same while this is false, and asks
    /// again whenever it has drained; one that goes on pushes the connection over its bound of some 41 MiB, where it is
    /// closed. False for connections that are closed.
    #[must_use]
    pub fn wants_input(&self, conn: ConnId) -> bool {
        self.conns.get(&conn).is_some_and(Conn::wants_input)
    }

    /// The daemon's mark, new after every [`restart`](Self::restart).
    #[must_use]
    pub const fn instance_token(&self) -> InstanceToken {
        self.instance_token
    }

    /// The current epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.network.epoch()
    }

    /// Counts the connections that are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.conns.len()
    }

    /// Counts the operations that have been started and have not ended.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// The sizes that the daemon announces.
    #[must_use]
    pub const fn geometry(&self) -> &AnnouncedGeometry {
        &self.announced
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    /// Works off what is due.
    fn run(&mut self) {
        for _ in 0..EVENTS_PER_CALL {
            self.arrange_slot();
            match self.schedule.pop_due(self.now) {
                Some(event) => self.handle_event(event),
                None => break,
            }
        }
    }

    fn is_reference(&self) -> bool {
        self.config.profile == Profile::Reference
    }
}

/// Shows how much there is of everything, never what: it is full of plaintexts, tokens and capabilities.
impl fmt::Debug for Devnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devnet")
            .field("profile", &self.config.profile)
            .field("process", &self.process)
            .field("mixnet", &self.mixnet)
            .field("epoch", &self.epoch())
            .field("connections", &self.conns.len())
            .field("sessions", &self.sessions.len())
            .field("operations", &self.operations.len())
            .field("boxes", &self.stored_boxes())
            .finish_non_exhaustive()
    }
}
