//! The daemons that the suites run against.

use kpthin_devnet::{DevnetConfig, Quirks};

/// Every profile of the embedded daemon, or the one that `KPTHIN_PROFILE` names.
///
/// # Panics
///
/// If there is no profile of that name.
#[must_use]
pub fn profiles() -> Vec<DevnetConfig> {
    chosen(|_| true)
}

/// Those among them that are like a real daemon, with its kinks and its slowness.
///
/// # Panics
///
/// If there is no profile of the name that `KPTHIN_PROFILE` has.
#[must_use]
pub fn references() -> Vec<DevnetConfig> {
    chosen(|name| name != "instant")
}

fn chosen(wanted: impl Fn(&str) -> bool) -> Vec<DevnetConfig> {
    let only = std::env::var("KPTHIN_PROFILE").ok();
    let known = DevnetConfig::PROFILES.map(|(name, _)| name);
    if let Some(only) = &only {
        assert!(known.contains(&only.as_str()), "KPTHIN_PROFILE is {only}, there are {known:?}");
    }
    let profiles = DevnetConfig::PROFILES.into_iter();
    profiles
        .filter(|(name, _)| wanted(name) && only.as_deref().is_none_or(|only| only == *name))
        .map(|(_, profile)| profile())
        .collect()
}

/// A daemon a hundred times faster, with all its kinks.
#[must_use]
pub fn quick(config: DevnetConfig) -> DevnetConfig {
    config.scaled(0.01)
}

/// How a quirk is written where it is as in `quirks`.
fn written(quirks: &Quirks, name: &str) -> String {
    let all = quirks.to_string();
    let text = all.split(' ').find(|text| text.split('=').next() == Some(name));
    text.map_or_else(|| format!("{name}=off"), str::to_owned)
}

/// The quirks in which the newer reference differs from the older one.
#[must_use]
pub fn changes() -> Vec<&'static str> {
    let (old, new) = (Quirks::reference(), Quirks::reference_2026_10());
    Quirks::NAMES.into_iter().filter(|name| written(&old, name) != written(&new, name)).collect()
}

/// The older reference with some of the newer one's changes.
///
/// # Panics
///
/// If there is no quirk of such a name.
#[must_use]
pub fn older_with(names: &[&str]) -> DevnetConfig {
    let mut config = DevnetConfig::reference();
    for name in names {
        config.quirks.set(&written(&Quirks::reference_2026_10(), name)).expect("a quirk");
    }
    config
}

/// The newer reference without one of its changes.
///
/// # Panics
///
/// If there is no quirk of that name.
#[must_use]
pub fn newer_without(name: &str) -> DevnetConfig {
    let mut config = DevnetConfig::reference_2026_10();
    config.quirks.set(&written(&Quirks::reference(), name)).expect("a quirk");
    config
}
