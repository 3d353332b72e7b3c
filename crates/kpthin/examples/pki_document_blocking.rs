//! Shows the network's document, and who has signed it, on plain threads.
//!
//! The daemon has verified the document. This recipe takes the signed form apart and shows it; it
//! verifies nothing, which `verify_document` does.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what it prints is the point")]

mod support;

use kpthin::pki::Certificate;

fn main() -> support::Result {
    let daemon = support::Daemon::from_args()?;
    // <how-to>
    let client = kpthin::blocking::connect(daemon.config()?)?;
    client.wait_until_ready().wait()?;

    // What the daemon announced, without signatures.
    let document = client.pki_document().ok_or("there is no document yet")?;
    let mixes: usize = document.topology().map(|layer| layer.len()).sum();
    println!("epoch {}: {mixes} mixes in {} layers", document.epoch(), document.topology().len());
    println!("{} storage replicas keep the boxes", document.storage_replicas().len());

    // The same epoch with the authorities' signatures.
    let signed = client.get_pki_document_raw(document.epoch()).wait()?;
    let certificate = Certificate::decode(&signed.payload)?;
    println!("signed with {} until epoch {}, by:", certificate.key_type, certificate.expiration);
    for signature in certificate.signatures.values() {
        println!("  {}", signature.public_key_sum256);
    }
    let same = certificate.document()?.sphinx_geometry_hash() == document.sphinx_geometry_hash();
    println!("both speak of the same network: {same}");
    client.stop().wait()?;
    // </how-to>
    Ok(())
}
