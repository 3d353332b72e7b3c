//! The embedded daemon, how a client reaches it without a socket, and a simulation in virtual time.
//!
//! A [`Server`] is a daemon with a network behind it, on real sockets and within the process; it gives
//! no anonymity. A [`Simulation`] runs one together with clients and a program on a clock that jumps.
//! [How an application is tested](crate::testing) with both has a page of its own.
//!
//! # Examples
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use kpthin::devnet::{self, DevnetConfig, Server};
//!
//! let net = Arc::new(Server::start(DevnetConfig::instant(), [7; 32])?);
//! let client = kpthin::tokio::connect(devnet::in_process(&net)).await?;
//! assert!(client.create_stream().await.is_ok());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```

#[doc(inline)]
pub use kpthin_devnet::*;
#[doc(inline)]
pub use kpthin_simulation::*;
