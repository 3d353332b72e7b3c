//! The daemon as a state machine: connections in, bytes out, time and a seed at the door.
//!
//! [`Devnet`] passes on what comes and what is due; each room owns what it decides about and tells its own `wake_at`.
//!
//! ```text
//!  bytes, ends ──► connections ──► sessions ──► operations ──► network ──► replicas
//!                   frames, news    tokens,      retransmission  packets,   (outlive
//!                   local calls     queues,      results,        couriers,   the daemon)
//!                   limits, ends    turns        cancels         epochs
//! ```
#![expect(clippy::unnecessary_mut_passed, reason = "a room is lent the same whether it meets chance or not")]

mod capability;
mod connections;
mod control;
mod geometry;
mod local;
mod looking;
mod message;
mod operations;
mod output;
mod process;
mod records;
mod refusal;
mod routing;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;

use kpthin_core::Instant;
use kpthin_core::wire::{Blob, ConnectionStatus, Geometry as AnnouncedGeometry};

use crate::config::DevnetConfig;
use crate::entropy::derive;
use crate::env::Env;
use crate::faults::Injector;
use crate::network::Network;
use connections::{Connections, End, News};
pub use connections::{Crash, EndReason};
use local::Local;
pub use looking::{BoxState, Traffic};
use operations::Operations;
pub use output::{ConnId, Output};
use process::Process;
pub use records::Record;
use sessions::Sessions;

/// Steps done in one call; what is left is due at once, so no call takes for ever.
const STEPS_PER_CALL: usize = 1 << 20;

/// Lends a room the time, the configuration and what goes wrong, beside the rooms themselves.
macro_rules! lend {
    ($devnet:ident) => {
        &mut $crate::env::Env { now: $devnet.now, config: &$devnet.config, injector: &mut $devnet.injector }
    };
}
use lend;

/// An embedded daemon with a network behind it, without I/O.
///
/// It speaks the thin-client protocol on any number of connections and keeps real boxes. It gives no anonymity; see the
/// [crate's documentation](crate) for what else it is not. A clone goes on from the same state and draws the same random
/// numbers.
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
/// | connections | 1,024, or [`connection_limit`](crate::Quirks::connection_limit) | a further one is closed at once |
/// | a connection that never says anything | [`DevnetConfig::silence_deadline`] | it is closed |
/// | bytes for a connection that nobody takes | 64 MiB, or the write deadline | it is closed |
/// | bytes from a connection that is busy | see [`wants_input`](Self::wants_input) | it is closed |
/// | bytes of all connections, both ways | [`DevnetConfig::memory_max`] | the one that passes it is closed |
/// | sessions without connection | 1,024 | the one that would expire first ends |
/// | replies kept for such a session | 1,000 | further ones are lost (§3.6) |
/// | tokens of one session | 16 | further ones are not remembered |
/// | operations and messages of one session | 4,096 each | further ones are refused |
/// | waiting mixnet requests of one connection | 4,096, or [`blocking_queue`](crate::Quirks::blocking_queue) | refused, or the connection stops |
/// | ids of other lengths than 16 | 4,096, of 1,024 bytes | the oldest is forgotten |
/// | stored boxes | [`DevnetConfig::replica_capacity`] | replica code 6 |
/// | copy commands of one courier | 1,024 | the oldest that has ended is forgotten; while all run, a further one fails |
/// | boxes, and envelopes, of one copy command | 65,536 | it fails |
/// | tombstones packed by one call | 65,536 | code 3 |
#[derive(Clone)]
pub struct Devnet {
    config: DevnetConfig,
    now: Instant,
    announced: AnnouncedGeometry,
    injector: Injector,
    process: Process,
    connections: Connections,
    sessions: Sessions,
    operations: Operations,
    local: Local,
    network: Network,
    /// Packets sent into the mix network.
    packets: u64,
}

impl Devnet {
    /// Starts a daemon and its network.
    ///
    /// The same configuration, seed and calls give the same bytes.
    #[must_use]
    pub fn new(config: DevnetConfig, seed: [u8; 32], now: Instant) -> Self {
        Self::with_process_seed(config, seed, seed, now)
    }

    /// Starts a daemon in a network that may be older than the daemon's process.
    ///
    /// The network's keys follow from `seed`. What a daemon's process draws by itself follows from `process_seed`: its
    /// mark, the names of sessions, and everything fresh in envelopes. A process that is to be taken for a new one by its
    /// clients (§3.4) needs a new one.
    #[must_use]
    pub fn with_process_seed(
        config: DevnetConfig,
        seed: [u8; 32],
        process_seed: [u8; 32],
        now: Instant,
    ) -> Self {
        let config = config.in_range();
        let (geometry, announced) = geometry::geometries(config.user_forward_payload_length);
        let network = Network::new(&config, geometry, seed, now);
        let mut injector = Injector::new(derive(process_seed, "faults"));
        let env = Env { now, config: &config, injector: &mut injector };
        let process = Process::new(&env, derive(process_seed, "daemon"));
        let mut devnet = Self {
            connections: Connections::new(News {
                status: status(&announced, &process, &network),
                document: None,
            }),
            sessions: Sessions::new(process_seed),
            operations: Operations::new(derive(process_seed, "operations")),
            local: Local::new(geometry, derive(process_seed, "local calls")),
            packets: 0,
            announced,
            network,
            process,
            injector,
            config,
            now,
        };
        devnet.announce_document();
        devnet
    }

    /// Accepts a connection.
    ///
    /// Its greeting follows at once, or when the first document is there.
    pub fn connect(&mut self, now: Instant) -> ConnId {
        self.advance(now);
        let conn = self.connections.next_id();
        if !self.process.is_running() {
            self.connections.refuse(conn, EndReason::NotRunning);
        } else if let Some(limit) = self.connections.limit_reached(lend!(self)) {
            self.connections.refuse(conn, EndReason::TooMany { limit });
        } else {
            let app = self.sessions.open(conn);
            self.connections.accept(lend!(self), conn, app);
        }
        self.run();
        conn
    }

