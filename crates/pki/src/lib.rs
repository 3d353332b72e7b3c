//! Verifies the signed documents of the Katzenpost mix network against an application's own trust root.
//!
//! A network's directory authorities agree on a document in every epoch and sign it. A client daemon fetches that
//! document, and an application that takes the daemon's word for it trusts the daemon with the whole network: who takes
//! part, under which keys, and where services are. This crate lets the application check for itself.
//!
//! - The application holds a [`TrustRoot`]: the names and keys of the authorities, the signature scheme, and how many of
//!   them have to agree. **Keys come from the application**, from its configuration or its code. The list that a daemon
//!   hands out comes from whoever hands out the document, so it proves nothing.
//! - [`TrustRoot::verify`] takes the signed document as `get_pki_document` delivers it, and gives a [`Verified`]: the
//!   document, and a [`Report`] of who signed.
//! - A lying daemon can hand out an old document, which was signed well once. With the network's
//!   [epoch period](TrustRootBuilder::epoch_period) and the time, the document has to be of the present; without, the
//!   result says that its [`Freshness`] is unchecked. [`TrustRoot::not_before_epoch`] refuses documents that are older
//!   than one that was verified before.
//!
//! It is pure: no clock, no I/O, no randomness; `no_std` with `alloc`. Nothing panics, whatever the bytes are.
//!
//! # Schemes
//!
//! | name | public key | signature | feature |
//! |---|---|---|---|
//! | `Ed25519` | 32 bytes | 64 bytes | always there |
//! | `Falcon-padded-512-Ed25519` | 929 bytes | 730 bytes | `falcon` |
//! | `Ed25519 Sphincs+` | 96 bytes | 49,920 bytes | `sphincs` |
//!
//! The hybrids need both halves to be good. All of it is Rust; the round-3 forms of Falcon-512 and of SPHINCS+
//! (SHAKE-256f, robust) are what the network uses, and not what FIPS 205 and 206 made of them (Pigeonhole backend §12.3).
//!
//! # Examples
//!
//! ```
//! use core::time::Duration;
//!
//! use kpthin_pki::{Reason, Scheme, TrustRoot, UnixTime};
//!
//! let root = TrustRoot::builder(Scheme::Ed25519)
//!     .authority_hex("auth1", "acd2bd9d5987f0a6c54a3dfbe6cff49375d02ec1c0c5dd6d2b8e362da1a494b3")
//!     .authority_hex("auth2", "ea22e551fa4391b61fa5092b1c0cbb34003ddc8fbc92beb762240a3a7bce9602")
//!     .authority_hex("auth3", "c323fc003a2de21815a717ad967957584eeefc89c3c6d40b3b333def6c8c12cf")
//!     .epoch_period(Duration::from_secs(20 * 60))
//!     .build()?;
//! assert_eq!(root.threshold(), 2);
//!
//! # let bytes = include_bytes!("../tests/vectors/ed25519-valid-3of3.cbor");
//! # let now = UnixTime::from_secs(1_496_275_200 + 300_000 * 20 * 60);
//! // `bytes` is what the daemon delivered, `now` the time.
//! let verified = root.verify(bytes, 0, Some(now))?;
//! println!("{}", verified.report());
//! for service in verified.document().services("echo") {
//!     println!("{} echoes", service.node);
//! }
//!
//! // Four years later it is refused.
//! let later = UnixTime::from_secs(now.as_secs() + 4 * 365 * 86_400);
//! assert!(matches!(root.verify(bytes, 0, Some(later)).unwrap_err().reason(), Reason::Expired { .. }));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
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

mod builder;
mod error;
mod report;
mod root;
mod scheme;
mod schemes;
mod time;
mod verified;

pub use builder::{TrustRootBuilder, TrustRootError};
pub use error::{Reason, VerifyError};
pub use report::{AuthorityReport, Report, Verdict};
pub use root::TrustRoot;
pub use scheme::{Scheme, UnknownScheme};
pub use time::UnixTime;
pub use verified::{Freshness, Verified};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
