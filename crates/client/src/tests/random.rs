//! Everything random comes from the runtime, and without it nothing is made of less.

use kpthin_core::{
    error::{CallError, InvalidRequest},
    wire::{AnyRequest, Seed, SessionToken},
};

use super::world::*;
use crate::{Client, ConnectError, FirstConnect};

const MISSING: CallError = CallError::InvalidRequest(InvalidRequest::Missing { member: "seed" });

/// Everything that a client draws: the tokens of both links, a stream's seed, services, couriers.
fn drawn(seed: u64) -> (Vec<SessionToken>, Seed, Vec<String>) {
    let token = |peer: &mut Peer| match peer.request().request {
        AnyRequest::SessionToken(token) => token.client_instance_token,
        other => panic!("{other:?}"),
    };
    let greeted = |world: &mut World| {
        let mut peer = world.peer();
        peer.status(true);
        peer.document(Some(&document(100)));
        world.run();
        let token = token(&mut peer);
        peer.session(false);
        world.run();
        (peer, token)
    };
    let mut world = World::on(Time::seeded(seed), FirstConnect::Fail, |_| Ok(()));
    let (mut main, first) = greeted(&mut world);
    let client = world.client().expect("connected");
    client.ask(&read_cap(), &index(1)).detach();
    let (_companion, second) = greeted(&mut world);
    client.create_stream().detach();
    world.run();
    let AnyRequest::NewKeypair(keypair) = main.request().request else { panic!("no keypair") };
    let mut services: Vec<_> = (0..8).filter_map(|_| client.service("courier")).collect();
    services.extend((0..8).filter_map(|_| client.distinct_couriers(2)).flatten());
    let services = services.iter().map(|service| format!("{service:?}")).collect();
    (vec![first, second], keypair.seed, services)
}

#[test]
fn the_same_random_numbers_make_the_same_client_and_others_another() {
    let one = drawn(1);
    assert_eq!(one, drawn(1));
    let other = drawn(1 << 40);
    assert_ne!(one.0[0], other.0[0]);
    assert_ne!(one.0[1], other.0[1]);
    assert_ne!(one.1, other.1);
    assert_ne!(one.0[0], one.0[1], "each link has a seed of its own");
    let one_of_two = |services: &[String]| services.iter().any(|service| *service != services[0]);
    assert!(one_of_two(&one.2[..8]), "one is drawn and not always the first");
}

#[test]
fn without_random_numbers_nothing_is_connected() {
    let time = Time::default();
    time.set_random(false);
    let mut world = World::on(time, FirstConnect::Fail, |_| Ok(()));
    assert_eq!(world.client().unwrap_err(), ConnectError::Random);
    assert!(!world.has_dialled());
    let time = Time::default();
    time.set_random(false);
    let mut world = World::on(time, FirstConnect::KeepTrying, |_| Ok(()));
    assert_eq!(world.client().unwrap_err(), ConnectError::Random);
    assert!(!world.has_dialled());
}

fn refusal<T: std::fmt::Debug>(world: &mut World, mut call: crate::Call<T>) -> CallError {
    world.run();
    now(&mut call).expect("it has ended").unwrap_err()
}

#[test]
fn what_needs_random_numbers_is_refused_while_there_are_none_and_the_rest_goes_on() {
    let time = Time::default();
    let (mut world, client, mut peer) = World::up_on(time.clone());
    let ask = |client: &Client| client.ask(&read_cap(), &index(1));
    time.set_random(false);
    assert_eq!(refusal(&mut world, client.create_stream()), MISSING);
    assert_eq!(refusal(&mut world, ask(&client)), MISSING, "of the companion's machine");
    assert_eq!(refusal(&mut world, client.send_and_await_reply("echo", "hello")), MISSING);
    assert_eq!(client.service("echo"), None);
    assert_eq!(client.distinct_couriers(2), None);
    assert!(!world.has_dialled() && peer.requests().is_empty(), "nothing was written");
    let mut call = client.new_keypair(&[1; 32].into());
    world.serve(&mut peer);
    assert!(now(&mut call).expect("answered").is_ok());

    time.set_random(true);
    ask(&client).detach();
    world.run();
    assert!(world.has_dialled());
    assert!(client.service("echo").is_some());
    client.create_stream().detach();
    world.run();
    assert_eq!(peer.requests().len(), 1);
}
