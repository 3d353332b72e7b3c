//! Links that are lost, resumed and taken over.

use kpthin_core::wire::{CancelResendingEncryptedMessage, VoucherMint};

use super::queues::message;
use std::collections::BTreeSet;

use super::*;
use Tolerance::Quarter;

#[test]
fn a_reply_that_came_meanwhile_precedes_the_answer_to_the_token() {
    let (mut net, conn) = site(1);
    let to = net.devnet.network.courier_hash(0).unwrap();
    net.send(conn, None, message(to, 5));
    // It is sent, and then the link is lost.
    while !matches!(net.try_next(conn), Some(AnyResponse::MessageSent(_))) {
        net.pass(millis(20));
    }
    net.gone(conn);
    net.pass(secs(6));
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
    assert!(matches!(net.next(conn), AnyResponse::MessageReply(_)));
    assert!(matches!(net.next(conn), AnyResponse::SessionToken(reply) if reply.resumed));
}

/// §3.7. Whether the daemon still knows the operation depends on whether its request had left the queue.
#[test]
fn a_write_under_way_is_lost_with_its_link() {
    let mut known = BTreeSet::new();
    for seed in 1..=15 {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        let sealed = sealed_write(&mut net, conn, &keys, "hello");
        let writing = net.ask(conn, write(&keys, &sealed));
        net.pass(millis(1_200));
        if net.try_next(conn).is_some() {
            continue; // The first slot came so early that it was answered.
        }
        net.gone(conn);
        net.pass(secs(15));
        let conn = net.connect();
        let _ = net.greeting(conn);
        assert!(net.present(conn, 1).resumed);
        assert!(answer(&mut net, conn, writing, secs(30)).is_none());
        let cancel = net.ask(conn, CancelResendingEncryptedMessage { envelope_hash: sealed.envelope_hash });
        let mut replies: Vec<_> = std::iter::from_fn(|| net.try_next(conn))
            .filter_map(|response| match response {
                AnyResponse::Reply(reply) => Some(reply),
                _ => None,
            })
            .collect();
        let last = replies.pop().expect("the answer to the cancel");
        assert_eq!((last.query_id, last.result.is_ok()), (Some(cancel), true));
        let _ = known.insert(!replies.is_empty());
    }
    assert!(known.contains(&false), "gone without a trace, as was observed");
}

#[test]
fn a_session_is_forgotten_after_its_grace_period() {
    let (mut net, conn) = site(1);
    net.gone(conn);
    net.pass(secs(40));
    let conn = net.connect();
    let _ = net.greeting(conn);
    assert!(!net.present(conn, 1).resumed);
}

/// §3.8: presented before the daemon is through with the old connection.
#[test]
fn a_hasty_reconnect_is_silenced_for_ever() {
    let (mut net, old) = site(1);
    let keys = keypair(&mut net, old, 1);
    for _ in 0..5 {
        let _ = net.ask(old, sealing_read(&keys));
    }
    net.gone(old);
    net.pass(secs(1));
    let conn = net.connect();
    let _ = net.greeting(conn);
    assert!(net.present(conn, 1).resumed);
    let mut answered_for = Duration::ZERO;
    let begun = net.now;
    while net.now < begun + secs(60) {
        let query_id = net.ask(conn, question(&keys));
        if answer(&mut net, conn, query_id, secs(1)).is_some() {
            answered_for = net.now.saturating_since(begun);
        }
        net.pass(millis(500));
    }
    // Ten seconds of work less the one that had passed.
    assert!((secs(8)..=secs(10)).contains(&answered_for), "{answered_for:?}");
    assert!(!net.is_closed(conn));
}

#[test]
fn a_client_that_sends_no_more_gets_what_it_asked_for_and_then_the_end() {
    near("end behind eight voucher_mint", 3.4..=3.4, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        for _ in 0..8 {
            let request =
                VoucherMint { message_write_cap: keys.write_cap.clone(), display_name: "devnet".to_owned() };
            let _ = net.ask(conn, request);
        }
        let begun = net.now;
        net.act(|devnet, now| devnet.handle_eof(now, conn));
        while !net.is_closed(conn) {
            net.pass(millis(20));
        }
        let replies =
            std::iter::from_fn(|| net.try_next(conn)).filter(|it| matches!(it, AnyResponse::Reply(_)));
        // Seven were observed: the last one and the end came together.
        assert!((7..=8).contains(&replies.count()));
        net.now.saturating_since(begun)
    });
}

/// §3.8.
#[test]
fn the_same_token_on_a_second_connection_silences_first_one_and_then_the_other() {
    let (mut net, first) = site(1);
    let keys = keypair(&mut net, first, 1);
    let second = joined(&mut net, 1);
    let query_id = net.ask(first, question(&keys));
    assert!(answer(&mut net, second, query_id, secs(1)).is_some());
    net.nothing(first);
    assert!(!net.is_closed(first));
    net.gone(first);
    let query_id = net.ask(second, question(&keys));
    assert!(answer(&mut net, second, query_id, secs(60)).is_none());
    assert!(!net.is_closed(second));
}
