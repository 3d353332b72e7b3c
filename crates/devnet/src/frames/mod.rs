//! The daemon's side of the wire as the reference has it: what it reads as a frame, and how it writes one.
//!
//! The messages themselves are those of [`kpthin_core::wire`]. The reference is more lenient when it reads than that, and
//! writes more than has to be said; both is needed so that clients find here what they will find there.

mod cursor;
mod decode;
mod ids;
mod layout;
mod shape;
mod strict;
#[cfg(test)]
mod tests;

pub(crate) use decode::{Frame, Incoming, Unusable, decode};
pub(crate) use ids::Ids;
pub(crate) use layout::{reordered, with_null_members};
pub(crate) use strict::{Gaps, NoQueue};