    /// Takes bytes from a connection; those from one that is closed are ignored.
    ///
    /// Frames it cannot work off yet are kept; see [`wants_input`](Self::wants_input).
    pub fn handle_input(&mut self, now: Instant, conn: ConnId, bytes: &[u8]) {
        self.advance(now);
        self.connections.receive(lend!(self), conn, bytes);
        self.run();
    }

    /// The client sends nothing more, but still reads.
    ///
    /// What was read is worked off and answered, then the connection is closed (§9.10).
    pub fn handle_eof(&mut self, now: Instant, conn: ConnId) {
        self.advance(now);
        self.connections.receive_end(lend!(self), conn, End::Eof);
        self.run();
    }

    /// The connection is gone; no [`Output::Close`] follows.
    ///
    /// With [`late_end`](crate::Quirks::late_end) the daemon still works off the frames in front of the end, and notices
    /// it only then.
    pub fn handle_disconnected(&mut self, now: Instant, conn: ConnId) {
        self.advance(now);
        self.connections.receive_end(lend!(self), conn, End::Gone);
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
        if let Some((conn, reason)) = self.connections.poll_closed() {
            return Output::Close(conn, reason);
        }
        if let Some(conn) = self.connections.poll_ready() {
            return Output::Transmit(conn);
        }
        Output::Idle { wake_at: self.wake_at() }
    }

    /// Appends bytes for a connection to `out`, whole frames, until `out` holds 256 KiB or there are no more.
    ///
    /// Worth polling again after [`Output::Transmit`], and after what was polled is written. Then drain.
    pub fn poll_transmit(&mut self, now: Instant, conn: ConnId, out: &mut Vec<u8>) {
        self.advance(now);
        self.connections.transmit(lend!(self), conn, out);
        self.run();
    }

    /// Whether the daemon reads from this connection now.
    ///
    /// A busy daemon lets bytes wait in the socket. A driver of real sockets does the same while this is false, and asks
    /// again whenever it has drained; one that goes on pushes the connection over its bound of some 41 MiB, where it is
    /// closed. False for connections that are closed.
    #[must_use]
    pub fn wants_input(&self, conn: ConnId) -> bool {
        self.connections.wants_input(conn)
    }

    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn wake_at(&self) -> Option<Instant> {
        let rooms = [
            self.process.wake_at(),
            self.connections.wake_at(),
            self.sessions.wake_at(),
            self.operations.wake_at(),
            self.network.wake_at(),
        ];
        rooms.into_iter().flatten().min()
    }

    /// Does what the rooms want done, and what is due.
    fn run(&mut self) {
        for _ in 0..STEPS_PER_CALL {
            if self.route() {
                continue;
            }
            let may_send = self.may_send();
            self.sessions.plan_turn(lend!(self), may_send);
            if !self.handle_next_due() {
                return;
            }
        }
    }

    /// Whether packets can leave now.
    fn may_send(&self) -> bool {
        self.network.is_connected() && self.has_document()
    }

    /// Has the room act that is due first; tells whether there was one.
    fn handle_next_due(&mut self) -> bool {
        let Some(at) = self.wake_at().filter(|at| *at <= self.now) else { return false };
        let at = Some(at);
        if self.process.wake_at() == at {
            if let Some(due) = self.process.handle_timeout(lend!(self)) {
                self.handle_process(due);
            }
        } else if self.network.wake_at() == at {
            self.network.handle_timeout(lend!(self));
        } else if self.operations.wake_at() == at {
            self.operations.handle_timeout(lend!(self), &self.network);
        } else if self.sessions.wake_at() == at {
            let may_send = self.may_send();
            if let Some(happened) = self.sessions.handle_timeout(lend!(self), may_send) {
                self.handle_happened(happened);
            }
        } else {
            self.connections.handle_timeout(lend!(self));
        }
        true
    }

    /// Whether the daemon has a document of the network.
    fn has_document(&self) -> bool {
        self.process.has_fetched() && !self.injector.faults().missing_document
    }

    fn announce_status(&mut self) {
        let status = status(&self.announced, &self.process, &self.network);
        let sessions = &self.sessions;
        self.connections.set_status(lend!(self), status, |app, conn| sessions.is_registered(app, conn));
    }

    fn announce_document(&mut self) {
        let document = self.network.document(self.network.epoch()).filter(|_| self.has_document());
        let document = document.map(|document| Blob::from(document.plain.clone()));
        let sessions = &self.sessions;
        self.connections.set_document(lend!(self), document, |app, conn| sessions.is_registered(app, conn));
    }
}

/// The daemon's status, as it is told.
fn status(announced: &AnnouncedGeometry, process: &Process, network: &Network) -> ConnectionStatus {
    ConnectionStatus {
        is_connected: network.is_connected(),
        instance_token: process.instance_token(),
        sphinx_geometry: Some(announced.sphinx.clone()),
        pigeonhole_geometry: Some(announced.pigeonhole.clone()),
    }
}

/// Shows how much there is of everything, never what: it is full of plaintexts, tokens and capabilities.
impl fmt::Debug for Devnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Devnet")
            .field("quirks", &self.config.quirks.to_string())
            .field("process", &self.process.state)
            .field("mixnet", &self.network.is_connected())
            .field("epoch", &self.epoch())
            .field("connections", &self.connections.len())
            .field("sessions", &self.sessions.len())
            .field("operations", &self.operations.len())
            .field("boxes", &self.stored_boxes())
            .finish_non_exhaustive()
    }
}
