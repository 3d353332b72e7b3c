//! `thinclient.toml` and the addresses in it (§8.1).

use kpthin::Config;

/// The text as a file, and as an address in one.
pub(super) fn run(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let _ = Config::from_toml(text);
    // JSON and TOML agree on how such a string is written, but for the code points above the first plane.
    let quoted = serde_json::to_string(text).expect("a string");
    for (transport, network) in [("Tcp", "tcp"), ("Tcp", "tcp6"), ("Unix", "unix")] {
        let file = format!("[Dial.{transport}]\nAddress = {quoted}\nNetwork = \"{network}\"\n");
        if let Err(error) = Config::from_toml(&file) {
            assert!(!error.to_string().is_empty());
        }
    }
}
