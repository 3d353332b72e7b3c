//! The daemon's start and end, its way to the network, and frames that make no sense.

use kpthin_core::wire::{CancelResendingEncryptedMessage, NextMessageBoxIndex};

use super::*;
use Tolerance::Quarter;

#[test]
fn it_accepts_at_once_and_greets_when_it_has_a_document() {
    near("first frame", 3.0..=4.0, Quarter, |seed| {
        let mut net = Net::seeded(DevnetConfig::reference(), seed);
        let conn = net.connect();
        assert!(!net.is_closed(conn));
        loop {
            if let Some(response) = net.try_next(conn) {
                assert!(matches!(response, AnyResponse::ConnectionStatus(status) if status.is_connected));
                assert!(matches!(net.next(conn), AnyResponse::NewPkiDocument(it) if it.payload.is_some()));
                net.nothing(conn);
                return net.now.saturating_since(Instant::ORIGIN);
            }
            net.pass(millis(20));
        }
    });
}

#[test]
fn when_it_ends_it_says_so_and_answers_nothing_more() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    let _ = net.ask(conn, sealing_read(&keys));
    net.act(Devnet::shutdown);
    assert!(matches!(net.next(conn), AnyResponse::Shutdown(_)));
    net.nothing(conn);
    assert!(net.is_closed(conn));
}

fn is_connected(response: Option<AnyResponse>) -> Option<bool> {
    match response {
        Some(AnyResponse::ConnectionStatus(status)) => Some(status.is_connected),
        _ => None,
    }
}

#[test]
fn without_a_gateway_local_calls_work_and_starts_wait() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    let running = sealed_read(&mut net, conn, &keys);
    let reading = net.ask(conn, read(&keys, &running));
    net.pass(secs(10));
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    assert_eq!(is_connected(net.try_next(conn)), Some(false));
    let waiting = sealed_write(&mut net, conn, &keys, "hello");

    let cancel = net.ask(conn, CancelResendingEncryptedMessage { envelope_hash: running.envelope_hash });
    assert_eq!((net.reply(conn).query_id, net.reply(conn).query_id), (Some(reading), Some(cancel)));

    let writing = net.ask(conn, write(&keys, &waiting));
    let cancel = net.ask(conn, CancelResendingEncryptedMessage { envelope_hash: waiting.envelope_hash });
    assert_eq!(net.reply(conn).query_id, Some(cancel));
    net.nothing(conn);

    for _ in 0..17 {
        let _ = net.ask(conn, write(&keys, &waiting));
    }
    let local = net.ask(conn, NextMessageBoxIndex { message_box_index: keys.first_message_index.clone() });
    assert!(answer(&mut net, conn, local, secs(600)).is_none());

    net.act(|devnet, now| devnet.set_mixnet(now, true));
    let statuses = std::iter::from_fn(|| net.try_next(conn)).filter_map(|it| is_connected(Some(it)));
    assert_eq!(statuses.collect::<Vec<_>>(), [false, false]);
    net.pass(secs(2));
    let statuses = std::iter::from_fn(|| net.try_next(conn)).filter_map(|it| is_connected(Some(it)));
    assert_eq!(statuses.collect::<Vec<_>>(), [true]);
    let (_, reply) =
        answer(&mut net, conn, writing, secs(60)).expect("what was cancelled starts all the same");
    assert_eq!(outcome(reply), (0, None));
}

#[test]
fn a_body_of_null_ends_it() {
    let (mut net, conn) = site(1);
    net.input(conn, &raw(b"\xf6"));
    assert!(net.is_closed(conn) && net.devnet.crash().is_some());
}

#[test]
fn nothing_comes_of_an_empty_map_and_an_unknown_member() {
    let (mut net, conn) = site(1);
    net.input(conn, &raw(b"\xa0"));
    net.input(conn, &raw(b"\xa1\x67unknown\xa0"));
    net.pass(secs(5));
    net.nothing(conn);
    assert!(!net.is_closed(conn));
}

#[test]
fn a_request_before_the_token_is_served() {
    let (mut net, _) = site(1);
    let conn = net.connect();
    let _ = net.greeting(conn);
    let _ = keypair(&mut net, conn, 1);
}

#[test]
fn a_capability_of_a_wrong_length_ends_the_connection() {
    let (mut net, conn) = site(1);
    let body =
        [b"\xa1\x6cencrypt_read\xa2\x68query_id\x50".as_slice(), &[1; 16], b"\x68read_cap\x41\x00"].concat();
    net.input(conn, &raw(&body));
    net.nothing(conn);
    assert!(net.is_closed(conn));
}
