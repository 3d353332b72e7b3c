//! BACAP: blinded, signed and encrypted boxes at unlinkable addresses, as the Katzenpost mix network uses them.
//!
//! A *stream* is a sequence of boxes. Who holds its [`WriteCap`] can fill them, who holds its [`ReadCap`] can find and
//! open them, and everybody else, the storing replica included, sees addresses and ciphertexts that have nothing in
//! common, yet can check each signature. A [`MessageBoxIndex`] names one box of a stream and leads to all later ones,
//! never to an earlier one.
//!
//! Everything here is deterministic: the same capability, index and plaintext give the same bytes, which is what makes
//! sending a box twice harmless. The bytes are those of the reference network (Pigeonhole backend §2).
//!
//! # What it is not
//!
//! - No network: boxes travel inside envelopes through a mix network, and that is a daemon's business.
//! - No randomness: the seed of a capability comes from the caller and must be 32 secret, uniformly random bytes.
//! - No padding: a box shows the length of its plaintext. The Pigeonhole protocol pads to a fixed size *before*
//!   [`WriteCap::seal`].
//! - No memory: writing two different plaintexts at one index gives two valid boxes, of which a replica keeps the first.
//!
//! # Examples
//!
//! ```
//! use kpthin_bacap::{Context, Opened, WriteCap};
//!
//! let writer = WriteCap::from_seed(&[7; 32]); // 32 random bytes in real life
//! let reader = writer.read_cap();             // this is what you hand to the reader
//!
//! let first = writer.index().clone();
//! let sealed = writer.seal(&first, Context::PIGEONHOLE, b"hello");
//! assert!(sealed.box_id.verify(&sealed.ciphertext, &sealed.signature)); // anybody can
//!
//! match reader.open(&first, Context::PIGEONHOLE, &sealed)? {
//!     Opened::Content(plaintext) => assert_eq!(plaintext.as_slice(), b"hello"),
//!     Opened::Tombstone => unreachable!("the writer did not delete it"),
//! }
//!
//! let second = first.next()?;
//! assert_ne!(reader.box_id(&second, Context::PIGEONHOLE), sealed.box_id);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Where to start
//!
//! [`WriteCap::from_seed`] makes a stream, [`WriteCap::seal`] and [`ReadCap::open`] are the two ends of a box,
//! [`MessageBoxIndex::next`] goes to the next one, and [`BoxId::verify`] is what a replica does.
//!
//! Capabilities and indexes are secrets: they are wiped on drop, [`Debug`](core::fmt::Debug) does not show them, and
//! their bytes leave only by `to_bytes`.

#![no_std]
#![warn(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::string_slice,
    clippy::panic,
    clippy::unreachable,
    clippy::match_wildcard_for_single_variants,
    clippy::wildcard_enum_match_arm,
    clippy::alloc_instead_of_core,
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core
)]

extern crate alloc;

mod blind;
mod boxes;
mod content;
mod context;
mod error;
mod index;
mod kdf;
mod read_cap;
mod stream;
#[cfg(test)]
mod testing;
mod write_cap;

pub use boxes::{BoxId, Opened, SealedBox};
pub use context::Context;
pub use error::{CapError, IndexError, OpenError};
pub use index::MessageBoxIndex;
pub use read_cap::ReadCap;
pub use write_cap::WriteCap;
pub use zeroize::Zeroizing;
