//! `thinclient.toml` (§8.1).

use std::{fs, io, path::Path, sync::Arc};

use serde::Deserialize;

use super::{Config, Endpoint, Family};

/// Why a configuration file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The address can't be dialled; correct it.
    #[error("Dial.{transport}.Address {address:?}: {problem}")]
    Address {
        /// The sub-table it stands in.
        transport: &'static str,
        /// What stands there.
        address: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The text is not TOML, has a wrong type, lacks a key or has an unknown one; the text names
    /// the line and the key.
    #[error("{0}")]
    Invalid(Arc<str>),
    /// Not exactly one transport is given.
    #[error("[Dial] must hold exactly one of Tcp and Unix, found {found}")]
    NotOneTransport {
        /// How many there are.
        found: usize,
    },
    /// The file could not be read.
    #[error("{path}: {kind}")]
    Unreadable {
        /// The file.
        path: Arc<str>,
        /// What the operating system said.
        kind: io::ErrorKind,
    },
    /// The daemon listens on a WebSocket, which this library can't dial.
    #[error("[Dial.Ws] is not supported: have the daemon listen on Tcp or Unix as well")]
    WebSocket,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "Dial")]
    dial: Dial,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Dial {
    tcp: Option<Tcp>,
    unix: Option<Unix>,
    ws: Option<Ws>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Tcp {
    address: String,
    #[serde(default)]
    network: Network,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Network {
    #[default]
    Tcp,
    Tcp4,
    Tcp6,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Unix {
    address: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Ws {
    #[serde(rename = "Address")]
    _address: String,
}

impl Config {
    /// Reads a `thinclient.toml`, the file that comes with a daemon (§8.1).
    ///
    /// # Errors
    ///
    /// - [`ConfigError::Unreadable`]: the file is missing or can't be read.
    /// - [`ConfigError::WebSocket`]: the file names a transport that this library lacks.
    /// - the others: the file is not as §8.1 has it; unknown keys are refused by name.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
            path: path.display().to_string().into(),
            kind: error.kind(),
        })?;
        Self::from_toml(&text)
    }

    /// Reads the text of a `thinclient.toml`.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file), without reading.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        let File { dial } =
            toml::from_str(text).map_err(|error| ConfigError::Invalid(error.to_string().into()))?;
        match dial {
            Dial { tcp: Some(tcp), unix: None, ws: None } => tcp.endpoint().map(Into::into),
            Dial { tcp: None, unix: Some(unix), ws: None } => unix.config(),
            Dial { tcp: None, unix: None, ws: Some(_) } => Err(ConfigError::WebSocket),
            Dial { tcp, unix, ws } => Err(ConfigError::NotOneTransport {
                found: usize::from(tcp.is_some()) + usize::from(unix.is_some()) + usize::from(ws.is_some()),
            }),
        }
    }
}

impl Tcp {
    fn endpoint(self) -> Result<Endpoint, ConfigError> {
        let problem = match self.address.rsplit_once(':') {
            None => Some("a host and a port are needed, as in localhost:64331"),
            Some((_, port)) if port.parse::<u16>().is_err() => Some("the port must be a number below 65536"),
            Some(("", _)) => Some("the host is missing"),
            Some(_) => None,
        };
        if let Some(problem) = problem {
            return Err(ConfigError::Address { transport: "Tcp", address: self.address, problem });
        }
        let family = match self.network {
            Network::Tcp => Family::Any,
            Network::Tcp4 => Family::V4,
            Network::Tcp6 => Family::V6,
        };
        Ok(Endpoint::Tcp { address: self.address, family })
    }
}

