//! The command, run as a user does.
#![cfg(all(target_os = "linux", feature = "command"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]
#![expect(clippy::disallowed_methods, reason = "a process is started, waited for and killed in real time")]

mod authorities;
mod basics;
mod client;
mod environment;
mod output;
mod places;
mod running;
mod signals;
mod store;

use client::Client;
use running::{Folder, Running, command, failed, shell};
