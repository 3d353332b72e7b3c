//! The two links of a client, and the machine behind each.

pub(crate) use kpthin_core::machine::Role;
use kpthin_core::{
    Instant,
    error::{CallError, InvalidRequest},
    machine::{CallId, Config, Machine},
};
use zeroize::Zeroizing;

/// Names a call of a client: each machine names its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CallKey {
    pub(crate) role: Role,
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

    /// The machine of a role, if that role is open.
    pub(crate) const fn get(&mut self, role: Role) -> Option<&mut Machine> {
        match role {
            Role::Main => Some(&mut self.main),
            Role::Companion => self.companion.as_mut(),
        }
    }

    /// The same to look at; what a companion that is not open knows, is what the main link knows.
    pub(crate) fn view(&self, role: Role) -> &Machine {
        self.companion.as_ref().filter(|_| role == Role::Companion).unwrap_or(&self.main)
    }

    /// The machine of a role, which is opened with `seed` if it is not open.
    ///
    /// The seed is drawn without the lock, and only if it is needed: see [`is_open`](Self::is_open).
    pub(crate) fn open(
        &mut self,
        role: Role,
        now: Instant,
        seed: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<&mut Machine, CallError> {
        match (role, &mut self.companion) {
            (Role::Main, _) => Ok(&mut self.main),
            (Role::Companion, Some(companion)) => Ok(companion),
            (Role::Companion, companion @ None) => {
                let seed = seed.ok_or(InvalidRequest::Missing { member: "seed" })?;
                let mut config = self.config;
                config.role = Role::Companion;
                Ok(companion.insert(Machine::new(config, *seed, now)))
            }
        }
    }

    pub(crate) fn is_open(&self, role: Role) -> bool {
        role == Role::Main || self.companion.is_some()
    }

    /// All that are open.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut Machine> {
        std::iter::once(&mut self.main).chain(&mut self.companion)
    }
}
