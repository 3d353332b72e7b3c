//! The two links of a client, and the machine behind each.

use kpthin_core::{
    Instant,
    error::{CallError, InvalidRequest},
    machine::{CallId, Config, Machine, Role},
};
use zeroize::Zeroizing;

/// Which of the two links something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    /// The one that is always there.
    Main,
    /// The one that asks for boxes which may be unwritten; opened at its first use.
    Companion,
}

impl Side {
    pub(crate) const ALL: [Self; 2] = [Self::Main, Self::Companion];
}

/// Names a call of a client: each machine names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallKey {
    pub(crate) side: Side,
    pub(crate) id: CallId,
}

/// A machine per link.
pub(crate) struct Machines {
    pub(crate) main: Machine,
    companion: Option<Machine>,
    config: Config,
}

impl Machines {
    pub(crate) const fn new(main: Machine, config: Config) -> Self {
        Self { main, companion: None, config }
    }

    /// The machine of a side, if that side is open.
    pub(crate) const fn get(&mut self, side: Side) -> Option<&mut Machine> {
        match side {
            Side::Main => Some(&mut self.main),
            Side::Companion => self.companion.as_mut(),
        }
    }

    /// The same to look at; what a companion that is not open knows, is what the main link knows.
    pub(crate) fn view(&self, side: Side) -> &Machine {
        self.companion.as_ref().filter(|_| side == Side::Companion).unwrap_or(&self.main)
    }

    /// The machine of a side, which is opened with `seed` if it is not open.
    ///
    /// The seed is drawn without the lock, and only if it is needed: see [`is_open`](Self::is_open).
    pub(crate) fn open(
        &mut self,
        side: Side,
        now: Instant,
        seed: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<&mut Machine, CallError> {
        match (side, &mut self.companion) {
            (Side::Main, _) => Ok(&mut self.main),
            (Side::Companion, Some(companion)) => Ok(companion),
            (Side::Companion, companion @ None) => {
                let seed = seed.ok_or(InvalidRequest::Missing { member: "seed" })?;
                let mut config = self.config;
                config.role = Role::Companion;
                Ok(companion.insert(Machine::new(config, *seed, now)))
            }
        }
    }

    pub(crate) fn is_open(&self, side: Side) -> bool {
        side == Side::Main || self.companion.is_some()
    }

    /// All that are open.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut Machine> {
        std::iter::once(&mut self.main).chain(&mut self.companion)
    }
}
