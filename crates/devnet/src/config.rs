//! What a devnet is like: how it deviates, how long things take, and how much there is of everything.

use std::time::Duration;

use crate::quirks::Quirks;
use crate::services::Service;

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
    /// How long the daemon takes to connect to the mix network again.
    pub reconnect: Duration,
    /// From the daemon's start to its first document; a connection gets no first frame before, for 30 s at most.
    pub first_document: Duration,
}

impl Timing {
    /// All times multiplied by a factor.
    fn scaled(mut self, factor: f64) -> Self {
        for time in [
            &mut self.encrypt_time,
            &mut self.group_action,
            &mut self.open_time,
            &mut self.round_trip,
            &mut self.send_slot,
            &mut self.replica_time,
            &mut self.poll_interval,
            &mut self.copy_pause,
            &mut self.copy_poll,
            &mut self.reconnect,
            &mut self.first_document,
        ] {
            *time = scaled(*time, factor);
        }
        self
    }

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

/// Makes the configuration of a profile.
pub type Profile = fn() -> DevnetConfig;

/// What a devnet is like.
///
/// Begin with a profile, [`instant`](Self::instant) for example, and change what matters. Values out of range are
/// brought into it, as each field says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevnetConfig {
    /// How the daemon and its network deviate from what the specification recommends.
    pub quirks: Quirks,
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
    /// How long a connection may be open without ever sending a byte.
    pub silence_deadline: Duration,
    /// How many bytes all connections together may have waiting, in both directions; at least 64 MiB.
    ///
    /// The connection that would pass it is closed.
    pub memory_max: usize,
    /// How many replicas there are, 2 to 32; two of them keep each box.
    pub replicas: u8,
    /// How many boxes each replica keeps before it says that its storage is full.
    pub replica_capacity: usize,
    /// The services on every service node besides `echo` and `courier`.
    pub services: Vec<Service>,
}

/// A time multiplied by a factor, which counts as 0 if it is negative or no number.
pub(crate) fn scaled(time: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(time.as_secs_f64() * factor.max(0.0)).unwrap_or(Duration::MAX)
}

impl DevnetConfig {
    /// How many service nodes there are, each with a courier; quirks number them from 0.
    pub const COURIERS: u8 = 2;

    /// The profiles by name: what a command line offers.
    pub const PROFILES: [(&'static str, Profile); 3] = [
        ("instant", Self::instant),
        ("reference", Self::reference),
        ("reference-2026-10", Self::reference_2026_10),
    ];

    /// A daemon that does what the specification recommends, without delay.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            quirks: Quirks::default(),
            timing: Timing::INSTANT,
            grace_period: Duration::from_secs(600),
            user_forward_payload_length: 2_000,
            epoch_period: Duration::from_secs(20 * 60),
            // 2026-01-01T00:00:00Z
            unix_time_at_origin: Duration::from_secs(1_767_225_600),
            mixnet: true,
            write_deadline: Duration::from_secs(60),
            silence_deadline: Duration::from_secs(600),
            memory_max: 1 << 30,
            replicas: 3,
            replica_capacity: 1 << 20,
            services: Service::usual(),
        }
    }

    /// The daemon of the specification as it was observed on a running network: as odd, and as slow (§9.10).
    #[must_use]
    pub fn reference() -> Self {
        Self {
            quirks: Quirks::reference(),
            timing: Timing::REFERENCE,
            epoch_period: Duration::from_secs(2 * 60),
            ..Self::instant()
        }
    }

    /// The daemons, couriers, replicas and documents of October 2026, as slow as those before.
    #[must_use]
    pub fn reference_2026_10() -> Self {
        Self { quirks: Quirks::reference_2026_10(), ..Self::reference() }
    }

    /// The same network with all its times, those of its quirks among them, multiplied by `factor`, which counts as 0
    /// if it is negative or no number.
    ///
    /// Below 1 everything is quicker: tests on a network like the real one that don't take as long. What a daemon
    /// allows its clients stays as it is: deadlines, the time of grace and the epochs.
    ///
    /// # Examples
    ///
    /// ```
    /// use kpthin_devnet::DevnetConfig;
    /// use std::time::Duration;
    ///
    /// let config = DevnetConfig::reference().scaled(0.01);
    /// assert_eq!(config.timing.encrypt_time, Duration::from_millis(20));
    /// ```
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.timing = self.timing.scaled(factor);
        self.quirks.scale(factor);
        self
    }

    pub(crate) fn in_range(mut self) -> Self {
        self.user_forward_payload_length = self.user_forward_payload_length.clamp(512, 1 << 20);
        self.epoch_period = self.epoch_period.max(Duration::from_secs(1));
        self.memory_max = self.memory_max.max(64 << 20);
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
        config.memory_max = 0;
        let config = config.in_range();
        assert!(config.timing.poll_interval > Duration::ZERO);
        assert_eq!(config.user_forward_payload_length, 512);
        assert_eq!(config.epoch_period, Duration::from_secs(1));
        assert_eq!((config.replicas, config.memory_max), (2, 64 << 20));
    }

    #[test]
    fn one_factor_scales_all_times() {
        let timing = Timing::REFERENCE.scaled(0.01);
        assert_eq!(timing.encrypt_time, Duration::from_millis(20));
        assert_eq!(timing.first_document, Duration::from_millis(30));
        assert_eq!(Timing::REFERENCE.scaled(1.0), Timing::REFERENCE);
        assert_eq!(Timing::REFERENCE.scaled(f64::NAN).round_trip, Duration::ZERO);
        assert_eq!(Timing::REFERENCE.scaled(f64::INFINITY).round_trip, Duration::MAX);
    }

    #[test]
    fn profiles_differ_in_quirks_and_times_alone() {
        let [instant, reference, newer] = DevnetConfig::PROFILES.map(|(_, profile)| profile());
        assert_eq!(instant.quirks, Quirks::default());
        assert_eq!(newer.timing, reference.timing);
        assert_ne!(newer.quirks, reference.quirks);
        let same = DevnetConfig { quirks: reference.quirks.clone(), ..newer };
        assert_eq!(same, reference);
    }
}
