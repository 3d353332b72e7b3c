//! Asking beside everything else: the link of its own, its bounds, its end.

use kpthin_core::{
    error::{CallError, CloseReason, Fate},
    wire::{AnyRequest, RequestFrame, RequestKind},
};

use super::world::*;
use crate::{Asked, Call, Client, FirstConnect, LinkStatus, Read};

fn ask(client: &Client, counter: u64) -> Call<Asked> {
    client.ask(&read_cap(), &index(counter))
}

/// A client with an open companion, and the peers of both links.
fn with_companion() -> (World, Client, Peer, Peer) {
    let (mut world, client, main) = World::up();
    let mut first = ask(&client, 1);
    let mut companion = world.greet();
    world.serve(&mut companion);
    assert!(now(&mut first).unwrap().is_ok());
    (world, client, main, companion)
}

fn kinds(requests: &[RequestFrame]) -> Vec<RequestKind> {
    requests.iter().map(|request| request.request.kind()).collect()
}

#[test]
fn the_first_ask_opens_a_link_of_its_own() {
    let (mut world, client, mut main) = World::up();
    world.run();
    assert!(!world.has_dialled());
    let mut asked = ask(&client, 17);
    let mut peer = world.peer();
    peer.status(true);
    peer.document(None);
    world.run();
    let AnyRequest::SessionToken(_) = peer.request().request else { panic!("no token") };
    peer.session(false);
    world.serve(&mut peer);
    let asked = now(&mut asked).unwrap().unwrap();
    assert_eq!(asked.read, Read::Message { plaintext: "content".into(), next: index(18) });
    assert_eq!(asked.replica_epoch, Some(0x0303_0303_0303_0303), "as the envelope has it");
    assert!(main.requests().is_empty(), "nothing of it went over the first link");

    client.new_keypair(&[1; 32].into()).detach();
    world.serve(&mut main);
    assert!(peer.requests().is_empty(), "and nothing else over the second");
}

#[test]
fn what_is_not_there_is_an_answer() {
    for (code, expected) in [(1, Read::NotWritten), (11, Read::Tombstone { next: index(18) })] {
        let (mut world, client, _main, mut companion) = with_companion();
        let mut asked = ask(&client, 17);
        let start = world.started(&mut companion);
        companion.refuse(&start, code);
        world.run();
        let asked = now(&mut asked).unwrap().unwrap();
        assert_eq!((asked.read, asked.next), (expected, index(18)));
    }
}

#[test]
fn one_is_encrypted_and_ten_are_on_their_way_at_most_in_the_order_of_asking() {
    let (mut world, client, _main, mut companion) = with_companion();
    let mut asks: Vec<_> = (0..12).map(|n| ask(&client, 100 + n)).collect();
    let mut started = Vec::new();
    loop {
        world.run();
        let requests = companion.requests();
        if requests.is_empty() {
            break;
        }
        let (encrypts, starts): (Vec<_>, Vec<_>) =
            requests.into_iter().partition(|request| request.request.kind() == RequestKind::EncryptRead);
        assert!(encrypts.len() <= 1, "{:?}", kinds(&encrypts));
        encrypts.iter().for_each(|request| companion.answer(request));
        started.extend(starts);
    }
    assert_eq!(started.len(), 10);
    companion.answer(&started[3]);
    world.run();
    assert!(now(&mut asks[3]).unwrap().is_ok());
    let eleventh = companion.request();
    let AnyRequest::EncryptRead(encrypt) = &eleventh.request else { panic!("{eleventh:?}") };
    assert_eq!(encrypt.message_box_index, index(110));

    // One that is dropped makes room too, and is cancelled over there.
    companion.answer(&eleventh);
    world.run();
    assert_eq!(kinds(&companion.requests()), [RequestKind::StartResendingEncryptedMessage]);
    drop(asks.remove(0));
    world.run();
    let kinds = kinds(&companion.requests());
    assert_eq!(kinds, [RequestKind::CancelResendingEncryptedMessage, RequestKind::EncryptRead]);
}

#[test]
fn one_that_waits_and_is_dropped_leaves_nothing_behind() {
    let (mut world, client, _main, mut companion) = with_companion();
    let asks: Vec<_> = (0..10).map(|n| ask(&client, n)).collect();
    let waiting = ask(&client, 10);
    let mut last = ask(&client, 11);
    world.run();
    drop(waiting);
    world.serve(&mut companion);
    drop(asks);
    world.serve(&mut companion);
    assert!(now(&mut last).unwrap().is_ok());
}

#[test]
fn its_loss_only_makes_asks_wait() {
    let (mut world, client, mut main, mut companion) = with_companion();
    let (mut events, before) = (client.events(), client.status());
    let mut asked = ask(&client, 17);
    let _start = world.started(&mut companion);
    companion.close();
    world.run();
    assert!(companion.is_dropped());
    assert_eq!((client.status().link, before.link), (LinkStatus::Up, LinkStatus::Up));
    let mut keypair = client.new_keypair(&[1; 32].into());
    world.serve(&mut main);
    assert!(now(&mut keypair).unwrap().is_ok(), "the rest goes on");

    world.advance(std::time::Duration::from_secs(1));
    let mut companion = world.greet();
    for replayed in
        [RequestKind::CancelResendingEncryptedMessage, RequestKind::StartResendingEncryptedMessage]
    {
        let request = companion.request();
        assert_eq!(request.request.kind(), replayed);
        companion.answer(&request);
        world.run();
    }
    assert!(now(&mut asked).unwrap().is_ok());
    assert_eq!(now(events.recv()), None, "nobody was told");
}

