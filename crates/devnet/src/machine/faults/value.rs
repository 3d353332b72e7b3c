//! The values that faults have, as text and together.

use std::collections::BTreeSet;
use std::time::Duration;

/// The value of a fault.
pub(super) trait Value: Sized {
    /// What follows the fault's name in a text.
    const FORM: &str;

    /// What it may be, if that does not say it.
    const RANGE: &str = "";

    /// Reads what follows the name and its `=`, if anything does.
    fn parse(text: Option<&str>) -> Option<Self>;

    /// Adds another value.
    fn join(&mut self, other: Self);

    /// What follows the name in the texts that lead to this value, none if it is no fault.
    fn texts(&self) -> Vec<String>;
}

/// On or off; its name alone means on.
impl Value for bool {
    const FORM: &str = "";

    fn parse(text: Option<&str>) -> Option<Self> {
        text.is_none().then_some(true)
    }

    fn join(&mut self, other: Self) {
        *self |= other;
    }

    fn texts(&self) -> Vec<String> {
        self.then(String::new).into_iter().collect()
    }
}

/// A share.
impl Value for f64 {
    const FORM: &str = "=SHARE";
    const RANGE: &str = " with a number from 0 to 1";

    fn parse(text: Option<&str>) -> Option<Self> {
        text?.parse().ok().filter(|share| (0.0..=1.0).contains(share))
    }

    fn join(&mut self, other: Self) {
        *self = self.max(other);
    }

    fn texts(&self) -> Vec<String> {
        (*self > 0.0).then(|| format!("={self}")).into_iter().collect()
    }
}

/// Numbers of replicas; a text has one.
impl Value for BTreeSet<u8> {
    const FORM: &str = "=NUMBER";
    const RANGE: &str = " with the number of a replica";

    fn parse(text: Option<&str>) -> Option<Self> {
        text?.parse().ok().map(|number| Self::from([number]))
    }

    fn join(&mut self, other: Self) {
        self.extend(other);
    }

    fn texts(&self) -> Vec<String> {
        self.iter().map(|number| format!("={number}")).collect()
    }
}

/// A time, in milliseconds; one of nothing would be no fault.
impl Value for Duration {
    const FORM: &str = "=MS";
    const RANGE: &str = " with a number from 1";

    fn parse(text: Option<&str>) -> Option<Self> {
        text?.parse().ok().filter(|millis| *millis > 0).map(Self::from_millis)
    }

    fn join(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    fn texts(&self) -> Vec<String> {
        (!self.is_zero()).then(|| format!("={}", self.as_millis())).into_iter().collect()
    }
}
