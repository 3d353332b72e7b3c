//! What it tells, and where.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What it tells")]
pub(crate) struct Output {
    /// Prints nothing but what ends it, on standard error. [default: off]
    ///
    /// The same as --log error, and counts more than another --log.
    #[arg(long)]
    quiet: bool,
    /// How much it prints.
    #[arg(long, value_enum, value_name = "LEVEL", default_value_t)]
    log: Level,
    /// Writes the thinclient.toml there, too. [default: nowhere]
    #[arg(long, value_name = "PATH")]
    pub(crate) write_config: Option<PathBuf>,
    /// Writes the addresses there once it listens. [default: nowhere]
    ///
    /// A line for each; the file is removed at the end. It appears complete: who waits for it can connect. One that is there already is removed at the start.
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
    /// Prints whom a client of this network trusts, and ends. [default: off]
    ///
    /// The names and keys of its authorities. They follow from the seed: needs --seed or --store.
    #[arg(
        long,
        value_enum,
        value_name = "FORM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "all"
    )]
    pub(crate) print_authorities: Option<Form>,
}

impl Output {
    pub(crate) fn level(&self) -> Level {
        if self.quiet { Level::Error } else { self.log }
    }
}

/// How much is told; each level tells what the ones before it do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Level {
    /// What ends the command, on standard error.
    Error,
    /// What goes wrong though it runs on, on standard error: no file or thread for a further connection, a store that
    /// was cut off, a file that could not be removed.
    Warn,
    /// Where it listens, the thinclient.toml, and a line for every connection, on standard output.
    #[default]
    Info,
    /// All settings, the files that it writes, the signal that stops it and what it did until then.
    Debug,
}

/// How authorities are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// All of the following, one below the other.
    All,
    /// A file as the recipes of kpthin read it (KPTHIN_TRUST_ROOT): scheme, seconds of an epoch, names and keys.
    File,
    /// Names and keys in PEM, for authority_pem of a trust root.
    Pem,
    /// A trust root in Rust.
    Rust,
}
