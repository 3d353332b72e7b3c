//! The numbers the machine goes by.

use core::time::Duration;

/// What a program may settle about its machine.
///
/// The limits that protect the daemon and the program are not settings: see [`limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// How long each wait of the handshake may last; 90 s.
    ///
    /// The reference daemon is silent for 30 s while it has no document, times the clients in
    /// front (§3.2), so less makes it look dead when it is not.
    pub handshake_timeout: Duration,
    /// By how many percent a pause before an attempt to connect is longer or shorter at random; 20, and at most 100.
    ///
    /// Without it, programs that lost one daemon come back all at once.
    pub jitter_percent: u8,
    /// What the link is for; [`Role::Main`].
    pub role: Role,
}

impl Default for Config {
    fn default() -> Self {
        Self { handshake_timeout: Duration::from_secs(90), jitter_percent: 20, role: Role::Main }
    }
}

/// What a machine's link is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum Role {
    /// A program's second link, which asks for boxes that may be unwritten while the first one does
    /// everything else. The daemon serves both in turn (§9.10), so however much is asked, what it
    /// does on the first link waits for every second packet at most.
    ///
    /// Its windows are narrow: [`limits::COMPANION_WINDOW`], and one slow local request, which is
    /// what a cancel waits for.
    Companion,
    /// Everything.
    #[default]
    Main,
}

impl Role {
    /// Both, the main one first.
    pub const ALL: [Self; 2] = [Self::Main, Self::Companion];
}

/// The machine's limits, each with what happens at it.
pub mod limits {
    use core::time::Duration;

    /// Calls that are outstanding, abandoned ones that are not answered included; at the limit a
    /// new call fails with [`TooManyCalls`](crate::error::CallError::TooManyCalls). Steps
    /// ([`Machine::start_step`](crate::machine::Machine::start_step)) don't count.
    pub const OUTSTANDING_CALLS_MAX: usize = 4_096;
    /// Bytes of requests that are held; at the limit a new call fails with
    /// [`TooManyCalls`](crate::error::CallError::TooManyCalls), unless it is alone.
    pub const HELD_REQUEST_BYTES_MAX: usize = 64 << 20;
    /// Bytes written ahead of the socket; at the limit nothing more is encoded. One frame may
    /// reach over it.
    pub const HIGH_WATER_MARK: usize = 256 << 10;
    /// Documents kept, the latest included; at the limit the one that came first goes.
    pub const DOCUMENTS_MAX: usize = 5;
    /// Bytes of documents kept; at the limit the ones that came first go, but never the latest.
    pub const DOCUMENT_BYTES_MAX: usize = 64 << 20;
    /// Operations and messages written on a link and unfinished; the next waits. A 17th that
    /// waits at the daemon blocks everything behind it.
    pub const MIXNET_WINDOW: usize = 16;
    /// The same on the link of a [`Role::Companion`](super::Role::Companion).
    pub const COMPANION_WINDOW: usize = 10;
    /// Copy commands among them; the next waits.
    pub const COPIES_MAX: usize = 4;
    /// Reads among them that the daemon polls by itself; the next waits, and after a while takes
    /// the place of one that has held its for [`POLLING_TURN`]. Each costs a send slot per round
    /// trip and goes before new requests (§9.10).
    pub const POLLING_READS_MAX: usize = 3;
    /// How long a polling read keeps its place while another waits.
    pub const POLLING_TURN: Duration = Duration::from_secs(60);
    /// Unanswered quick local requests on a new link; grows with every fast answer.
    pub const QUICK_WINDOW: usize = 4;
    /// Unanswered slow local requests on a new link; grows with every fast answer.
    pub const SLOW_WINDOW: usize = 2;
    /// What both windows grow to.
    pub const LOCAL_WINDOW_MAX: usize = 4_096;
    /// An answer that took no longer lets its window grow; a slower one resets it.
    pub const FAST_REPLY: Duration = Duration::from_millis(500);
    /// Frames that achieve nothing: belong to no call, change no status, bring no new document.
    /// When they are used up the link is dropped as misbehaving.
    pub const IDLE_FRAMES_MAX: u32 = 1_024;
    /// A frame that achieves nothing counts as one, and as one more for each of so many bytes.
    pub const IDLE_FRAME_STEP: usize = 4_096;
    /// The most that one of them counts as.
    pub const IDLE_FRAME_COST_MAX: u32 = 256;
    /// How many of them come back per second.
    pub const IDLE_FRAMES_PER_SECOND: u32 = 10;
}

/// Waits that follow from what the reference daemon does.
pub(super) mod waits {
    use core::time::Duration;

    /// The first pause after the daemon ended a link.
    pub(crate) const BACKOFF_AFTER_DAEMON: Duration = Duration::from_millis(250);
    /// The first pause after any other end, or a failed dial.
    pub(crate) const BACKOFF: Duration = Duration::from_secs(1);
    /// How long a companion stays away from a daemon that is busy (C1): it only makes waiting cheaper.
    pub(crate) const COMPANION_AWAY: Duration = Duration::from_secs(60);
    /// The longest pause.
    pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(60);
    /// A link that was up for so long ends a row of failures.
    pub(crate) const HEALTHY: Duration = Duration::from_secs(10);
    /// A local request that others overtook is given up after this silence.
    pub(crate) const OVERTAKEN: Duration = Duration::from_secs(60);
    /// The oldest local request on a link may be silent for so long, then the link is replaced.
    pub(crate) const SILENCE: Duration = Duration::from_secs(5 * 60);
    /// The same for requests that pack copy streams.
    pub(crate) const SILENCE_CREATE: Duration = Duration::from_secs(60 * 60);
    /// An operation without a result is renewed after so much connected time.
    pub(crate) const RENEWAL: Duration = Duration::from_secs(10 * 60);
    /// The first time, after a link that the daemon may still have had.
    pub(crate) const RENEWAL_DOUBTFUL: Duration = Duration::from_secs(2 * 60);
    /// A resumed link is probed when nothing has come for so long.
    pub(crate) const PROBE_AFTER: Duration = Duration::from_secs(10);
    /// A probe may be silent for so long with nothing in front of it.
    pub(crate) const PROBE_PATIENCE: Duration = Duration::from_secs(30);
    /// A message may wait for its sent event for so much connected time.
    pub(crate) const UNSENT: Duration = Duration::from_secs(2 * 60);
    /// The longest estimate of a reply that is believed; the number is the daemon's, and one that is
    /// absurd must not make a wait endless.
    pub(crate) const REPLY_ETA_MAX: Duration = Duration::from_secs(60 * 60);
    /// What a reply to a message may be late beyond its estimate.
    pub(crate) const REPLY_SLACK: Duration = Duration::from_secs(30);
    /// An abandoned call keeps its place for so much connected time.
    pub(crate) const ABANDONED: Duration = Duration::from_secs(2 * 60);
    /// The first pause before an ineffective cancel is repeated.
    pub(crate) const CANCEL_AGAIN: Duration = Duration::from_secs(1);
    /// The longest pause before an ineffective cancel is repeated.
    pub(crate) const CANCEL_AGAIN_MAX: Duration = Duration::from_secs(30);
    /// A link that ends so soon after a call was written, or after its last reply, makes it suspect.
    pub(crate) const SUSPICION: Duration = Duration::from_secs(10);
    /// How long the daemon has to take the close before the link is ended anyway.
    pub(crate) const CLOSE: Duration = Duration::from_secs(1);
}
