//! Whom a recipe trusts: the authorities that a file lists, or those of the embedded daemon's network.

use std::{env, fs, time::Duration};

use kpthin::pki::{TrustRoot, TrustRootBuilder};

use crate::support::{Daemon, Result};

/// Names the file: the scheme in the first line, the seconds of an epoch in the second, and then a line for each
/// authority with its name and its public key in hexadecimal digits.
const VARIABLE: &str = "KPTHIN_TRUST_ROOT";

/// Reads the file, unless the daemon is embedded. A program of its own has this in its configuration.
pub(crate) fn trust_root(daemon: &Daemon) -> Result<TrustRoot> {
    if let Some(server) = &daemon.devnet {
        return Ok(server.with(|net, _| net.trust_root()));
    }
    let path = env::var_os(VARIABLE)
        .ok_or_else(|| format!("{VARIABLE} has to name a file with authorities' keys"))?;
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut lines = text.lines();
    let scheme = lines.next().unwrap_or_default().parse()?;
    let seconds = lines.next().unwrap_or_default().parse()?;
    let add = |builder: TrustRootBuilder, line: &str| {
        let (name, key) = line.split_once(' ').unwrap_or((line, ""));
        builder.authority_hex(name, key)
    };
    let builder = TrustRoot::builder(scheme).epoch_period(Duration::from_secs(seconds));
    Ok(lines.fold(builder, add).build()?)
}
