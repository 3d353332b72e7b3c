//! What the parts of the machine are lent while they work.

use kpthin_core::Instant;

use crate::config::{DevnetConfig, Timing};
use crate::faults::Injector;
use crate::quirks::Quirks;

/// The time, what the devnet is like, and what goes wrong on purpose.
///
/// No part keeps any of it.
#[derive(Debug)]
pub(crate) struct Env<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a DevnetConfig,
    pub(crate) injector: &'a mut Injector,
}

impl Env<'_> {
    pub(crate) const fn quirks(&self) -> &Quirks {
        &self.config.quirks
    }

    pub(crate) const fn timing(&self) -> &Timing {
        &self.config.timing
    }
}
