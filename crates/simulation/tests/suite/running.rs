//! Time, tasks, and what does not belong into a simulation.

use std::{cell::Cell, rc::Rc};

use kpthin_client::{Config, ConnectError, WaitError};

use crate::*;

#[test]
fn time_passes_in_steps_of_what_happens() {
    let sim = instant();
    sim.block_on(sim.sleep(23 * HOUR));
    assert_eq!(sim.now().since_origin(), 23 * HOUR);
}

#[test]
fn more_time_than_anybody_has_patience_for_can_be_let_pass() {
    let sim = instant();
    sim.advance(30 * 24 * HOUR);
    assert_eq!(sim.now().since_origin(), 30 * 24 * HOUR);
}

#[test]
fn what_is_spawned_runs_beside() {
    let sim = instant();
    let done = Rc::new(Cell::new(false));
    let (pause, set) = (sim.sleep(secs(5)), done.clone());
    sim.spawn(async move {
        pause.await;
        set.set(true);
    });
    sim.block_on(sim.sleep(secs(4)));
    assert!(!done.get());
    sim.block_on(sim.sleep(secs(2)));
    assert!(done.get());
}

#[test]
fn a_client_is_refused_to_block_the_only_thread() {
    let sim = instant();
    let client = sim.block_on(sim.connect()).unwrap();
    assert_eq!(client.wait_until_ready().wait(), Err(WaitError::WouldBlock));
}

#[test]
fn other_endpoints_are_not_dialled() {
    let sim = instant();
    let error = sim.block_on(sim.connect_with(Config::tcp("localhost:1"))).unwrap_err();
    assert!(matches!(error, ConnectError::Dial { .. }), "{error}");
}
