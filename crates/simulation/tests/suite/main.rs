//! A simulation as tests of applications use it.
#![expect(clippy::unwrap_used, reason = "a test that can't go on says why")]

mod connecting;
mod repeatable;
mod running;
mod stalling;

use std::time::Duration;

use kpthin_devnet::{DevnetConfig, Faults};
use kpthin_simulation::Simulation;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn instant() -> Simulation {
    Simulation::new(DevnetConfig::instant(), [1; 32])
}

fn faults(texts: &[&str]) -> Faults {
    texts.iter().map(|text| text.parse::<Faults>().unwrap()).fold(Faults::default(), Faults::and)
}

fn set(sim: &Simulation, faults: Faults) {
    sim.net().with(|net, now| net.set_faults(now, faults));
}
