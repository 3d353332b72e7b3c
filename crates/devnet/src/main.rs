//! Runs a devnet as a process, for programs in any language.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to whoever runs it")]

mod command;

use std::process::ExitCode;

use clap::Parser;

use command::Args;

fn main() -> ExitCode {
    match command::run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kpthin-devnet: {error}");
            ExitCode::FAILURE
        }
    }
}
