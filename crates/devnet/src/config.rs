//! What a devnet is like: whose behaviour it shows, and how long things take.

use std::time::Duration;

/// Whose behaviour a devnet shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// A daemon that does what the specification recommends, without delay.
    ///
    /// It answers a session token before it says anything else, so that strict clients can use it; whoever sends no
    /// token hears the news 5 s later. It fences an older connection on takeover, keeps final results for a session that
    /// is away, never stops reading and answers a capability of a wrong length with code 3.
    Instant,
    /// The reference daemon with its kinks, for tests that are to mean something on a real network.
    ///
    /// - Broadcasts, and the replies that a session missed, come before its token is answered, and what is
    ///   broadcast right behind a greeting never comes.
    /// - The end of a connection is noticed only behind the frames in front of it (§9.10).
    /// - A takeover silences the newer connection when the older one ends (§3.8).
    /// - A seventeenth waiting mixnet request stops the connection.
    /// - A cancel does not find a start that still waits in the queue, and is not bound to a session (§9.5, Q-46); one
    ///   that meets the result brings both.
    /// - Results that arrive while the session is away are lost, as is what its connection had queued (§3.7).
    /// - A request right behind a token that resumes goes unanswered.
    /// - A capability of a wrong length ends the connection (§4.0).
    /// - Couriers ask the replicas at most five times again per envelope.
    /// - Packets leave at random times, one a second on average (§9.1).
    /// - A body of CBOR null or undefined ends the daemon; a [`Server`](crate::Server) then stays dead until it
    ///   is restarted.
    Reference,
}

/// When packets leave, where they may not all leave at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pacing {
    /// One each time a slot has passed, so that every wait has a bound.
    Even,
    /// At random times that are a slot apart on average, as those of a Poisson process (§9.1).
    Poisson,
}

/// How long things take; zero means at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timing {
    /// What one `encrypt_read` or `encrypt_write` takes, during which its connection does nothing else; packing a copy
    /// stream takes as long for each box.
    pub encrypt_time: Duration,
    /// What one step of the key agreement takes: minting a voucher needs one and a half, opening one, inducting two.
    pub group_action: Duration,
    /// What opening a replica's answer takes the daemon, per operation.
    pub open_time: Duration,
    /// From sending a packet to its reply.
    pub round_trip: Duration,
    /// Between two packets of the daemon, on average; zero sends everything that is ready.
    pub send_slot: Duration,
    /// Whether slots are even or random.
    pub pacing: Pacing,
    /// From a courier's dispatch to a replica's answer, and from one replica to the other.
    pub replica_time: Duration,
    /// The pause before an envelope is sent a third time; raised to 1 ms where nothing else would slow polling down.
    pub poll_interval: Duration,
    /// A courier's first pause before it reads a box of a copy stream again; it doubles up to twenty times that.
    pub copy_pause: Duration,
    /// The daemon's pause before it asks a courier again how far a copy command is.
    pub copy_poll: Duration,
    /// How long the daemon takes to connect to the mix network again; the reference says twice meanwhile that it is not.
    pub reconnect: Duration,
    /// From the daemon's start to its first document; a connection gets no first frame before, for 30 s at most.
    pub first_document: Duration,
}

impl Timing {
    const INSTANT: Self = Self {
        encrypt_time: Duration::ZERO,
        group_action: Duration::ZERO,
        open_time: Duration::ZERO,
        round_trip: Duration::ZERO,
        send_slot: Duration::ZERO,
        pacing: Pacing::Even,
        replica_time: Duration::ZERO,
        poll_interval: Duration::from_millis(50),
        copy_pause: Duration::from_millis(5),
        copy_poll: Duration::from_millis(50),
        reconnect: Duration::ZERO,
        first_document: Duration::ZERO,
    };

