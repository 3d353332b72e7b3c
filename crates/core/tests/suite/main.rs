//! What real implementations produce, and what generated input does to the codec.
//!
//! One binary, since the parts share how vectors are read.
#![expect(clippy::unwrap_used, reason = "a vector that cannot be read fails its test")]

mod documents;
mod frames;
mod geometry;
mod incomplete;
mod live;
mod made;
mod properties;
mod rooms;
#[cfg(feature = "serde")]
mod serde_impls;
mod support;
