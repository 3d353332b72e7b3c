//! Requests that lack something are refused when and where they would have been carried out (§4.0).

use kpthin_core::wire::{CancelResendingEncryptedMessage, StartResendingCopyCommand};

use super::*;

#[test]
fn an_operation_is_refused_when_its_turn_comes() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_read(conn, &keys);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        let copy = StartResendingCopyCommand { write_cap: keys.write_cap.clone(), courier: None };
        let asked = [
            net.ask(conn, without(read(&keys, &sealed), "envelope_hash")),
            net.ask(conn, with(read(&keys, &sealed), "write_cap", keys.write_cap.as_bytes())),
            net.ask(conn, without(copy, "write_cap")),
        ];
        net.pass(secs(60));
        net.nothing(conn);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        net.pass(secs(60));
        let _ = net.next(conn);
        for query_id in asked {
            let reply = net.reply(conn);
            assert_eq!(reply.query_id, Some(query_id));
            assert_eq!(outcome(reply), (3, None));
        }
        assert_eq!(net.devnet.operations(), 0);
    }
}

#[test]
fn incomplete_local_calls_may_go_unanswered_like_all_others() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let cancel = CancelResendingEncryptedMessage { envelope_hash: [1; 32].into() };
    for request in [refused(), without(cancel, "envelope_hash")] {
        net.set_fault("unanswered-local=1");
        let _ = net.ask(conn, request.clone());
        net.pass(secs(60));
        net.nothing(conn);
        net.set_fault("unanswered-local=0");
        assert_eq!(net.call(conn, request), Err((3, FailureDetail::None)));
    }
}

#[test]
fn an_incomplete_call_opens_the_gate_for_news_like_all_others() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    net.nothing(conn);
    let _ = net.ask(conn, refused());
    let news = [net.next(conn), net.next(conn)];
    assert!(news.iter().any(|news| matches!(news, AnyResponse::ConnectionStatus(_))), "{news:?}");
}