    /// What was observed on a network of the reference's own programs (§9.10); a test reproduces it row by row.
    const REFERENCE: Self = Self {
        encrypt_time: Duration::from_secs(2),
        group_action: Duration::from_millis(300),
        open_time: Duration::from_millis(3_500),
        round_trip: Duration::from_millis(1_300),
        send_slot: Duration::from_secs(1),
        pacing: Pacing::Poisson,
        replica_time: Duration::from_secs(2),
        poll_interval: Duration::ZERO,
        copy_pause: Duration::from_millis(500),
        copy_poll: Duration::from_secs(5),
        reconnect: Duration::from_secs(2),
        first_document: Duration::from_secs(3),
    };
}

/// What a devnet is like.
///
/// Begin with [`instant`](Self::instant) or [`reference`](Self::reference) and change what matters. Values out of range
/// are brought into it, as each field says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevnetConfig {
    /// Whose behaviour it shows.
    pub profile: Profile,
    /// How long things take.
    pub timing: Timing,
    /// How long a session outlives its connection (§3.6).
    pub grace_period: Duration,
    /// The payload of a mix packet in bytes, from which all other sizes follow; 512 to 1,048,576.
    pub user_forward_payload_length: usize,
    /// How long an epoch lasts; at least one second.
    pub epoch_period: Duration,
    /// The Unix time at the origin of the machine's clock, at or after 2017-06-01; it sets the epoch.
    ///
    /// A [`Server`](crate::Server) puts the wall clock's time here.
    pub unix_time_at_origin: Duration,
    /// Whether the daemon is connected to the mix network at first.
    pub mixnet: bool,
    /// How long a client may leave its frames unread before its connection is ended (§1.4).
    pub write_deadline: Duration,
    /// How many replicas there are, 2 to 32; two of them keep each box.
    pub replicas: u8,
    /// How many boxes each replica keeps before it says that its storage is full.
    pub replica_capacity: usize,
}

impl DevnetConfig {
    /// A daemon that does what the specification recommends, without delay.
    #[must_use]
    pub const fn instant() -> Self {
        Self {
            profile: Profile::Instant,
            timing: Timing::INSTANT,
            grace_period: Duration::from_secs(600),
            user_forward_payload_length: 2_000,
            epoch_period: Duration::from_secs(20 * 60),
            // 2026-01-01T00:00:00Z
            unix_time_at_origin: Duration::from_secs(1_767_225_600),
            mixnet: true,
            write_deadline: Duration::from_secs(60),
            replicas: 3,
            replica_capacity: 1 << 20,
        }
    }

    /// The reference daemon with its kinks, and as slow as it was observed.
    #[must_use]
    pub const fn reference() -> Self {
        let mut config = Self::instant();
        config.profile = Profile::Reference;
        config.timing = Timing::REFERENCE;
        config.epoch_period = Duration::from_secs(2 * 60);
        config
    }

    pub(crate) fn in_range(mut self) -> Self {
        self.user_forward_payload_length = self.user_forward_payload_length.clamp(512, 1 << 20);
        self.epoch_period = self.epoch_period.max(Duration::from_secs(1));
        self.replicas = self.replicas.clamp(2, 32);
        if self.timing.round_trip.is_zero() && self.timing.send_slot.is_zero() {
            self.timing.poll_interval = self.timing.poll_interval.max(Duration::from_millis(1));
        }
        self
    }
}

/// The same as [`DevnetConfig::instant`].
impl Default for DevnetConfig {
    fn default() -> Self {
        Self::instant()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_brought_into_their_range() {
        let mut config = DevnetConfig::instant();
        config.timing.poll_interval = Duration::ZERO;
        config.user_forward_payload_length = 0;
        config.epoch_period = Duration::ZERO;
        config.replicas = 1;
        let config = config.in_range();
        assert!(config.timing.poll_interval > Duration::ZERO);
        assert_eq!(config.user_forward_payload_length, 512);
        assert_eq!(config.epoch_period, Duration::from_secs(1));
        assert_eq!(config.replicas, 2);
    }
}
