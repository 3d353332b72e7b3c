//! What the fuzzers run: each target is a function of bytes that panics if something is wrong.
//!
//! The fuzzers themselves are in the folder `fuzz/`, outside of the workspace; the inputs they found worth keeping
//! are replayed by `cargo test`.

mod config;
mod copy_stream;
mod devnet;
mod documents;
mod frames;
mod machine;
mod messages;
pub mod network;
pub mod script;
mod states;

/// Something to be fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of its program and of its corpus.
    pub name: &'static str,
    /// Runs it.
    pub run: fn(&[u8]),
    /// How many bytes it may take at once, at most, for an input of so many.
    pub weight: fn(usize) -> usize,
}

/// What a decoder may take: see the limits of the machine.
const fn decoding(len: usize) -> usize {
    3 * len + 64 * 1024
}

/// What a simulation may take: documents, boxes and everything that is under way.
const fn simulating(_: usize) -> usize {
    256 * 1024 * 1024
}

macro_rules! targets {
    ($($name:ident = $run:path, $weight:ident;)*) => {
        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $run, weight: $weight }),*];
    };
}

targets! {
    certificates = documents::certificates, simulating;
    config = config::run, simulating;
    copy_stream = copy_stream::run, simulating;
    devnet = devnet::run, simulating;
    documents = documents::documents, decoding;
    frames = frames::run, decoding;
    machine = machine::run, simulating;
    network = network::run, simulating;
    requests = messages::requests, decoding;
    responses = messages::responses, decoding;
    script = script::run, simulating;
    states = states::run, simulating;
}

/// The target of a name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
