//! The wire cut at every byte of the handshake and of one call of each class, with the embedded
//! daemon at the other end.
//!
//! `cut_devnet.rs` stores and reads a box meanwhile, which takes too long to do it at every byte.

use std::time::Duration;

use kpthin_core::{
    error::{CallError, ReplicaError},
    wire::{NewKeypair, SendMessage, StartResendingEncryptedMessage},
};
use kpthin_devnet::DevnetConfig;
use kpthin_tests::{
    After, Cut, Direction, How, Net, Pair, answered_or_lost,
    boxes::{Stream, Unwritten},
};

const SECOND: Duration = Duration::from_secs(1);
const SEED: u64 = 33;

/// One call of each class. The envelope was made beforehand: an envelope works at any daemon of
/// the network, so every run can use the same one.
struct Calls {
    local: NewKeypair,
    operation: StartResendingEncryptedMessage,
    message: SendMessage,
}

fn config() -> DevnetConfig {
    let mut config = DevnetConfig::instant();
    config.grace_period = 20 * SECOND;
    config
}

fn prepare() -> Calls {
    let mut pair = Pair::up(SEED, Net::new(SEED, config()));
    let stream = Stream::new(&mut pair, 1);
    let index = stream.first();
    let envelope = pair.call(stream.encrypt_read(&index)).expect("an envelope");
    Calls {
        local: Stream::request(2),
        operation: stream.send_read(&index, envelope, Unwritten::Ends),
        message: pair.echo(1),
    }
}

fn run(calls: &Calls, cut: Option<(Cut, After)>) -> Pair<Net> {
    let mut pair = Pair::new(SEED, Net::new(SEED, config()));
    if let Some((cut, after)) = cut {
        pair.cut_then(cut, after);
    }
    let local = pair.start(calls.local.clone());
    let operation = pair.start(calls.operation.clone());
    let message = pair.start(calls.message.clone());
    // The harness checks that each ends once, with a fate that matches what was written.
    assert!(pair.finish(local).is_ok(), "a local call survives every loss");
    let unwritten = Err(CallError::Replica(ReplicaError::BoxIdNotFound));
    assert_eq!(pair.finish(operation), unwritten, "an operation survives every loss");
    answered_or_lost(pair.finish(message), cut.is_some());
    pair
}

/// Cuts at every byte of one direction. Each cut has another aftermath than the one before it; with
/// `KPTHIN_EVERY_BYTE=1` each has all four.
fn every_byte(direction: Direction) {
    let every = std::env::var_os("KPTHIN_EVERY_BYTE").is_some();
    let calls = prepare();
    let (up, down) = run(&calls, None).delivered();
    let total = if direction == Direction::Up { up } else { down };
    assert!(total > 2_000, "{total} bytes are not a conversation");
    for after_bytes in 0..total {
        let turn = after_bytes % After::ALL.len();
        let afters = if every { &After::ALL[..] } else { &After::ALL[turn..=turn] };
        for after in afters {
            let how = if *after == After::ShutDown { How::Unharmed } else { How::EndOfFile };
            let pair = run(&calls, Some((Cut { direction, after_bytes, how }, *after)));
            assert_eq!(pair.cut, None, "the wire was not cut after {after_bytes} bytes");
        }
    }
}

#[test]
fn cut_upwards_at_every_byte() {
    every_byte(Direction::Up);
}

#[test]
fn cut_downwards_at_every_byte() {
    every_byte(Direction::Down);
}
