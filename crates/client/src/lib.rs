//! A client for the Katzenpost daemon that works on any executor: handles, calls, events and one generic driver.

mod config;
mod io;

pub use config::{Config, ConfigError, Endpoint, Family, FirstConnect};
pub use io::{Clock, Duplex, Runtime};
