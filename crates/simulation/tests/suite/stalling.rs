//! Futures that do not end: nobody hangs, and whoever looks learns why.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};

use kpthin_client::{Config, Read};
use kpthin_devnet::Server;
use kpthin_simulation::{StallCause, Stalled};

use crate::*;

/// What a panic of the simulation says.
fn panicked(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    payload.downcast_ref::<String>().unwrap().clone()
}

fn stalled<T: std::fmt::Debug>(sim: &Simulation, future: impl Future<Output = T>) -> Stalled {
    sim.try_block_on(future).unwrap_err()
}

#[test]
fn patience_is_a_day_unless_said_otherwise() {
    let sim = instant();
    let error = stalled(&sim, pending::<()>());
    assert_eq!((error.cause, error.passed), (StallCause::Patience, 24 * HOUR));
    assert_eq!(sim.now().since_origin(), 24 * HOUR);
    sim.set_patience(secs(90));
    let error = stalled(&sim, pending::<()>());
    assert_eq!((error.cause, error.passed), (StallCause::Patience, secs(90)));
    assert_eq!(sim.now().since_origin(), 24 * HOUR + secs(90));
    sim.set_patience(Duration::MAX);
    sim.block_on(sim.sleep(60 * 24 * HOUR));
}

#[test]
fn patience_is_for_each_wait_and_not_for_all_of_them() {
    let sim = instant();
    sim.set_patience(secs(10));
    for _ in 0..5 {
        assert!(sim.try_block_on(sim.sleep(secs(9))).is_ok());
    }
    let mut pause = pin!(sim.sleep(secs(25)));
    assert!(sim.try_block_on(&mut pause).is_err());
    assert!(sim.try_block_on(&mut pause).is_err());
    assert!(sim.try_block_on(&mut pause).is_ok(), "it is still there, and time has passed");
}

#[test]
fn the_message_tells_what_everybody_was_about() {
    let sim = instant();
    let client = sim.block_on(sim.connect()).unwrap();
    let stream = sim.block_on(client.create_stream()).unwrap();
    set(&sim, faults(&["loss=1", "latency=10"]));
    let _reading = client.read(&stream.read_cap, &stream.first_message_index);
    sim.set_patience(2 * HOUR);
    let waiting = async {
        client.pause(HOUR).await;
        pending::<()>().await;
    };
    let message = panicked(|| sim.block_on(waiting));
    for part in [
        "the simulation's patience (see `set_patience`) is used up: the future has not ended after 7200s of simulated time",
        "the future: woken for the last time 3600s before",
        "client 1: link up, mix network connected, document of epoch ",
        ", 3 calls outstanding, 0 of them not written",
        "devnet: the daemon runs, 1 connections, 3 operations outstanding, faults: loss=1 latency=10",
        "next: something happens in ",
    ] {
        assert!(message.contains(part), "{part:?} is not in\n{message}");
    }
}

#[test]
fn the_error_has_it_in_fields() {
    let sim = instant();
    let offline = sim.block_on(sim.connect()).unwrap();
    sim.net().shutdown();
    sim.advance(secs(1)); // until it has noticed
    sim.set_patience(secs(600));
    let mut error = stalled(&sim, offline.wait_until_ready());
    assert!(!error.devnet.running);
    assert_eq!((error.devnet.connections, error.devnet.operations), (0, 0));
    assert_eq!(error.clients.len(), 1);
    assert!(error.next_wake.unwrap() <= secs(72), "it is dialled again: {error}");
    assert!(error.to_string().contains("devnet: the daemon does not run"), "{error}");
    assert!(error.to_string().contains("client 1: link down") || error.to_string().contains("connecting"));

    // A client that is closed is none any more.
    drop(sim.block_on(offline.stop()));
    error = stalled(&sim, pending::<()>());
    assert!(error.clients.is_empty(), "{error}");
}

/// A devnet whose epochs never end has nothing to do by itself.
#[test]
fn what_can_never_happen_is_known_at_once() {
    let mut config = DevnetConfig::instant();
    config.epoch_period = Duration::MAX;
    let sim = Simulation::new(config, [1; 32]);
    sim.set_patience(Duration::MAX);
    let error = stalled(&sim, pending::<()>());
    assert_eq!(error.cause, StallCause::Never, "{error}");
    assert!(error.to_string().starts_with("the future waits for something that can never happen"), "{error}");
}

#[test]
fn a_loop_without_a_pause_is_found_out() {
    let sim = instant();
    let spinning = poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    let error = stalled(&sim, spinning);
    assert_eq!((error.cause, error.passed), (StallCause::Spinning, Duration::ZERO));
    assert!(error.to_string().contains("while the simulated clock stands still"), "{error}");
    // The simulation is as good as new.
    assert!(sim.block_on(sim.connect()).is_ok());
}

#[test]
fn a_simulation_does_not_run_within_itself() {
    let sim = instant();
    let inner = sim.block_on(async { sim.try_block_on(async { 1 }) });
    assert_eq!(inner.unwrap_err().cause, StallCause::Nested);
    let message = panicked(|| sim.block_on(async { sim.block_on(async {}) }));
    assert_eq!(message, "a simulation can't run a future within another one: await it there");
    assert_eq!(sim.block_on(async { 2 }), 2, "also after a panic within it");
}

#[test]
fn a_future_that_is_given_up_by_reference_goes_on_later() {
    let sim = instant();
    let client = sim.block_on(sim.connect()).unwrap();
    let stream = sim.block_on(client.create_stream()).unwrap();
    let (cap, first) = (&stream.write_cap, &stream.first_message_index);
    sim.net().set_mixnet(false);
    let mut writing = client.write(cap, first, "text");
    assert_eq!(stalled(&sim, &mut writing).cause, StallCause::Patience);
    sim.net().set_mixnet(true);
    assert!(sim.block_on(&mut writing).is_ok());
    let read = sim.block_on(client.read(&stream.read_cap, first)).unwrap();
    assert!(matches!(read, Read::Message { .. }));
}

/// Whatever a client is connected to, it is in the message.
#[test]
fn a_client_that_never_connects_is_told_of() {
    let sim = instant();
    let other = Server::with_manual_clock(DevnetConfig::instant(), [2; 32]);
    let gone = kpthin_simulation::in_process(&std::sync::Arc::new(other));
    let config: Config = gone.first_connect(kpthin_client::FirstConnect::KeepTrying);
    let client = sim.block_on(sim.connect_with(config)).unwrap();
    let error = stalled(&sim, client.wait_until_ready());
    assert!(error.to_string().contains("client 1: link "), "{error}");
    assert!(!error.to_string().contains("client 1: link up"), "{error}");
}
