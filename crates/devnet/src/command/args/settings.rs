//! What a network is like, in numbers: one row for each flag.

use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Arg, ArgMatches, Command, ValueEnum};
use kpthin_devnet::{DevnetConfig, Pacing};

use super::network::Profile;

/// A year: enough for every purpose, and far from where sums of times would overflow.
const TIME_MS_MAX: u64 = 365 * 24 * 60 * 60 * 1_000;
const HEADING: &str = "How long things take, and how large they are";

/// A flag with a number: how it is told, what it may be, and where it goes.
struct Setting {
    name: &'static str,
    unit: Unit,
    help: &'static str,
    range: std::ops::RangeInclusive<u64>,
    get: fn(&DevnetConfig) -> u64,
    set: fn(&mut DevnetConfig, u64),
}

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Milliseconds,
    Number,
    Seconds,
}

/// A setting that is a time in milliseconds, from so many on.
macro_rules! time {
    ($name:literal, $least:literal, $help:literal, $($field:ident).+) => {
        Setting {
            name: $name,
            unit: Unit::Milliseconds,
            help: $help,
            range: $least..=TIME_MS_MAX,
            get: |config| millis(config.$($field).+),
            set: |config, value| config.$($field).+ = Duration::from_millis(value),
        }
    };
}

const SETTINGS: &[Setting] = &[
    time!("encrypt-time", 0, "What one encryption takes", timing.encrypt_time),
    time!("group-action", 0, "What one step of a voucher's key agreement takes", timing.group_action),
    time!("open-time", 0, "What opening a replica's answer takes", timing.open_time),
    time!("round-trip", 0, "From sending a packet to its reply", timing.round_trip),
    time!("send-slot", 0, "Between two packets of the daemon", timing.send_slot),
    time!(
        "replica-time",
        0,
        "From a courier to a replica, and from one replica to the other",
        timing.replica_time
    ),
    time!("write-deadline", 1, "How long a client may leave its frames unread", write_deadline),
    time!(
        "silence-deadline",
        1,
        "How long a connection may be open on which nothing was ever said",
        silence_deadline
    ),
    time!("grace-period", 0, "How long a session outlives its connection", grace_period),
    Setting {
        name: "epoch",
        unit: Unit::Seconds,
        help: "How long an epoch lasts",
        range: 1..=TIME_MS_MAX / 1_000,
        get: |config| config.epoch_period.as_secs(),
        set: |config, value| config.epoch_period = Duration::from_secs(value),
    },
    Setting {
        name: "replicas",
        unit: Unit::Number,
        help: "How many replicas there are, two of which keep each box",
        range: 2..=32,
        get: |config| u64::from(config.replicas),
        set: |config, value| config.replicas = u8::try_from(value).unwrap_or(u8::MAX),
    },
    Setting {
        name: "replica-capacity",
        unit: Unit::Number,
        help: "How many boxes each replica keeps before it says that its storage is full",
        range: 0..=u32::MAX as u64,
        get: |config| config.replica_capacity as u64,
        set: |config, value| config.replica_capacity = usize::try_from(value).unwrap_or(usize::MAX),
    },
    Setting {
        name: "memory-max",
        unit: Unit::Bytes,
        help: "What all connections together may have waiting before one of them is closed",
        range: 64 << 20..=1 << 40,
        get: |config| config.memory_max as u64,
        set: |config, value| config.memory_max = usize::try_from(value).unwrap_or(usize::MAX),
    },
    Setting {
        name: "payload-length",
        unit: Unit::Bytes,
        help: "The payload of a mix packet, from which all other sizes follow",
        range: 512..=1 << 20,
        get: |config| config.user_forward_payload_length as u64,
        set: |config, value| {
            config.user_forward_payload_length = usize::try_from(value).unwrap_or(usize::MAX);
        },
    },
];

/// What was set otherwise than the profile has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// By the place of the setting among all.
    numbers: Vec<(usize, u64)>,
    pacing: Option<PacingName>,
}

/// Whether packets leave at even or at random times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PacingName {
    /// One each time a slot has passed.
    Even,
    /// At random times that are a slot apart on average.
    Poisson,
}

impl PacingName {
    const fn of(config: &DevnetConfig) -> Self {
        match config.timing.pacing {
            Pacing::Poisson => Self::Poisson,
            _ => Self::Even,
        }
    }

    fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Settings {
    pub(super) fn apply(&self, config: &mut DevnetConfig) {
        for (place, value) in &self.numbers {
            if let Some(setting) = SETTINGS.get(*place) {
                (setting.set)(config, *value);
            }
        }
        config.timing.pacing = match self.pacing {
            Some(PacingName::Even) => Pacing::Even,
            Some(PacingName::Poisson) => Pacing::Poisson,
            None => config.timing.pacing,
        };
    }
}

/// All settings as a network has them, by name.
pub(super) fn all(config: &DevnetConfig) -> Vec<(&'static str, String)> {
    let numbers = SETTINGS.iter().map(|setting| (setting.name, (setting.get)(config).to_string()));
    numbers.chain([(PACING, PacingName::of(config).text())]).collect()
}

const PACING: &str = "pacing";

impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        let command = SETTINGS.iter().fold(command, |command, setting| command.arg(setting.arg()));
        let help = format!(
            "Whether packets leave at even or at random times {}",
            defaults(|config| PacingName::of(config).text())
        );
        let pacing = Arg::new(PACING).long(PACING).help(help).help_heading(HEADING);
        command.arg(pacing.value_parser(clap::builder::EnumValueParser::<PacingName>::new()))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for (place, setting) in SETTINGS.iter().enumerate() {
            self.numbers.extend(matches.get_one::<u64>(setting.name).map(|value| (place, *value)));
        }
        self.pacing = matches.get_one(PACING).copied().or(self.pacing);
        Ok(())
    }
}

impl Setting {
    fn arg(&self) -> Arg {
        let (value, unit) = match self.unit {
            Unit::Bytes => ("BYTES", ", in bytes"),
            Unit::Milliseconds => ("MS", ", in milliseconds"),
            Unit::Number => ("NUMBER", ""),
            Unit::Seconds => ("SECONDS", ", in seconds"),
        };
        let defaults = defaults(|config| (self.get)(config).to_string());
        Arg::new(self.name)
            .long(self.name)
            .value_name(value)
            .value_parser(RangedU64ValueParser::<u64>::new().range(self.range.clone()))
            .help(format!("{}{unit} {defaults}", self.help))
            .help_heading(HEADING)
    }
}

/// What a setting is unless it is set, and in which profiles it is otherwise.
fn defaults(get: impl Fn(&DevnetConfig) -> String) -> String {
    let mut values = Vec::<(String, Vec<String>)>::new();
    for profile in Profile::all() {
        let (value, name) = (get(&profile.config()), profile.name().to_owned());
        match values.iter_mut().find(|(other, _)| *other == value) {
            Some((_, names)) => names.push(name),
            None => values.push((value, vec![name])),
        }
    }
    let texts = values.iter().enumerate().map(|(place, (value, names))| match place {
        // The first profile is the usual one.
        0 => value.clone(),
        _ => format!("{value} with --profile {}", names.join(" or ")),
    });
    format!("[default: {}]", texts.collect::<Vec<_>>().join("; "))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
