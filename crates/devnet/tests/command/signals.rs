//! What signals do, and what they don't where they were ignored at the start.

use kpthin_core::wire::AnyResponse;

use super::*;

const ARGS: [&str; 4] = ["--listen", "127.0.0.1:0", "--log", "debug"];

#[test]
fn whoever_asks_it_to_end_has_its_clients_told() {
    for name in ["HUP", "INT", "TERM"] {
        // A shell may have been told to ignore some of them, and hands that on.
        let mut running = Running::spawn(shell("trap - HUP INT TERM; exec \"$@\"", &ARGS));
        let client = Client::connect(&running.until("Ctrl-C"));
        let _ = running.until("connection #0 opened");
        running.signal(name);
        let responses = client.rest();
        assert!(matches!(responses.last(), Some(AnyResponse::Shutdown(_))), "{name}: {responses:?}");
        let _ = running.until(&format!("it was SIG{name}"));
        assert_eq!(running.ended().code, Some(0));
    }
}

/// Sends a signal that is to be ignored, and then one that ends it; that one did.
fn ignores(mut running: Running, pid: u32, name: &str) {
    running::signal(pid, name);
    running::signal(pid, "TERM");
    let told = running.until("it was SIG");
    assert!(told.contains("it was SIGTERM"), "{told}");
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_so() {
    for name in ["HUP", "INT"] {
        let mut running = Running::spawn(shell(&format!("trap '' {name}; exec \"$@\""), &ARGS));
        let _ = running.until("Ctrl-C");
        let pid = running.child.id();
        ignores(running, pid, name);
    }
}

#[test]
fn it_outlives_a_hang_up_under_nohup() {
    let mut running = Running::spawn(shell("exec nohup \"$@\"", &ARGS));
    let _ = running.until("Ctrl-C");
    let pid = running.child.id();
    ignores(running, pid, "HUP");
}

#[test]
fn it_outlives_an_interrupt_in_the_background_of_a_script() {
    let mut running = Running::spawn(shell("\"$@\" & echo \"pid $!\"; wait", &ARGS));
    let pid = running.until("pid ");
    let pid = pid.lines().find_map(|line| line.strip_prefix("pid ")).expect(&pid).parse().expect(&pid);
    let _ = running.until("Ctrl-C");
    ignores(running, pid, "INT");
}
