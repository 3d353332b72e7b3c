//! The command line.

mod environment;
mod examples;
mod output;
mod places;
mod settings;

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use kpthin_devnet::{DevnetConfig, Faults};

use output::Output;
pub(crate) use output::{Form, Level};
pub(crate) use places::{Listen, Places, UnixPlace};
use settings::{Settings, TIME_MS_MAX};

/// An embedded stand-in for the Katzenpost client daemon, as a process. It gives no anonymity.
///
/// It speaks the thin-client protocol and keeps real boxes, in memory or in a file. Every flag can also be given in the
/// environment, by the variable named behind it; what stands on the command line counts more. In a variable, several
/// addresses or faults have commas in between, and a switch is true or false.
#[derive(Debug, Parser)]
#[command(name = "kpthin-devnet", version, after_help = examples::EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) places: Places,
    #[command(flatten)]
    pub(crate) output: Output,
    /// Whose behaviour it shows.
    #[arg(long, value_enum, default_value_t, help_heading = "The network")]
    pub(crate) profile: Profile,
    /// Keeps boxes in this file. [default: in memory]
    ///
    /// It is made if it is not there; else the network in it goes on.
    #[arg(long, value_name = "PATH", help_heading = "The network")]
    pub(crate) store: Option<PathBuf>,
    /// What everything random comes from. [default: that of the store, else a random one]
    ///
    /// A new store gets it; one of another seed is refused.
    #[arg(long, value_name = "NUMBER", help_heading = "The network")]
    pub(crate) seed: Option<u64>,
    /// Has something go wrong, for example loss=0.3; may be given more than once, and --help lists all. [default: none]
    #[arg(
        long = "fault",
        value_name = "FAULT",
        value_delimiter = ',',
        value_parser = fault,
        long_help = fault_help(),
        help_heading = "The network"
    )]
    faults: Vec<Faults>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum Profile {
    /// A daemon that does as the specification recommends, at once.
    #[default]
    Instant,
    /// The reference daemon as it was observed, with its mistakes and its slowness.
    Reference,
}

impl Profile {
    fn config(self) -> DevnetConfig {
        match self {
            Self::Instant => DevnetConfig::instant(),
            Self::Reference => DevnetConfig::reference(),
        }
    }

    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl Args {
    /// Reads the command line and the environment; help and errors end the process.
    pub(crate) fn parse() -> Self {
        Self::try_parse_from(std::env::args_os()).unwrap_or_else(|error| {
            let names: Vec<_> = environment::set().collect();
            // Nobody may be there to read any of it.
            let _ = error.print();
            if error.use_stderr() && !names.is_empty() {
                let _ =
                    writeln!(std::io::stderr(), "The environment counts, too: {} is set.", names.join(", "));
            }
            std::process::exit(error.exit_code())
        })
    }

    /// The variables that look like those of flags and are none.
    pub(crate) fn unknown_variables() -> Vec<String> {
        let command = Self::command();
        let known: Vec<_> =
            command.get_arguments().filter_map(clap::Arg::get_long).map(environment::variable).collect();
        environment::set().filter(|name| !known.contains(name)).collect()
    }

    fn try_parse_from(args: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let mut command = environment::with_variables(Self::command());
        let matches = command.try_get_matches_from_mut(args)?;
        let args = Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
        let check = args.check();
        check.map_err(|problem| command.error(clap::error::ErrorKind::ValueValidation, problem))?;
        Ok(args)
    }

    /// What no flag can tell alone.
    fn check(&self) -> Result<(), String> {
        let (faults, there) = (self.faults(), self.config().replicas);
        let named = [&faults.replicas_down, &faults.partitioned, &faults.storage_full];
        match named.into_iter().flatten().find(|number| **number >= there) {
            Some(number) => Err(format!(
                "there is no replica {number} for a --fault: they are numbered from 0 to {}, and --replicas makes more",
                there - 1
            )),
            None => Ok(()),
        }
    }

    /// All faults together.
    pub(crate) fn faults(&self) -> Faults {
        self.faults.iter().cloned().fold(Faults::default(), Faults::and)
    }

    /// What was given, or a random number.
    pub(crate) fn seed_or_random(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish())
    }

    /// The profile, with what was set otherwise.
    pub(crate) fn config(&self) -> DevnetConfig {
        let mut config = self.profile.config();
        self.settings.apply(&mut config);
        config
    }

    /// All settings by name, those of the profile among them.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        settings::all(&self.config())
    }
}

/// Reads a fault; its time has to have a bound as well.
fn fault(text: &str) -> Result<Faults, String> {
    let faults = text.parse::<Faults>().map_err(|error| error.to_string())?;
    // Shares and numbers of replicas are far below it.
    let number = text.split_once('=').and_then(|(_, value)| value.parse::<u64>().ok());
    match number {
        Some(number) if number > TIME_MS_MAX => {
            Err(format!("a time is from 1 to {TIME_MS_MAX} milliseconds, a year"))
        }
        _ => Ok(faults),
    }
}

fn fault_help() -> String {
    format!(
        "Has something go wrong; may be given more than once. Shares are numbers from 0 to 1, times milliseconds, and \
         replicas are numbered from 0. [default: none]\n\n{}",
        Faults::help()
    )
}

#[cfg(test)]
mod tests;
