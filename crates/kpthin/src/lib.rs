//! Anonymous communication for Rust programs, through a Katzenpost client daemon.
//!
//! [Katzenpost](https://katzenpost.network) is a mix network: it hides from everyone, the network
//! included, who talks to whom and when. A program links this library and talks to the daemon
//! `kpclientd` on the same machine; the daemon does the mixnet cryptography.
//!
//! What it is not: a mix network, or an end-to-end protocol between people; and without a daemon it
//! does nothing but talk to the embedded one, which gives no anonymity.
//!
//! Messages are left in *boxes*. A stream is an endless row of boxes that its owner can write
//! (with a [`WriteCap`](wire::WriteCap)) and others can read (with the
//! [`ReadCap`](wire::ReadCap)); replicas keep each box for one to two weeks. There are also plain
//! messages to services of the network, for example `echo`.
//!
//! # Examples
//!
//! Alice writes a box, Bob reads it. Here an embedded daemon answers; with a real one only the
//! first lines are others (`Config::from_file("thinclient.toml")?`):
//!
//! ```
//! # #[cfg(all(feature = "devnet", feature = "tokio"))]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use kpthin::{Read, devnet::{self, DevnetConfig, Server}};
//!
//! let net = Arc::new(Server::builder(DevnetConfig::instant(), [7; 32]).start()?);
//! let client = kpthin::tokio::connect(devnet::in_process(&net)).await?;
//!
//! let stream = client.create_stream().await?;
//! client.write(&stream.write_cap, &stream.first_message_index, "hello, Bob").await?;
//!
//! match client.read(&stream.read_cap, &stream.first_message_index).await? {
//!     Read::Message { plaintext, .. } => assert_eq!(plaintext[..], *b"hello, Bob"),
//!     Read::NotWritten => println!("nothing there yet"),
//!     Read::Tombstone { .. } => println!("deleted"),
//! }
//! client.stop().await?;
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "devnet", feature = "tokio")))]
//! # fn main() {}
//! ```
//!
//! # Where to start
//!
//! - [`Client`]: what a program can ask for. Every request is a [`Call`]: await it on any executor,
//!   or wait for it on a plain thread.
//! - [`Config`]: where the daemon is; it reads the `thinclient.toml` that comes with one.
//! - `kpthin::tokio::connect` (feature `tokio`, on by default) runs it on tokio,
//!   `kpthin::smol::connect` (feature `smol`) on smol, async-std and any other executor,
//!   `kpthin::blocking::connect` (feature `blocking`) on plain threads. Other runtimes implement
//!   [`Runtime`] and call [`connect`].
//! - `kpthin::streams` (feature `streams`, on by default): writers, readers and inboxes, with state
//!   that neither loses nor repeats a message. What most programs want for messages.
//! - `kpthin::pki` (feature `pki`) verifies the network's documents against authority keys that the
//!   program brings along, so that it need not believe its daemon.
//! - `kpthin::devnet` (feature `devnet`) is an embedded daemon, for programs and tests without a
//!   network at hand, and a simulation in virtual time.
//! - `kpthin::testing` (feature `devnet`) tells how an application is tested with it.
//!
//! The guide `docs/how-to.md` of the repository has a small, complete program for every task.
//!
//! # What to rely on
//!
//! - Every call ends, whatever the daemon or the link does, except for three waits that are
//!   documented: while there is no link, while the daemon says that the mix network is down, and
//!   for an operation that the network never answers. [`Call::timeout`] bounds those too.
//! - A failed call tells whether the daemon can have acted on it ([`CallError::fate`]) and whether
//!   asking again makes sense ([`CallError::retry`]).
//! - Dropping a call cancels it.
//! - A lost link is dialled again, and calls survive it where sending them again is harmless.
//! - A [`write`](Client::write) that reports success is stored.

pub use kpthin_client::*;

#[cfg(feature = "blocking")]
#[doc(inline)]
pub use kpthin_blocking as blocking;

#[cfg(feature = "devnet")]
pub mod devnet;

pub mod pki;

#[cfg(feature = "smol")]
#[doc(inline)]
pub use kpthin_smol as smol;

#[cfg(feature = "streams")]
#[doc(inline)]
pub use kpthin_streams as streams;

#[cfg(feature = "devnet")]
pub mod testing;

#[cfg(feature = "tokio")]
#[doc(inline)]
pub use kpthin_tokio as tokio;
