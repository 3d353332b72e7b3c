//! Whose behaviour the network shows, and what is otherwise about it.

use std::collections::BTreeSet;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use kpthin_devnet::{DevnetConfig, Faults, Quirks, Service};

const HEADING: &str = "The network";
/// How much slower than its profile a network can be.
const SCALE_MAX: f64 = 1_000.0;

/// What kind of network it is, and what goes wrong in it.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Network {
    /// Whose behaviour it shows.
    ///
    /// `instant` does what the specification recommends, at once; `reference` is the daemon as it was observed, with its
    /// mistakes and its slowness; `reference-2026-10` is a newer one, in a newer network.
    #[arg(
        long,
        value_name = "PROFILE",
        default_value_t = Profile::usual(),
        value_parser = PossibleValuesParser::new(DevnetConfig::PROFILES.map(|(name, _)| name)).map(Profile),
        help_heading = HEADING
    )]
    pub(crate) profile: Profile,
    /// Multiplies all times of the profile and its quirks by this, for example 0.01; single times stay as they are given. [default: 1]
    #[arg(long, value_name = "FACTOR", value_parser = scale, help_heading = HEADING)]
    scale: Option<f64>,
    /// Switches a deviation on, off or to a value; may be given more than once. --help lists all. [default: the profile's]
    #[arg(
        long = "quirk",
        value_name = "NAME[=VALUE]",
        value_delimiter = ',',
        value_parser = quirk,
        long_help = quirk_help(),
        help_heading = HEADING
    )]
    quirks: Vec<String>,
    /// Has a service on every service node, besides echo and courier; may be given more than once.
    /// [default: testdest=echo, which stays]
    ///
    /// The kind is echo, which sends a message's payload back, or silent. Messages go to the queue of that name with a
    /// plus sign in front.
    #[arg(
        long = "service",
        value_name = "NAME=KIND",
        value_delimiter = ',',
        value_parser = service,
        help_heading = HEADING
    )]
    services: Vec<Service>,
    /// Has something go wrong, for example loss=0.3; may be given more than once, and --help lists all. [default: none]
    #[arg(
        long = "fault",
        value_name = "NAME[=VALUE]",
        value_delimiter = ',',
        value_parser = fault,
        long_help = fault_help(),
        help_heading = HEADING
    )]
    faults: Vec<Faults>,
}

/// The name of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Profile(String);

impl Profile {
    fn usual() -> Self {
        Self::all().next().unwrap_or_else(|| Self(String::new()))
    }

    pub(super) fn all() -> impl Iterator<Item = Self> {
        DevnetConfig::PROFILES.into_iter().map(|(name, _)| Self(name.to_owned()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(super) fn config(&self) -> DevnetConfig {
        let profile = DevnetConfig::PROFILES.iter().find(|(name, _)| *name == self.0);
        profile.map_or_else(DevnetConfig::default, |(_, config)| config())
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Network {
    /// The profile, with what was set otherwise.
    pub(super) fn config(&self) -> DevnetConfig {
        let mut config = self.profile.config();
        if let Some(factor) = self.scale {
            config = config.scaled(factor);
        }
        for quirk in &self.quirks {
            // It was checked when it was read.
            let _ = config.quirks.set(quirk);
        }
        // One that is given again is meant otherwise.
        config.services.retain(|there| self.services.iter().all(|given| given.name() != there.name()));
        config.services.extend(self.services.iter().cloned());
        config
    }

    /// The quirks that were given, as they were.
    pub(crate) fn quirks(&self) -> &[String] {
        &self.quirks
    }

    /// All faults together.
    pub(crate) fn faults(&self) -> Faults {
        self.faults.iter().cloned().fold(Faults::default(), Faults::and)
    }

    /// What no value can tell alone.
    pub(super) fn check(&self, config: &DevnetConfig) -> Result<(), String> {
        let (faults, there) = (self.faults(), config.replicas);
        let named = [&faults.replicas_down, &faults.partitioned, &faults.storage_full];
        if let Some(number) = named.into_iter().flatten().find(|number| **number >= there) {
            return Err(format!(
                "there is no replica {number} for a --fault: they are numbered from 0 to {}, and --replicas makes more",
                there - 1
            ));
        }
        let there = DevnetConfig::COURIERS;
        if let Some(number) = config.quirks.silent_couriers.iter().find(|number| **number >= there) {
            return Err(format!(
                "there is no courier {number} for a --quirk: they are numbered from 0 to {}",
                there - 1
            ));
        }
        let mut names = BTreeSet::new();
        match self.services.iter().find(|service| !names.insert(service.name())) {
            Some(service) => Err(format!("there is more than one --service {}", service.name())),
            None => Ok(()),
        }
    }
}

fn scale(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor: &f64| (0.0..=SCALE_MAX).contains(factor));
    factor.ok_or_else(|| format!("a factor is a number from 0 to {SCALE_MAX}"))
}

fn quirk(text: &str) -> Result<String, String> {
    Quirks::default().set(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn service(text: &str) -> Result<Service, String> {
    text.parse::<Service>().map_err(|error| error.to_string())
}

fn fault(text: &str) -> Result<Faults, String> {
    text.parse::<Faults>().map_err(|error| error.to_string())
}

fn quirk_help() -> String {
    format!(
        "Switches a deviation from the specification on, off or to a value; may be given more than once, and a later one \
         counts more. NAME alone means on, NAME=off is off. Times are milliseconds, and couriers are numbered from 0. \
         [default: the profile's]\n\n  {:<30}{:<11}{:<11}what it does\n  {:<30}{:<11}{:<11}\n{}",
        "",
        "reference",
        "reference",
        "",
        "",
        "2026-10",
        Quirks::help()
    )
}

fn fault_help() -> String {
    format!(
        "Has something go wrong; may be given more than once. Shares are numbers from 0 to 1, times milliseconds, and \
         replicas are numbered from 0. [default: none]\n\n{}",
        Faults::help()
    )
}