impl Unix {
    fn config(self) -> Result<Config, ConfigError> {
        if self.address.is_empty() || self.address == "@" {
            let problem = "a path or the name of an abstract socket is needed";
            return Err(ConfigError::Address { transport: "Unix", address: self.address, problem });
        }
        Ok(Config::unix(self.address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Target;

    fn endpoint(text: &str) -> Result<Endpoint, ConfigError> {
        Config::from_toml(text).map(|config| match config.target {
            Target::Endpoint(endpoint) => endpoint,
            Target::Connector(_) => panic!("a file names no connector"),
        })
    }

    fn tcp(family: Family) -> Result<Endpoint, ConfigError> {
        Ok(Endpoint::Tcp { address: "localhost:64331".to_owned(), family })
    }

    fn invalid(text: &str, named: &str) {
        match endpoint(text) {
            Err(ConfigError::Invalid(message)) => assert!(message.contains(named), "{message}"),
            other => panic!("{text:?} gave {other:?}"),
        }
    }

    #[test]
    fn the_example_of_the_protocol_is_read() {
        let text = "[Dial]\n  [Dial.Tcp]\n    Address = \"localhost:64331\"\n    Network = \"tcp\"\n";
        assert_eq!(endpoint(text), tcp(Family::Any));
    }

    #[test]
    fn the_network_is_optional_and_names_the_family() {
        assert_eq!(endpoint("[Dial.Tcp]\nAddress = \"localhost:64331\""), tcp(Family::Any));
        for (network, family) in [("tcp", Family::Any), ("tcp4", Family::V4), ("tcp6", Family::V6)] {
            let text = format!("[Dial.Tcp]\nAddress = \"localhost:64331\"\nNetwork = {network:?}");
            assert_eq!(endpoint(&text), tcp(family));
        }
    }

    #[test]
    fn unix_paths_and_abstract_names_are_told_apart() {
        let path = endpoint("[Dial.Unix]\nAddress = \"/run/kpclientd/sock\"");
        assert_eq!(path, Ok(Endpoint::Unix("/run/kpclientd/sock".into())));
        let name = endpoint("[Dial.Unix]\nAddress = \"@kpclientd\"");
        assert_eq!(name, Ok(Endpoint::Abstract("kpclientd".to_owned())));
    }

    #[test]
    fn inline_and_dotted_tables_are_accepted() {
        assert_eq!(endpoint("Dial = { Tcp = { Address = \"localhost:64331\" } }"), tcp(Family::Any));
        assert_eq!(endpoint("Dial.Tcp.Address = \"localhost:64331\""), tcp(Family::Any));
    }

    #[test]
    fn unknown_keys_and_tables_are_refused_by_name() {
        let good = "[Dial.Tcp]\nAddress = \"localhost:64331\"\n";
        invalid(&format!("{good}[SphinxGeometry]\n"), "SphinxGeometry");
        invalid(&format!("UserName = \"x\"\n{good}"), "UserName");
        invalid(&format!("{good}Timeout = 3\n"), "Timeout");
        invalid("[Dial.Unix]\nAddress = \"/s\"\nNetwork = \"unix\"", "Network");
        invalid("[Dial.Quic]\nAddress = \"h:1\"", "Quic");
    }

    #[test]
    fn lower_case_names_are_refused() {
        invalid("[dial.Tcp]\nAddress = \"localhost:64331\"", "dial");
        invalid("[Dial.tcp]\nAddress = \"localhost:64331\"", "tcp");
        invalid("[Dial.Tcp]\naddress = \"localhost:64331\"", "address");
    }

    #[test]
    fn exactly_one_transport_is_needed() {
        invalid("", "Dial");
        assert_eq!(endpoint("[Dial]"), Err(ConfigError::NotOneTransport { found: 0 }));
        let two = "[Dial.Tcp]\nAddress = \"localhost:1\"\n[Dial.Unix]\nAddress = \"/s\"";
        assert_eq!(endpoint(two), Err(ConfigError::NotOneTransport { found: 2 }));
    }

    #[test]
    fn a_missing_address_is_refused() {
        invalid("[Dial.Tcp]", "Address");
        invalid("[Dial.Unix]", "Address");
    }

    #[test]
    fn an_unknown_network_is_refused() {
        invalid("[Dial.Tcp]\nAddress = \"localhost:1\"\nNetwork = \"udp\"", "udp");
    }

    #[test]
    fn wrong_types_and_malformed_text_are_refused() {
        invalid("[Dial.Tcp]\nAddress = 7", "string");
        invalid("[[Dial]]\n[Dial.Tcp]\nAddress = \"localhost:1\"", "Dial");
        invalid("[[Dial.Tcp]]\nAddress = \"localhost:1\"", "Tcp");
        invalid("[Dial.Tcp\n", "TOML");
    }

    #[test]
    fn addresses_that_no_one_could_dial_are_refused() {
        for address in ["localhost", "localhost:", "localhost:65536", ":64331", ""] {
            let error = endpoint(&format!("[Dial.Tcp]\nAddress = {address:?}")).unwrap_err();
            assert!(matches!(error, ConfigError::Address { .. }), "{address:?}: {error}");
        }
        assert!(endpoint("[Dial.Unix]\nAddress = \"@\"").is_err());
    }

    #[test]
    fn a_web_socket_is_refused_as_unsupported() {
        let error = endpoint("[Dial.Ws]\nAddress = \"ws://localhost:1/p\"").unwrap_err();
        assert_eq!(error, ConfigError::WebSocket);
        assert!(error.to_string().contains("[Dial.Ws] is not supported"));
    }

    #[test]
    fn a_missing_file_is_the_operating_systems_error() {
        let error = Config::from_file("/nonexistent/thinclient.toml").unwrap_err();
        let kind = io::ErrorKind::NotFound;
        assert_eq!(error, ConfigError::Unreadable { path: "/nonexistent/thinclient.toml".into(), kind });
    }
}
