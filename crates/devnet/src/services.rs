//! Services on the network's nodes that programs send messages to (§4.4, Pigeonhole backend §10).

use std::fmt;
use std::str::FromStr;

use kpthin_core::wire::QueueId;
use thiserror::Error;

/// What a service does with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceKind {
    /// Sends the payload back.
    Echo,
    /// Never answers.
    Silent,
}

impl ServiceKind {
    const ALL: [(&'static str, Self); 2] = [("echo", Self::Echo), ("silent", Self::Silent)];
}

/// A service that every service node offers, found by its name and reached at its queue.
///
/// As text it is `NAME=KIND`, where the kind is `echo` or `silent`.
///
/// # Examples
///
/// ```
/// use kpthin_devnet::{DevnetConfig, Service};
///
/// let mut config = DevnetConfig::instant();
/// config.services.push("weather=silent".parse()?);
/// assert_eq!(config.services.last().map(Service::queue).as_deref(), Some("+weather"));
/// # Ok::<(), kpthin_devnet::UnknownService>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    name: String,
    kind: ServiceKind,
}

/// Why a text names no service.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnknownService {
    /// There is no such kind.
    #[error("{text:?} has to be NAME=KIND with the kind echo or silent")]
    Kind {
        /// What was given.
        text: String,
    },
    /// The name is not one, or every node has a service of that name.
    #[error(
        "{name:?} is no name for a service: it needs 1 to {} bytes of visible ASCII and can't be echo or courier",
        Service::NAME_LEN_MAX
    )]
    Name {
        /// What was given.
        name: String,
    },
}

impl Service {
    /// The longest name in bytes: its queue has one more.
    pub const NAME_LEN_MAX: usize = QueueId::LEN_MAX - 1;

    /// A service of this name.
    ///
    /// # Errors
    ///
    /// [`UnknownService::Name`] if the name is empty, too long, not visible ASCII, or one that is always there.
    pub fn new(name: impl Into<String>, kind: ServiceKind) -> Result<Self, UnknownService> {
        let name = name.into();
        let fits = (1..=Self::NAME_LEN_MAX).contains(&name.len());
        let readable = name.bytes().all(|byte| byte.is_ascii_graphic());
        if fits && readable && !["echo", "courier"].contains(&name.as_str()) {
            Ok(Self { name, kind })
        } else {
            Err(UnknownService::Name { name })
        }
    }

    /// Those that are there unless a configuration says otherwise: other clients' suites send to `testdest`.
    pub(crate) fn usual() -> Vec<Self> {
        vec![Self { name: "testdest".to_owned(), kind: ServiceKind::Echo }]
    }

    /// What documents call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The queue that messages go to: its name behind a plus sign.
    #[must_use]
    pub fn queue(&self) -> String {
        ["+", &self.name].concat()
    }

    /// What it does with a message.
    #[must_use]
    pub const fn kind(&self) -> ServiceKind {
        self.kind
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = ServiceKind::ALL.iter().find(|(_, kind)| *kind == self.kind);
        write!(f, "{}={}", self.name, kind.map_or("", |(text, _)| text))
    }
}

impl FromStr for Service {
    type Err = UnknownService;

    fn from_str(text: &str) -> Result<Self, UnknownService> {
        let unknown = || UnknownService::Kind { text: text.to_owned() };
        let (name, kind) = text.split_once('=').ok_or_else(unknown)?;
        let (_, kind) = ServiceKind::ALL.into_iter().find(|(text, _)| *text == kind).ok_or_else(unknown)?;
        Self::new(name, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_from_texts() {
        for text in ["weather=echo", "a=silent"] {
            assert_eq!(text.parse::<Service>().unwrap().to_string(), text);
        }
        let longest = "n".repeat(Service::NAME_LEN_MAX);
        assert_eq!(Service::new(longest.clone(), ServiceKind::Echo).unwrap().queue().len(), QueueId::LEN_MAX);
        for name in ["", "echo", "courier", "with space", "ümlaut", &(longest + "n")] {
            let error = Service::new(name, ServiceKind::Echo).unwrap_err();
            assert!(error.to_string().contains("1 to 31 bytes"), "{error}");
        }
        for text in ["weather", "weather=rain", "=", ""] {
            assert!(text.parse::<Service>().is_err(), "{text}");
        }
    }
}
