//! Whom a client of this network trusts, as text.

use std::fmt::Write;

use kpthin_devnet::{DevnetConfig, Server};
use pem::{EncodeConfig, LineEnding, Pem};

use super::args::Form;

/// The authorities of the network that this configuration and this seed make.
pub(crate) fn text(config: DevnetConfig, seed: [u8; 32], form: Form) -> String {
    let seconds = config.epoch_period.as_secs();
    let server = Server::with_manual_clock(config, seed);
    let (scheme, keys) = server.with(|net, _| (net.trust_root().scheme().name(), net.authority_keys()));
    let keys: Vec<_> = keys.into_iter().map(|(name, key)| (name, Key(key))).collect();
    match form {
        Form::All => format!(
            "# The authorities of this network: throw-away keys that follow from its seed, and prove nothing.\n\n\
             # A file as the recipes of kpthin read it (KPTHIN_TRUST_ROOT); --print-authorities=file prints it alone.\n\
             {}\n# In PEM.\n{}\n# In Rust.\n{}",
            file(scheme, seconds, &keys),
            pem(scheme, &keys),
            rust(seconds, &keys)
        ),
        Form::File => file(scheme, seconds, &keys),
        Form::Pem => pem(scheme, &keys),
        Form::Rust => rust(seconds, &keys),
    }
}

struct Key([u8; 32]);

impl Key {
    fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Scheme, seconds of an epoch, and then a line for each authority.
fn file(scheme: &str, seconds: u64, keys: &[(String, Key)]) -> String {
    let lines = keys.iter().map(|(name, key)| format!("{name} {}\n", key.hex()));
    format!("{scheme}\n{seconds}\n{}", lines.collect::<String>())
}

/// As `authority_pem` of a trust root reads them.
fn pem(scheme: &str, keys: &[(String, Key)]) -> String {
    let label = scheme.to_ascii_uppercase() + " PUBLIC KEY";
    let block = |key: &Key| {
        let config = EncodeConfig::new().set_line_ending(LineEnding::LF);
        pem::encode_config(&Pem::new(label.as_str(), key.0), config)
    };
    keys.iter().map(|(name, key)| format!("# {name}\n{}", block(key))).collect()
}

fn rust(seconds: u64, keys: &[(String, Key)]) -> String {
    let mut text = "let root = kpthin::pki::TrustRoot::builder(kpthin::pki::Scheme::Ed25519)\n".to_owned();
    for (name, key) in keys {
        // Writing to memory does not fail.
        let _ = writeln!(text, "    .authority_hex({name:?}, {:?})", key.hex());
    }
    let _ = writeln!(text, "    .epoch_period(std::time::Duration::from_secs({seconds}))\n    .build()?;");
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kpthin_pki::{Scheme, TrustRoot};

    use super::*;

    fn expected() -> TrustRoot {
        Server::with_manual_clock(DevnetConfig::instant(), [7; 32]).with(|net, _| net.trust_root())
    }

    fn same(found: &TrustRoot) {
        assert_eq!(format!("{found:?}"), format!("{:?}", expected()));
    }

    #[test]
    fn each_form_makes_the_trust_root_of_the_network() {
        let text = |form| text(DevnetConfig::instant(), [7; 32], form);
        let builder = |scheme| TrustRoot::builder(scheme).epoch_period(Duration::from_secs(1_200));

        let file = text(Form::File);
        let mut lines = file.lines();
        let scheme: Scheme = lines.next().and_then(|line| line.parse().ok()).expect(&file);
        assert_eq!(lines.next(), Some("1200"));
        let add = |builder: kpthin_pki::TrustRootBuilder, line: &str| {
            let (name, key) = line.split_once(' ').expect(line);
            builder.authority_hex(name, key)
        };
        same(&lines.fold(builder(scheme), add).build().expect("a trust root"));

        let pem = text(Form::Pem);
        let add = |builder: kpthin_pki::TrustRootBuilder, block: &str| {
            let (name, key) = block.split_once('\n').expect(block);
            builder.authority_pem(name, key)
        };
        same(&pem.split("# ").skip(1).fold(builder(scheme), add).build().expect("a trust root"));

        let rust = text(Form::Rust);
        let add = |builder: kpthin_pki::TrustRootBuilder, line: &str| {
            let mut quoted = line.split('"').skip(1).step_by(2);
            builder.authority_hex(quoted.next().expect(line), quoted.next().expect(line))
        };
        let keys = rust.lines().filter(|line| line.contains("authority_hex"));
        same(&keys.fold(builder(Scheme::Ed25519), add).build().expect("a trust root"));
        assert!(rust.contains("Scheme::Ed25519)") && rust.contains("from_secs(1200)"), "{rust}");

        let all = text(Form::All);
        assert!([file, pem, rust].iter().all(|part| all.contains(part)), "{all}");
    }
}
