//! Streams on the boxes of the Katzenpost mix network: writers, readers, inboxes, conversations,
//! with state that neither loses nor repeats a message.
//!
//! A *stream* is an endless row of boxes that one party writes and others read; replicas keep each
//! box for one to two weeks. [`Client`](kpthin_client::Client) writes and reads single boxes. What a
//! program needs on top of that is here, once and with care: which box is next, what was sent and
//! what was not, how to wait for a box that is not there yet, and how to go on after a crash.
//!
//! - [`StreamWriter`]: the only writer of a stream. No box ever gets two contents.
//! - [`StreamReader`]: every box once, in order, waiting for those that are not written yet.
//! - [`Conversation`]: one of each.
//! - [`Inbox`]: hundreds of readers with one scheduler.
//! - [`CopyJob`]: many boxes of one or several streams, written by a courier at one command.
//! - [`Joiner`] and [`Inductor`]: contact vouchers, by which two programs come to read each other.
//!
//! What it is not: an end-to-end protocol. Who holds a read capability can read, who holds a write
//! capability can write; who gets them is the program's business. And no storage: the program keeps
//! the bytes.
//!
//! This crate depends on no runtime. Most programs use it as `kpthin::streams`, through the facade
//! crate `kpthin`.
//!
//! # What to save, and when
//!
//! | type | state | save it |
//! |---|---|---|
//! | [`StreamWriter`] | [`WriterState`] | after [`push`](StreamWriter::push), before [`release`](StreamWriter::release); after a receipt if convenient |
//! | [`StreamReader`] | [`ReaderState`] | with each item, in the same transaction: [`Delivery::after`] |
//! | [`Conversation`] | [`ConversationState`] | as both |
//! | [`Inbox`] | a [`ReaderState`] per key | per delivery |
//! | [`CopyJob`] | [`CopyState`] | after [`seal_batch`](CopyJob::seal_batch), [`upload`](CopyJob::upload) and [`finish`](CopyJob::finish) |
//! | [`Joiner`] | [`JoinerState`] | before [`publish`](Joiner::publish) |
//! | [`Inductor`] | [`InductorState`] | before [`reply`](Inductor::reply) |
//!
//! All states are secret, have `to_bytes` and `from_bytes`, and are refused when they were damaged.
//!
//! # Examples
//!
//! Alice writes, Bob reads; both on one client here, and on plain threads, so that the example is
//! short. Elsewhere `.await` stands for `.wait()`.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let net = kpthin_devnet::Server::start(kpthin_devnet::DevnetConfig::instant(), [7; 32])?;
//! # let address = net.tcp_addr().expect("started on TCP").to_string();
//! use kpthin_client::Config;
//! use kpthin_streams::{Item, ReaderState, StreamReader, StreamWriter, WriterState};
//!
//! let client = kpthin_blocking::connect(Config::tcp(address))?;
//! let keys = client.create_stream().wait()?;
//! let first = keys.first_message_index;
//!
//! let alice = StreamWriter::new(&client, WriterState::new(keys.write_cap, first.clone())?);
//! alice.send("hello, Bob")?;
//! alice.flush().wait()?;
//!
//! let bob = StreamReader::new(&client, ReaderState::new(keys.read_cap, first)?);
//! let delivery = bob.next().wait()?;
//! assert_eq!(delivery.item, Item::Message("hello, Bob".into()));
//! # Ok(())
//! # }
//! ```

mod conversation;
mod copy;
mod engine;
mod error;
mod inbox;
mod reader;
mod readers;
mod steps;
#[cfg(test)]
mod testing;
mod voucher;
mod wait;
mod writer;

pub use conversation::{Conversation, ConversationState};
pub use copy::{CopyError, CopyJob, CopyOutcome, CopyState, RunError};
pub use error::{StateError, StreamError};
pub use inbox::{Attention, Inbox};
pub use reader::{Delivery, Item, Pauses, ReaderState, StreamReader};
pub use voucher::{Contact, Inductor, InductorState, Joined, Joiner, JoinerState, VoucherError};
pub use wait::Waiting;
pub use writer::{Outcome, PushError, RangeError, Receipt, Seq, StreamWriter, WriterState};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
