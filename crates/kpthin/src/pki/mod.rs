//! The network's documents, and their verification against an application's own trust root.
//!
//! The daemon announces a document in every epoch and has verified it. A program that does not want to
//! take the daemon's word for who is in the network brings the authorities' keys along in a
//! `TrustRoot` and asks for a `verified_document` (feature `pki`):
//!
//! ```
//! # #[cfg(all(feature = "devnet", feature = "pki", feature = "tokio"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::{sync::Arc, time::SystemTime};
//! # use kpthin::devnet::{self, DevnetConfig, Server};
//! use kpthin::pki::{ClientExt, UnixTime};
//!
//! # let net = Arc::new(Server::builder(DevnetConfig::instant(), [7; 32]).start()?);
//! # let client = kpthin::tokio::connect(devnet::in_process(&net)).await?;
//! # let mut root = net.with(|net, _| net.trust_root());
//! // `root` is a `TrustRoot` from the program's configuration.
//! let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
//! let now = UnixTime::from_secs(now.as_secs());
//! let verified = client.verified_document(&root, 0, Some(now)).await?;
//! println!("{}", verified.report());
//! // Worth saving: nothing older is taken from now on.
//! root.not_before_epoch(verified.epoch());
//! // Services from this document, and no other.
//! let echo = client.service_in(verified.document(), "echo").ok_or("nobody echoes")?;
//! # drop(echo);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "devnet", feature = "pki", feature = "tokio")))]
//! # fn main() {}
//! ```

#[cfg(feature = "pki")]
mod verifying;

#[doc(inline)]
pub use kpthin_client::pki::*;
#[cfg(feature = "pki")]
#[doc(inline)]
pub use kpthin_pki::*;

#[cfg(feature = "pki")]
pub use self::verifying::{ClientExt, VerifiedDocumentError, Verifying};
