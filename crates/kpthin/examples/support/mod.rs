//! What every recipe begins with: the daemon that the command line names, or one of its own.

use std::{
    env,
    error::Error,
    fmt,
    path::{Path, PathBuf},
    process,
};

use kpthin::{
    Config,
    devnet::{DevnetConfig, NOTICE, Server},
};

/// What the embedded daemon draws its random numbers from; it has no secrets.
const SEED: [u8; 32] = *b"recipes, for development only...";

/// What `main` returns: an error is printed as a sentence.
pub(crate) type Result<T = (), E = Failure> = std::result::Result<T, E>;

/// The daemon that a recipe talks to.
pub(crate) struct Daemon {
    /// The embedded one, unless `--config` named another.
    pub(crate) devnet: Option<Server>,
    path: Option<PathBuf>,
}

impl Daemon {
    /// Reads the command line, and starts an embedded daemon if it names no other.
    pub(crate) fn from_args() -> Result<Self> {
        let args: Vec<String> = env::args().collect();
        let name = args.first().and_then(|path| Path::new(path).file_stem()?.to_str()).unwrap_or("recipe");
        match args.iter().skip(1).map(String::as_str).collect::<Vec<_>>()[..] {
            [] => {
                let server = Server::start(DevnetConfig::instant(), SEED)?;
                println!("{NOTICE}");
                Ok(Self { devnet: Some(server), path: None })
            }
            ["--config", path] => Ok(Self { devnet: None, path: Some(path.into()) }),
            ["--help" | "-h"] => {
                println!("usage: {name} [--config THINCLIENT.TOML]");
                println!("Without --config it starts an embedded daemon of its own.");
                process::exit(0);
            }
            _ => {
                eprintln!("usage: {name} [--config THINCLIENT.TOML]");
                process::exit(2);
            }
        }
    }

    /// Where the daemon is.
    pub(crate) fn config(&self) -> Result<Config> {
        match (&self.path, self.devnet.as_ref().and_then(Server::tcp_addr)) {
            (Some(path), _) => Ok(Config::from_file(path)?),
            (None, Some(address)) => Ok(Config::tcp(address.to_string())),
            (None, None) => Err("there is no daemon to connect to".into()),
        }
    }
}

/// Any error, which prints as what it says and not as its fields.
pub(crate) struct Failure(Box<dyn Error>);

impl<E: Into<Box<dyn Error>>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
