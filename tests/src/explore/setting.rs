//! What a world is made of.

use std::time::Duration;

use kpthin_core::machine::{Config, Role};
use kpthin_devnet::{DevnetConfig, Pacing};

use super::What;

/// How often each thing may go wrong or be done in one world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Faults {
    /// The program cancels a call.
    pub cancels: u8,
    /// The program closes the machine.
    pub closes: u8,
    /// The link ends between two frames, for both sides.
    pub cuts: u8,
    /// A call gets a deadline.
    pub deadlines: u8,
    /// Time passes while bytes are on their way.
    pub delays: u8,
    /// The mix network goes away.
    pub flaps: u8,
    /// The link ends for the client alone: a forwarder holds the other half, and says that the daemon has closed.
    pub hidden: u8,
    /// The same, but the client knows that the daemon may not have noticed.
    pub local: u8,
    /// A frame arrives in two parts.
    pub parts: u8,
    /// A dial fails.
    pub refusals: u8,
    /// The daemon is started anew.
    pub restarts: u8,
    /// The daemon stops, and says so.
    pub shutdowns: u8,
    /// The link ends within a frame, for both sides.
    pub torn: u8,
    /// The link ends for the daemon alone; what the client writes then goes nowhere.
    pub unseen: u8,
}

/// Where a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With the first dial.
    Dialling,
    /// Behind the first handshake.
    Up,
}

/// A small world.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// The daemon's profile.
    pub profile: &'static str,
    /// The calls, which are started in this order.
    pub calls: &'static [What],
    /// What goes wrong, at most.
    pub faults: Faults,
    /// Which of a program's two links it is.
    pub role: Role,
    /// Where the search begins.
    pub begin: Begin,
    /// Whether writing is a step of its own, as with a driver that has other things to do.
    pub lazy: bool,
    /// How long the daemon keeps a session without connection.
    pub grace: Duration,
    /// What the times of a daemon like the real one are multiplied by.
    pub scale: f64,
    /// The search stops after so many states.
    pub states_max: usize,
    /// Whether it belongs to every run of the tests.
    pub quick: bool,
    /// What is known to break in it and not mended yet: the beginnings of the findings' texts.
    pub known: &'static [&'static str],
}

impl Setting {
    /// One without calls and faults, at the ideal daemon.
    pub const BASE: Self = Self {
        name: "",
        profile: "instant",
        calls: &[],
        faults: Faults {
            cancels: 0,
            closes: 0,
            cuts: 0,
            deadlines: 0,
            delays: 0,
            flaps: 0,
            hidden: 0,
            local: 0,
            parts: 0,
            refusals: 0,
            restarts: 0,
            shutdowns: 0,
            torn: 0,
            unseen: 0,
        },
        role: Role::Main,
        begin: Begin::Up,
        lazy: false,
        grace: Duration::from_secs(600),
        scale: 0.01,
        states_max: 30_000,
        quick: false,
        known: &[],
    };

    /// The machine's configuration.
    #[must_use]
    pub fn machine(&self) -> Config {
        let mut config = Config::default();
        config.role = self.role;
        // States that differ in nothing else are the same.
        config.jitter_percent = 0;
        config
    }

    /// The daemon's configuration.
    ///
    /// # Panics
    ///
    /// If there is no such profile.
    #[must_use]
    pub fn config(&self) -> DevnetConfig {
        let profile = DevnetConfig::PROFILES.iter().find(|(name, _)| *name == self.profile);
        let mut config = profile.unwrap_or_else(|| panic!("no profile {}", self.profile)).1();
        if self.profile == "instant" {
            // Every poll is a state.
            config.timing.poll_interval = Duration::from_secs(200);
        } else {
            config = config.scaled(self.scale);
        }
        // What is drawn at random next is no part of a state, so states that count as one would go on in different ways.
        config.timing.pacing = Pacing::Even;
        config.quirks.retransmission_jitter = None;
        config.grace_period = self.grace;
        // No search takes so long, so how far off the end of the epoch is makes no difference.
        config.epoch_period = Duration::from_secs(10 * 365 * 86_400);
        config
    }
}
