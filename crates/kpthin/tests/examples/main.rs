//! Runs the examples as a user does, looks at what they print, and keeps the guide in step with them.
#![cfg(all(unix, feature = "blocking", feature = "devnet", feature = "streams", feature = "tokio"))]
#![expect(clippy::expect_used, reason = "a test that can't go on says why")]

mod alice_and_bob;
mod how_to;
mod recipes;
mod support;
