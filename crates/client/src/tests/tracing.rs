//! What a subscriber is told, and what not.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use ::tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::with_default,
};
use kpthin_core::wire::Seed;

use super::world::{World, index, now, write_cap};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<String>>);

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut told = self.0.lock().unwrap();
        told.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
        self.0.lock().unwrap().push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_subscriber_learns_kinds_and_durations_and_no_contents() {
    // Other tests run without a subscriber at the same time. A place in the code that one of them is
    // the first to pass may stay silent, unless `tracing` is made to ask again.
    with_default(Told::default(), a_conversation);
    let told = Told::default();
    with_default(told.clone(), || {
        ::tracing::callsite::rebuild_interest_cache();
        a_conversation();
    });
    let told = told.0.lock().unwrap().clone();
    for expected in
        ["kind=\"encrypt_write\"", "kind=\"start_resending_encrypted_message\"", "duration=", "LinkUp"]
    {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert!(told.contains("error=cancelled"), "{told}");
    // The seed, the capability, the index and the envelope as bytes or as hexadecimal.
    for secret in ["attack", "94, 94", "5e5e", "1, 1, 1", "0101", "9, 9, 9", "0909", "3, 3, 3", "0303"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}

fn a_conversation() {
    let (mut world, client, mut peer) = World::up();
    let mut write = client.write(&write_cap(), &index(17), "attack at dawn");
    let refused = client.new_keypair(&Seed::from([0x5e; 32]));
    refused.cancel();
    world.serve(&mut peer);
    assert!(now(&mut write).unwrap().is_ok());
}
