//! The command line.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use kpthin_devnet::{DevnetConfig, Faults};

/// Where the reference daemon listens.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 64_331);

/// An embedded stand-in for the Katzenpost client daemon, as a process. It gives no anonymity.
///
/// It speaks the thin-client protocol and keeps real boxes, in memory or in a file. Without --listen or --unix it listens
/// on 127.0.0.1:64331.
#[derive(Debug, Parser)]
#[command(name = "kpthin-devnet", version)]
pub(crate) struct Args {
    /// Listens on this TCP address; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Listens on this Unix socket; a path that begins with @ names a Linux abstract socket.
    #[arg(long, value_name = "PATH")]
    pub(crate) unix: Option<PathBuf>,
    /// Listens also where others can reach it, who can then read, write and cancel everything.
    #[arg(long)]
    pub(crate) allow_public: bool,
    /// Whose behaviour it shows: `instant` does as the specification recommends, at once; `reference` as the daemon does.
    #[arg(long, value_enum, default_value_t = Profile::Instant)]
    pub(crate) profile: Profile,
    /// Keeps boxes in this file, which is made if it is not there; the seed in it counts.
    #[arg(long, value_name = "PATH", conflicts_with = "seed")]
    pub(crate) store: Option<PathBuf>,
    /// What everything random comes from; a random one unless given.
    #[arg(long)]
    seed: Option<u64>,
    /// Writes the thinclient.toml there, too.
    #[arg(long, value_name = "PATH")]
    pub(crate) write_config: Option<PathBuf>,
    /// What one encryption takes, in milliseconds.
    #[arg(long, value_name = "MS")]
    encrypt_time: Option<u64>,
    /// From sending a packet to its reply, in milliseconds.
    #[arg(long, value_name = "MS")]
    round_trip: Option<u64>,
    /// Between two packets of the daemon, in milliseconds.
    #[arg(long, value_name = "MS")]
    send_slot: Option<u64>,
    /// From a courier to a replica, and from one replica to the other, in milliseconds.
    #[arg(long, value_name = "MS")]
    replica_time: Option<u64>,
    /// Has something go wrong, for example loss=0.3; may be given more than once. --help lists all.
    #[arg(long = "fault", value_name = "FAULT", long_help = fault_help())]
    faults: Vec<Faults>,
    /// What one step of a voucher's key agreement takes, in milliseconds.
    #[arg(long, value_name = "MS")]
    group_action: Option<u64>,
    /// What opening a replica's answer takes, in milliseconds.
    #[arg(long, value_name = "MS")]
    open_time: Option<u64>,
    /// Whether packets leave at even or at random times.
    #[arg(long, value_enum)]
    pacing: Option<Pacing>,
    /// How long a client may leave its frames unread, in milliseconds.
    #[arg(long, value_name = "MS")]
    write_deadline: Option<u64>,
    /// How long a session outlives its connection, in milliseconds.
    #[arg(long, value_name = "MS")]
    grace_period: Option<u64>,
    /// How many replicas there are, two of which keep each box.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(2..=32))]
    replicas: Option<u8>,
    /// How many boxes each replica keeps before it says that its storage is full.
    #[arg(long, value_name = "BOXES")]
    replica_capacity: Option<usize>,
    /// How long an epoch lasts, in seconds.
    #[arg(long, value_name = "SECONDS")]
    epoch: Option<u64>,
    /// The payload of a mix packet in bytes, from which all other sizes follow.
    #[arg(long, value_name = "BYTES")]
    payload_length: Option<usize>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Profile {
    Instant,
    Reference,
    #[value(name = "reference-2026-10")]
    Reference202610,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Pacing {
    Even,
    Poisson,
}

fn fault_help() -> String {
    format!(
        "Has something go wrong; may be given more than once. Shares are numbers from 0 to 1, times milliseconds, and \
         replicas are numbered from 0.\n\n{}",
        Faults::help()
    )
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Instant => "instant",
            Self::Reference => "reference",
            Self::Reference202610 => "reference-2026-10",
        })
    }
}

