//! Why a simulation has given a future up.

use std::{error::Error, fmt, time::Duration};

use kpthin_client::{LinkStatus, Status};
use kpthin_devnet::Devnet;

/// What kept a future from ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StallCause {
    /// It was begun within another one that the same simulation runs; await it there instead.
    Nested,
    /// Nothing happens by itself any more, so that nothing can wake it.
    Never,
    /// The simulation's [patience](crate::Simulation::set_patience) was used up.
    Patience,
    /// Something goes on and on while the clock stands still: a loop without a pause in it.
    Spinning,
}

/// A future that a simulation has given up, and what was the matter then.
///
/// What it prints says all of it, for whoever reads a failed test.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stalled {
    /// What kept it from ending.
    pub cause: StallCause,
    /// How much simulated time it has been given.
    pub passed: Duration,
    /// How long before the end it was woken for the last time; nothing it waits for has come since.
    pub idle: Duration,
    /// What the clients know that are open, in the order of their connecting.
    pub clients: Vec<Status>,
    /// The state of the devnet.
    pub devnet: DevnetStatus,
    /// How long it is until something happens by itself, `None` if nothing will.
    pub next_wake: Option<Duration>,
}

/// What a devnet is about, as far as it concerns somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DevnetStatus {
    /// Whether the daemon runs: it was not shut down and has not crashed.
    pub running: bool,
    /// Connections that are open.
    pub connections: usize,
    /// Operations that were started and have not ended.
    pub operations: usize,
    /// What goes wrong on purpose, as it is written for a command line; empty if nothing does.
    pub faults: Box<str>,
}

impl DevnetStatus {
    pub(crate) fn of(net: &Devnet) -> Self {
        Self {
            running: net.is_running(),
            connections: net.connections(),
            operations: net.operations(),
            faults: net.faults().to_string().into(),
        }
    }
}

impl fmt::Display for DevnetStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { running, connections, operations, faults } = self;
        f.write_str(if *running { "the daemon runs" } else { "the daemon does not run" })?;
        write!(f, ", {connections} connections, {operations} operations outstanding")?;
        if !faults.is_empty() {
            write!(f, ", faults: {faults}")?;
        }
        Ok(())
    }
}

/// A client's status in a few words.
struct Words<'a>(&'a Status);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Status { link, mixnet, epoch, queued, outstanding, .. } = self.0;
        write!(f, "link {}", format!("{link:?}").to_lowercase())?;
        if *link == LinkStatus::Up {
            f.write_str(if *mixnet { ", mix network connected" } else { ", mix network away" })?;
            match epoch {
                Some(epoch) => write!(f, ", document of epoch {epoch}")?,
                None => f.write_str(", no document")?,
            }
        }
        write!(f, ", {outstanding} calls outstanding, {queued} of them not written")
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cause, passed, idle, clients, devnet, next_wake } = self;
        match cause {
            StallCause::Nested => {
                return f.write_str("a simulation can't run a future within another one: await it there");
            }
            StallCause::Never => write!(f, "the future waits for something that can never happen")?,
            StallCause::Patience => write!(f, "the simulation's patience (see `set_patience`) is used up")?,
            StallCause::Spinning => {
                write!(f, "something goes on for ever while the simulated clock stands still")?;
            }
        }
        writeln!(f, ": the future has not ended after {passed:?} of simulated time")?;
        writeln!(f, "  the future: woken for the last time {idle:?} before")?;
        for (at, client) in clients.iter().enumerate() {
            writeln!(f, "  client {}: {}", at + 1, Words(client))?;
        }
        writeln!(f, "  devnet: {devnet}")?;
        match next_wake {
            Some(next) => write!(f, "  next: something happens in {next:?}"),
            None => write!(f, "  next: nothing happens by itself any more"),
        }
    }
}

impl Error for Stalled {}
