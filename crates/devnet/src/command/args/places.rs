//! Where it listens.

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{OsStringValueParser, TypedValueParser};

/// Where the reference daemon listens.
const USUAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 64_331);
/// The longest path of a Unix socket, or name of an abstract one, in bytes.
const NAME_LEN_MAX: usize = if cfg!(any(target_os = "linux", target_os = "android")) { 107 } else { 103 };

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Where it listens")]
pub(crate) struct Places {
    /// Listens on this TCP address; may be given more than once. [default: 127.0.0.1:64331, unless --unix is given]
    ///
    /// Port 0 takes a free one. localhost:PORT and :PORT mean 127.0.0.1, and ::1 if the machine has it.
    #[arg(long, value_name = "ADDRESS:PORT", value_delimiter = ',')]
    listen: Vec<Listen>,
    /// Listens on this Unix socket; may be given more than once. [default: none]
    ///
    /// A path that begins with @ names a Linux abstract socket. The variable has one path.
    #[arg(long, value_name = "PATH", value_parser = OsStringValueParser::new().try_map(unix))]
    pub(crate) unix: Vec<UnixPlace>,
    /// Listens also where others can reach it. [default: off]
    ///
    /// They can then read, write and cancel everything.
    #[arg(long)]
    pub(crate) allow_public: bool,
}

impl Places {
    /// Where to listen on TCP.
    pub(crate) fn listen(&self) -> Vec<Listen> {
        match &self.listen[..] {
            [] if self.unix.is_empty() => vec![Listen::Address(USUAL)],
            given => given.to_vec(),
        }
    }
}

/// A place on TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    Address(SocketAddr),
    Localhost(u16),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let example = "as in 127.0.0.1:64331, [::1]:64331, localhost:64331 or :64331";
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(format!("an address and a port are needed, {example}"));
        };
        if host.contains(':') && !host.starts_with('[') {
            return Err(format!("an IPv6 address has brackets in front of its port, {example}"));
        }
        let Ok(port) = port.parse() else {
            return Err(format!("the port has to be a number from 0 to 65535, {example}"));
        };
        match host {
            "" | "localhost" => Ok(Self::Localhost(port)),
            _ => Err(format!("{host:?} is no address, and of names only localhost can be used, {example}")),
        }
    }
}

/// A place among the Unix sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum UnixPlace {
    Abstract(String),
    /// Absolute, since it is told to clients elsewhere.
    Path(PathBuf),
}

fn unix(given: OsString) -> Result<UnixPlace, String> {
    let (place, len) = match given.as_encoded_bytes() {
        b"" | b"@" => {
            return Err("a path is needed, or a name behind the @, as in /tmp/devnet or @devnet".to_owned());
        }
        [b'@', name @ ..] => {
            let name = str::from_utf8(name)
                .map_err(|_| "the name of an abstract socket has to be UTF-8".to_owned())?;
            (UnixPlace::Abstract(name.to_owned()), name.len())
        }
        _ => {
            let path = std::path::absolute(&given).map_err(|error| error.to_string())?;
            let len = path.as_os_str().len();
            (UnixPlace::Path(path), len)
        }
    };
    if len > NAME_LEN_MAX {
        return Err(format!(
            "it has {len} bytes{}, and a Unix socket's path or name at most {NAME_LEN_MAX}; choose a shorter one, such as \
             /tmp/devnet",
            if let UnixPlace::Path(_) = place { " as an absolute path" } else { "" }
        ));
    }
    Ok(place)
}
