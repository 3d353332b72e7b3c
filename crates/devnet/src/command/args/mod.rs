//! The command line.

mod environment;
mod examples;
mod network;
mod output;
mod places;
mod settings;

use std::ffi::OsString;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::Write;
use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser};
use kpthin_devnet::DevnetConfig;

use network::Network;
use output::Output;
pub(crate) use output::{Form, Level};
pub(crate) use places::{Listen, Places, UnixPlace};
use settings::Settings;

/// An embedded stand-in for the Katzenpost client daemon, as a process. It gives no anonymity.
///
/// It speaks the thin-client protocol and keeps real boxes, in memory or in a file. Every flag can also be given in the
/// environment, by the variable named behind it; what stands on the command line counts more. In a variable, several
/// addresses, quirks, services or faults have commas in between, and a switch is true or false.
#[derive(Debug, Parser)]
#[command(name = "kpthin-devnet", version, after_help = examples::EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) places: Places,
    #[command(flatten)]
    pub(crate) output: Output,
    #[command(flatten)]
    pub(crate) network: Network,
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
    #[command(flatten)]
    settings: Settings,
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
        let check = args.network.check(&args.config());
        check.map_err(|problem| command.error(clap::error::ErrorKind::ValueValidation, problem))?;
        Ok(args)
    }

    /// What was given, or a random number.
    pub(crate) fn seed_or_random(&self) -> u64 {
        self.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish())
    }

    /// The profile, with what was set otherwise.
    pub(crate) fn config(&self) -> DevnetConfig {
        let mut config = self.network.config();
        self.settings.apply(&mut config);
        config
    }

    /// All settings by name, those of the profile among them.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        settings::all(&self.config())
    }
}

#[cfg(test)]
mod tests;
