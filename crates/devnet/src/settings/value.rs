//! The values that settings have, as text and together.

use std::collections::BTreeSet;
use std::time::Duration;

/// What turns a setting off, in texts.
const OFF: &str = "off";
/// What empties one that may have several values.
const NONE: &str = "none";

/// A year: enough for every purpose, and far from where sums of times would overflow.
const MILLIS_MAX: u64 = 365 * 24 * 60 * 60 * 1_000;

/// The value of a setting.
pub(crate) trait Value: Sized {
    /// What follows the setting's name in a text.
    const FORM: &str;

    /// What it may be, if that does not say it.
    const RANGE: &str = "";

    /// Reads what follows the name and its `=`, if anything does.
    fn parse(text: Option<&str>) -> Option<Self>;

    /// Adds another value: the greater of both, or all of both.
    fn join(&mut self, other: Self);

    /// What follows the name in the texts that lead to this value, none if it is off.
    fn texts(&self) -> Vec<String>;
}

/// On or off; its name alone means on.
impl Value for bool {
    const FORM: &str = "";
    const RANGE: &str = ", perhaps with =on or =off";

    fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            None | Some("on") => Some(true),
            Some(OFF) => Some(false),
            Some(_) => None,
        }
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

/// Numbers of replicas or couriers; a text has one.
impl Value for BTreeSet<u8> {
    const FORM: &str = "=NUMBER";
    const RANGE: &str = " with the number of one, from 0, or none";

    fn parse(text: Option<&str>) -> Option<Self> {
        match text? {
            NONE => Some(Self::new()),
            text => text.parse().ok().map(|number| Self::from([number])),
        }
    }

    fn join(&mut self, other: Self) {
        self.extend(other);
    }

    fn texts(&self) -> Vec<String> {
        self.iter().map(|number| format!("={number}")).collect()
    }
}

/// A time, in milliseconds; one of nothing would be no setting.
impl Value for Duration {
    const FORM: &str = "=MS";
    const RANGE: &str = " with a number from 1 to 31536000000";

    fn parse(text: Option<&str>) -> Option<Self> {
        text?.parse().ok().filter(|millis| (1..=MILLIS_MAX).contains(millis)).map(Self::from_millis)
    }

    fn join(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    fn texts(&self) -> Vec<String> {
        (!self.is_zero()).then(|| format!("={}", self.as_millis())).into_iter().collect()
    }
}

/// A time, in milliseconds, or none.
impl Value for Option<Duration> {
    const FORM: &str = "=MS";
    const RANGE: &str = " with a number from 1 to 31536000000, or off";

    fn parse(text: Option<&str>) -> Option<Self> {
        match text {
            Some(OFF) => Some(None),
            text => Duration::parse(text).map(Some),
        }
    }

    fn join(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    fn texts(&self) -> Vec<String> {
        self.iter().flat_map(Value::texts).collect()
    }
}

/// A count, or none.
impl Value for Option<u32> {
    const FORM: &str = "=NUMBER";
    const RANGE: &str = " with a number from 1, or off";

    fn parse(text: Option<&str>) -> Option<Self> {
        match text? {
            OFF => Some(None),
            text => text.parse().ok().filter(|number| *number > 0).map(Some),
        }
    }

    fn join(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    fn texts(&self) -> Vec<String> {
        self.iter().map(|number| format!("={number}")).collect()
    }
}
