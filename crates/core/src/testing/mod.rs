//! What tests of this workspace share: sizes, requests that differ by a number, what a daemon says, and the
//! loop that drives a machine.
//!
//! Feature `testing`. It is for the tests and benchmarks of these crates alone, panics where a test should,
//! and changes whenever they want it to. Applications are tested with `kpthin-simulation`.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that can't go on says why"
)]

mod daemon;
mod drive;
mod fingerprint;
mod frames;
mod geometry;
mod requests;

pub use daemon::{answer, echo, greeting, no_document, sent, session, status};
pub use drive::Drive;
pub use fingerprint::Fingerprint;
pub use frames::{as_written, frame, frame_of, requests};
pub use geometry::{PAYLOAD_LEN_MAX, pigeonhole_geometry, sphinx_geometry};
pub use requests::{
    bytes, cancel, cancel_copy, copy, counter, encrypt_read, encrypt_write, hash, keypair, message,
    polling_read, queue, read, write, write_cap,
};
