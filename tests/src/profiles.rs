//! The daemons that the suites run against.

use kpthin_devnet::DevnetConfig;

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
