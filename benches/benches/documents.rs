//! A signed document verified: three authorities in the trust root, as many signatures as the file has.

use divan::{AllocProfiler, Bencher};
use kpthin_pki::{Scheme, TrustRoot};

#[global_allocator]
static ALLOC: AllocProfiler = AllocProfiler::system();

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/pki/tests/vectors");

fn main() {
    divan::main();
}

fn read(file: &str) -> Vec<u8> {
    std::fs::read(format!("{VECTORS}/{file}")).expect("the vectors are there")
}

fn root(set: &str) -> TrustRoot {
    let manifest: serde_json::Value = serde_json::from_slice(&read("manifest.json")).expect("a manifest");
    let set = &manifest["authorities"][set];
    let scheme: Scheme = set["scheme"].as_str().and_then(|name| name.parse().ok()).expect("a scheme");
    let keys = set["keys"].as_array().expect("keys").iter();
    let add = |builder: kpthin_pki::TrustRootBuilder, key: &serde_json::Value| {
        builder.authority_hex(key["name"].to_string(), key["public_key"].as_str().expect("a key"))
    };
    keys.fold(TrustRoot::builder(scheme), add).build().expect("a trust root")
}

/// Of 33 kB with three signatures, of 6 kB with three, of 100 kB with two.
#[divan::bench(args = ["ed25519-valid-3of3.cbor", "falcon-valid-3of3.cbor", "sphincs-valid-2of3.cbor"])]
fn verify(bencher: Bencher<'_, '_>, file: &str) {
    let (root, bytes) = (root(file.split('-').next().expect("a set")), read(file));
    bencher.bench_local(|| root.verify(divan::black_box(&bytes), 300_000, None).expect("it is good"));
}
