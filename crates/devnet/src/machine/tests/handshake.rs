//! Greeting and session token (§3.2, §3.3).

use kpthin_core::wire::NextMessageBoxIndex;

use super::*;

#[test]
fn status_and_document_come_first_and_the_token_is_answered() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let conn = net.connect();
        let (status, document) = net.greeting(conn);
        assert!(status.is_connected);
        assert_eq!(status.instance_token, net.devnet.instance_token());
        let pigeonhole = status.pigeonhole_geometry.unwrap();
        assert_eq!(pigeonhole.max_plaintext_payload_length, 1_549);
        assert_eq!(pigeonhole.courier_query_reply_read_length, 1_718);
        let sphinx = status.sphinx_geometry.unwrap();
        assert_eq!((sphinx.packet_length, sphinx.forward_payload_length), (3_082, 2_574));
        assert!(!document.payload.unwrap().is_empty());
        net.nothing(conn);

        let reply = net.present(conn, 1);
        assert!(!reply.resumed);
        net.nothing(conn);
    }
}

#[test]
fn nothing_is_said_before_the_first_document() {
    let mut net = Net::new(DevnetConfig::reference());
    let conn = net.connect();
    net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
    net.pass(millis(2_999));
    assert!(!net.links.contains_key(&conn));
    net.pass(millis(1));
    let (_, document) = net.greeting(conn);
    assert!(document.payload.is_some());
    assert!(matches!(net.next(conn), AnyResponse::SessionToken(_)));
    net.nothing(conn);
}

#[test]
fn in_the_reference_broadcasts_come_between_greeting_and_token() {
    let mut net = Net::new(quick_reference());
    let conn = net.connect();
    let _ = net.greeting(conn);
    // What falls into the first moment is lost.
    net.act(Devnet::advance_epoch);
    net.nothing(conn);
    net.pass(millis(1));
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    net.act(Devnet::advance_epoch);
    assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if !status.is_connected));
    assert!(matches!(net.next(conn), AnyResponse::NewPkiDocument(_)));
    assert!(!net.present(conn, 1).resumed);
}

#[test]
fn the_third_frame_is_the_answer_to_the_token_whatever_happens_meanwhile() {
    let mut net = Net::instant();
    for resumed in [false, true] {
        let conn = net.connect();
        let _ = net.greeting(conn);
        for connected in [false, true, false] {
            net.act(|devnet, now| devnet.set_mixnet(now, connected));
            net.act(Devnet::advance_epoch);
        }
        net.nothing(conn);
        assert_eq!(net.present(conn, 1).resumed, resumed);
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if !status.is_connected));
        let AnyResponse::NewPkiDocument(document) = net.next(conn) else { panic!() };
        let document = kpthin_core::pki::Document::decode(&document.payload.unwrap()).unwrap();
        assert_eq!(document.epoch(), net.devnet.epoch());
        net.nothing(conn);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if status.is_connected));
        net.gone(conn);
    }
}

#[test]
fn who_never_sends_a_token_hears_the_news_a_little_later() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    net.pass(millis(4_999));
    net.nothing(conn);
    net.pass(millis(1));
    assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if !status.is_connected));
    net.nothing(conn);
    net.act(Devnet::advance_epoch);
    assert!(matches!(net.next(conn), AnyResponse::NewPkiDocument(_)));
}

#[test]
fn the_end_of_the_daemon_is_told_also_before_a_token() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.act(Devnet::shutdown);
    assert!(matches!(net.next(conn), AnyResponse::Shutdown(_)));
}

#[test]
fn the_same_token_resumes_also_on_the_same_connection() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, first) = net.session(1);
        let again = net.present(conn, 1);
        assert_eq!((again.app_id, again.resumed), (first.app_id, true));
        let other = net.present(conn, 2);
        assert_eq!((other.app_id, other.resumed), (first.app_id, false));
        net.gone(conn);
        assert!(net.session(2).1.resumed);
        assert!(net.session(1).1.resumed);
    }
}

#[test]
fn an_absent_token_is_one_of_zeros() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.input(conn, &raw(b"\xa1\x6dsession_token\xa1\x75client_instance_token\xf6"));
    assert!(matches!(net.next(conn), AnyResponse::SessionToken(reply) if !reply.resumed));
    net.gone(conn);
    assert!(net.session(0).1.resumed);
}

#[test]
fn connections_without_a_token_are_served() {
    let mut net = Net::instant();
    let conn = net.connect();
    let _ = net.greeting(conn);
    let keys = net.keypair(conn, 1);
    let request = NextMessageBoxIndex { message_box_index: keys.first_message_index.clone() };
    let Ok(AnyReply::NextMessageBoxIndex(next)) = net.call(conn, request) else { panic!() };
    assert_eq!(next.next_message_box_index, index_at(&keys, 1));
}

#[test]
fn a_request_right_behind_a_resuming_token_goes_unanswered_by_the_reference() {
    for (config, answered) in [(DevnetConfig::instant(), true), (quick_reference(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        net.gone(conn);
        let conn = net.connect();
        let _ = net.greeting(conn);
        let token = PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) };
        let seed = NewKeypair { seed: Seed::from([1; 32]) };
        let query_id = Some(QueryId::from([8; 16]));
        net.input(conn, &[frame(None, token), frame(query_id, seed)].concat());
        assert!(matches!(net.next(conn), AnyResponse::SessionToken(reply) if reply.resumed));
        assert_eq!(net.try_next(conn).is_some(), answered);
        let _ = net.keypair(conn, 1);
    }
}
