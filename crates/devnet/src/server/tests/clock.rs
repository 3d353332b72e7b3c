//! Time as the server takes it.

use std::sync::atomic::AtomicU64;

use super::super::clock::Clock;
use super::*;

#[test]
fn epochs_begin_though_the_machine_was_suspended_meanwhile() {
    // What timers sleep on stands still, as in suspend; the clock goes on by itself.
    let seconds = Arc::new(AtomicU64::new(1_000));
    let source = Arc::clone(&seconds);
    let clock = Clock::running(Box::new(move || Duration::from_secs(source.load(Ordering::SeqCst))));
    let mut config = DevnetConfig::instant();
    config.epoch_period = Duration::from_secs(20 * 60);
    let net = Server::builder(config, [1; 32]).clock(clock).start().unwrap();
    let mut client = Client::new(Blocking::new(net.connect_in_process()));
    client.check();
    let before = net.with(|devnet, _| devnet.epoch());
    let slept = 8 * 60 * 60;
    let _ = seconds.fetch_add(slept, Ordering::SeqCst);
    // Nobody asks for anything: the timer finds it out.
    assert!(matches!(client.next(), Some(AnyResponse::NewPkiDocument(_))));
    assert_eq!(net.now().since_origin(), Duration::from_secs(slept));
    assert_eq!(net.with(|devnet, _| devnet.epoch()), before + slept / (20 * 60));
}