#[test]
fn stopping_ends_both_links() {
    let (mut world, client, mut main, mut companion) = with_companion();
    let mut asked = ask(&client, 17);
    world.run();
    let mut stop = client.stop();
    world.run();
    assert_eq!(now(&mut asked), Some(Err(CallError::Closed(CloseReason::Stopped, Fate::NotSent))));
    assert!(kinds(&main.requests()).contains(&RequestKind::ThinClose));
    assert!(kinds(&companion.requests()).contains(&RequestKind::ThinClose));
    main.close();
    world.run();
    assert_eq!((world.ended, now(&mut stop)), (None, None), "one is still open");
    companion.close();
    world.run();
    assert_eq!((world.ended, now(&mut stop)), (Some(CloseReason::Stopped), Some(Ok(()))));
}

#[test]
fn a_silent_daemon_delays_a_stop_by_little_more_than_a_second() {
    let (mut world, client, _main, _companion) = with_companion();
    let mut stop = client.stop();
    world.run();
    for _ in 0..3 {
        world.advance(std::time::Duration::from_millis(700));
    }
    assert_eq!(now(&mut stop), Some(Ok(())));
}

#[test]
fn draining_ends_asks_at_once() {
    let (mut world, client, mut main, _companion) = with_companion();
    let mut asked = ask(&client, 17);
    let mut keypair = client.new_keypair(&[1; 32].into());
    world.run();
    let _stop = client.stop_after(std::time::Duration::from_secs(10));
    world.run();
    assert!(matches!(now(&mut asked), Some(Err(CallError::Closed(CloseReason::Stopped, _)))));
    world.run();
    main.requests()
        .iter()
        .filter(|request| request.request.kind() == RequestKind::NewKeypair)
        .for_each(|request| main.answer(request));
    world.run();
    assert!(now(&mut keypair).unwrap().is_ok());
}

#[test]
fn a_driver_that_goes_fails_asks_too() {
    let (mut world, client, _main, _companion) = with_companion();
    let mut asked = ask(&client, 17);
    let mut waiting: Vec<_> = (0..11).map(|n| ask(&client, 100 + n)).collect();
    world.run();
    world.driver = None;
    for asked in std::iter::once(&mut asked).chain(&mut waiting) {
        assert!(matches!(now(asked), Some(Err(CallError::Closed(CloseReason::DriverGone, _)))));
    }
}

#[test]
fn dropping_the_last_handle_closes_both_sockets() {
    let (mut world, client, main, companion) = with_companion();
    drop(client);
    world.run();
    main.close();
    companion.close();
    world.run();
    assert!(main.is_dropped() && companion.is_dropped());
    assert_eq!(world.ended, Some(CloseReason::Stopped));
}

#[test]
fn a_companion_that_is_turned_away_leaves_its_asks_to_the_first_link_and_comes_back_after_a_minute() {
    let (mut world, client, mut main) = World::up();
    let mut asks: Vec<_> = (0..5).map(|n| ask(&client, n)).collect();
    world.peer().close();
    world.run();
    let mut started = Vec::new();
    for _ in 0..8 {
        for request in main.requests() {
            match request.request.kind() {
                RequestKind::EncryptRead => main.answer(&request),
                _ => started.push(request),
            }
        }
        world.run();
    }
    assert_eq!(started.len(), 3, "they are few beside everything else");
    started.iter().for_each(|start| main.answer(start));
    world.serve(&mut main);
    assert!(asks.iter_mut().all(|asked| now(asked).unwrap().is_ok()));

    let mut later = ask(&client, 9);
    world.serve(&mut main);
    assert!(now(&mut later).unwrap().is_ok(), "it does not try first");
    world.advance(std::time::Duration::from_secs(59));
    assert!(!world.has_dialled());
    world.advance(std::time::Duration::from_secs(14));
    let mut companion = world.greet();
    let mut beside = ask(&client, 10);
    world.serve(&mut companion);
    assert!(now(&mut beside).unwrap().is_ok());
    assert!(main.requests().is_empty());
}

#[test]
fn the_companion_makes_room_for_the_first_link() {
    let (mut world, client, mut main, mut companion) = with_companion();
    let mut asked = ask(&client, 17);
    let _start = world.started(&mut companion);
    main.close();
    world.advance(std::time::Duration::from_millis(300));
    world.peer().close();
    world.run();
    assert_eq!(client.status().down, Some(crate::LinkError::Busy));
    companion.close();
    world.run();
    assert!(companion.is_dropped());
    world.advance(std::time::Duration::from_millis(2_500));
    main = world.greet();
    let mut keypair = client.new_keypair(&[1; 32].into());
    world.serve(&mut main);
    assert!(now(&mut keypair).unwrap().is_ok());
    assert!(now(&mut asked).unwrap().is_ok(), "it was asked anew");
    assert!(!world.has_dialled());
}

#[test]
fn a_companion_opens_while_the_first_link_is_down() {
    let mut world = World::new(FirstConnect::KeepTrying);
    let client = world.client().unwrap();
    let mut asked = ask(&client, 17);
    let _silent_main = world.peer();
    let mut companion = world.greet();
    world.serve(&mut companion);
    assert!(now(&mut asked).unwrap().is_ok());
}
