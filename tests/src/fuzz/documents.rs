//! PKI documents and the certificates around them.

use std::sync::LazyLock;

use kpthin_core::pki::Document;
use kpthin_pki::{Scheme, TrustRoot, UnixTime};
use serde_json::Value;

/// The authorities of the vectors, a root for each scheme.
static ROOTS: LazyLock<Vec<TrustRoot>> = LazyLock::new(|| {
    let manifest = include_str!("../../../crates/pki/tests/vectors/manifest.json");
    let manifest: Value = serde_json::from_str(manifest).expect("JSON");
    let authorities = manifest["authorities"].as_object().expect("a map");
    let root = |of: &Value| {
        let scheme: Scheme = of["scheme"].as_str()?.parse().ok()?;
        let keys = of["keys"].as_array()?;
        let root = keys.iter().try_fold(TrustRoot::builder(scheme), |root, key| {
            Some(root.authority_hex(key["name"].as_str()?, key["public_key"].as_str()?))
        })?;
        root.threshold(2).build().ok()
    };
    authorities.values().map(|of| root(of).expect("keys")).collect()
});

/// What is found in a document does not depend on how it is looked for.
pub(super) fn documents(bytes: &[u8]) {
    let Ok(document) = Document::decode(bytes) else { return };
    let couriers: Vec<_> = document.couriers().collect();
    assert_eq!(document.services("courier").collect::<Vec<_>>(), couriers);
}

/// Nothing is verified that two authorities have not signed.
pub(super) fn certificates(input: &[u8]) {
    let Some((choice, bytes)) = input.split_first() else { return };
    let now = UnixTime::from_secs(u64::from(*choice) << 24);
    for root in ROOTS.iter() {
        for now in [None, Some(now)] {
            match root.verify(bytes, 0, now) {
                Ok(verified) => assert!(verified.report().is_enough()),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
}