impl Args {
    /// Where to listen on TCP.
    pub(crate) fn listen(&self) -> Option<SocketAddr> {
        self.listen.or_else(|| self.unix.is_none().then_some(USUAL))
    }

    /// What was given, or a random number.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish())
    }

    /// All faults together; a replica that is to fail has to be there.
    pub(crate) fn faults(&self) -> Result<Faults, String> {
        let faults = self.faults.iter().cloned().fold(Faults::default(), Faults::and);
        let there = self.config().replicas;
        let named = [&faults.replicas_down, &faults.partitioned, &faults.storage_full];
        let unknown = named.into_iter().flatten().copied().find(|number| *number >= there);
        match unknown {
            Some(number) => {
                Err(format!("there is no replica {number}: they are numbered from 0 to {}", there - 1))
            }
            None => Ok(faults),
        }
    }

    pub(crate) fn config(&self) -> DevnetConfig {
        let mut config = match self.profile {
            Profile::Instant => DevnetConfig::instant(),
            Profile::Reference => DevnetConfig::reference(),
            Profile::Reference202610 => DevnetConfig::reference_2026_10(),
        };
        let set = |time: &mut Duration, millis: Option<u64>| {
            if let Some(millis) = millis {
                *time = Duration::from_millis(millis);
            }
        };
        set(&mut config.timing.encrypt_time, self.encrypt_time);
        set(&mut config.timing.round_trip, self.round_trip);
        set(&mut config.timing.send_slot, self.send_slot);
        set(&mut config.timing.replica_time, self.replica_time);
        set(&mut config.timing.group_action, self.group_action);
        set(&mut config.timing.open_time, self.open_time);
        set(&mut config.write_deadline, self.write_deadline);
        set(&mut config.grace_period, self.grace_period);
        if let Some(pacing) = self.pacing {
            config.timing.pacing = match pacing {
                Pacing::Even => kpthin_devnet::Pacing::Even,
                Pacing::Poisson => kpthin_devnet::Pacing::Poisson,
            };
        }
        config.replicas = self.replicas.unwrap_or(config.replicas);
        config.replica_capacity = self.replica_capacity.unwrap_or(config.replica_capacity);
        if let Some(seconds) = self.epoch {
            config.epoch_period = Duration::from_secs(seconds);
        }
        if let Some(bytes) = self.payload_length {
            config.user_forward_payload_length = bytes;
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Args {
        Args::try_parse_from(["kpthin-devnet"].iter().chain(args)).unwrap()
    }

    #[test]
    fn faults_add_up_and_name_replicas_that_are_there() {
        let args = ["--fault", "loss=0.5", "--fault", "replica-down=3"];
        assert_eq!(
            parse(&args).faults().unwrap_err(),
            "there is no replica 3: they are numbered from 0 to 2"
        );
        let faults = parse(&[&args[..], &["--replicas", "4"]].concat()).faults().unwrap();
        assert_eq!((faults.loss, faults.replicas_down), (0.5, [3].into()));
        assert!(Args::try_parse_from(["kpthin-devnet", "--fault", "luck=1"]).is_err());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn without_a_place_it_listens_where_the_reference_does() {
        assert_eq!(parse(&[]).listen(), Some(USUAL));
        assert_eq!(parse(&["--unix", "/tmp/socket"]).listen(), None);
        let both = parse(&["--unix", "/tmp/socket", "--listen", "127.0.0.1:0"]);
        assert_eq!(both.listen(), Some(([127, 0, 0, 1], 0).into()));
    }

    #[test]
    fn the_profile_comes_first_and_single_values_change_it() {
        let config =
            parse(&["--profile=reference", "--encrypt-time=20", "--open-time=30", "--epoch=60"]).config();
        let mut expected = DevnetConfig::reference();
        expected.timing.encrypt_time = Duration::from_millis(20);
        expected.timing.open_time = Duration::from_millis(30);
        expected.epoch_period = Duration::from_secs(60);
        assert_eq!(config, expected);
        assert_eq!(parse(&["--seed", "7"]).seed(), 7);
    }
}
