//! Runs a devnet as a process, for programs in any language.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a process has threads, a clock, files and signals; its machine is in the library"
)]

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
