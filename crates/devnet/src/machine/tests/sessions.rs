//! What survives the end of a connection, and how it ends (§3.5-3.7).

use kpthin_core::wire::{IdentityHash, QueueId, SendMessage, SurbId, ThinClose};

use super::*;
use crate::quirks::Quirks;

fn echo(net: &Net, surb: u8) -> SendMessage {
    SendMessage {
        id: None,
        surb: Surb::Named(SurbId::from([surb; 16])),
        destination_id_hash: net.devnet.network.courier_hash(0).unwrap(),
        recipient_queue_id: QueueId::new("+echo").unwrap(),
        payload: SecretBytes::from("hello"),
    }
}

fn far() -> DevnetConfig {
    let mut config = quick_reference();
    config.timing.round_trip = secs(5);
    config
}

#[test]
fn a_session_outlives_its_connection_by_the_grace_period() {
    let mut config = DevnetConfig::instant();
    config.grace_period = secs(30);
    for (config, profile) in
        [(config.clone(), "instant"), (DevnetConfig { quirks: Quirks::reference(), ..config }, "reference")]
    {
        let mut net = Net::new(config);
        let (conn, first) = net.session(1);
        net.gone(conn);
        net.pass(millis(29_999));
        let (conn, second) = net.session(1);
        assert_eq!((second.app_id, second.resumed), (first.app_id, true), "{profile}");
        net.gone(conn);
        net.pass(secs(30));
        assert!(!net.session(1).1.resumed, "{profile}");
    }
}

#[test]
fn a_farewell_ends_the_session_behind_the_replies() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let next = refused();
        let query_id = Some(QueryId::from([3; 16]));
        net.input(
            conn,
            &[frame(query_id, next.clone()), frame(None, ThinClose {}), frame(query_id, next)].concat(),
        );
        assert_eq!(net.reply(conn).query_id, query_id);
        net.nothing(conn);
        assert!(net.is_closed(conn));
        assert_eq!(net.devnet.sessions.len() + net.devnet.census().tokens, 0);
        assert!(!net.session(1).1.resumed);
    }
}

#[test]
fn without_a_token_nothing_is_kept() {
    let mut net = Net::instant();
    let conn = net.connect();
    let keys = net_keys(&mut net, conn);
    let sealed = net.encrypt_read(conn, &keys);
    let _ = net.ask(conn, read(&keys, &sealed));
    net.gone(conn);
    assert_eq!(net.devnet.sessions.len() + net.devnet.operations.len(), 0);
}

fn net_keys(net: &mut Net, conn: ConnId) -> KeypairReply {
    let _ = net.greeting(conn);
    net.keypair(conn, 1)
}

#[test]
fn a_half_closed_connection_is_worked_off_and_then_closed() {
    let mut config = quick_reference();
    config.timing.encrypt_time = secs(1);
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let request =
        EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index };
    for _ in 0..3 {
        let _ = net.ask(conn, request.clone());
    }
    net.act(|devnet, now| devnet.handle_eof(now, conn));
    net.pass(millis(2_999));
    assert!(!net.is_closed(conn));
    net.pass(millis(1));
    assert!(net.is_closed(conn));
    for _ in 0..3 {
        let _ = net.reply(conn);
    }
    assert!(net.session(1).1.resumed);
}

#[test]
fn the_reference_notices_the_end_only_behind_the_frames() {
    let mut config = quick_reference();
    config.timing.encrypt_time = secs(2);
    let mut net = Net::new(config);
    let (old, _) = net.session(1);
    let keys = net.keypair(old, 1);
    let request =
        EncryptRead { read_cap: keys.read_cap.clone(), message_box_index: keys.first_message_index };
    for _ in 0..5 {
        let _ = net.ask(old, request.clone());
    }
    net.gone(old);
    net.pass(secs(1));
    let (new, reply) = net.session(1);
    assert!(reply.resumed);
    let _ = net.keypair(new, 1);
    net.pass(secs(9));
    while net.try_next(new).is_some() {}
    // Ten seconds later the old connection takes the new one off the air, for good.
    let _ = net.ask(new, NewKeypair { seed: Seed::from([1; 32]) });
    net.act(Devnet::advance_epoch);
    net.pass(secs(60));
    net.nothing(new);
    assert!(!net.is_closed(new));
}

#[test]
fn the_instant_daemon_notices_the_end_at_once() {
    let mut config = DevnetConfig::instant();
    config.timing.encrypt_time = secs(2);
    let mut net = Net::new(config);
    let (old, _) = net.session(1);
    let keys = net.keypair(old, 1);
    let read = EncryptRead { read_cap: keys.read_cap, message_box_index: keys.first_message_index };
    let _ = net.ask(old, without(read, "message_box_index"));
    net.gone(old);
    let (new, _) = net.session(1);
    net.pass(secs(60));
    let _ = net.keypair(new, 1);
}

#[test]
fn missed_messages_come_behind_the_answer_to_the_token_and_before_it_in_the_reference() {
    for (config, behind) in [(far(), false), (DevnetConfig { quirks: Quirks::default(), ..far() }, true)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let message = echo(&net, 4);
        net.send(conn, None, message);
        assert!(matches!(net.next(conn), AnyResponse::MessageSent(sent) if sent.err.is_none()));
        net.gone(conn);
        net.pass(secs(6));
        let conn = net.connect();
        let _ = net.greeting(conn);
        net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
        let mut frames = [net.next(conn), net.next(conn)];
        if behind {
            frames.reverse();
        }
        let [message, token] = frames;
        assert!(
            matches!(message, AnyResponse::MessageReply(reply) if reply.surbid == Some(SurbId::from([4; 16])))
        );
        assert!(matches!(token, AnyResponse::SessionToken(reply) if reply.resumed));
    }
}

#[test]
fn what_was_asked_before_a_token_that_resumes_is_answered_behind_it() {
    for released in [true, false] {
        let mut net = Net::new(DevnetConfig { quirks: Quirks::default(), ..far() });
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.gone(conn);

        let conn = net.connect();
        let _ = net.greeting(conn);
        net.act(|devnet, now| devnet.set_mixnet(now, released));
        let message = echo(&net, 4);
        net.send(conn, None, message);
        let started = net.ask(conn, write(&keys, &sealed));
        // The first request opens the gate (C4).
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(_)));
        if released {
            assert!(matches!(net.next(conn), AnyResponse::MessageSent(_)));
        }
        assert!(net.present(conn, 1).resumed);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(_)));
        if !released {
            assert!(matches!(net.next(conn), AnyResponse::MessageSent(sent) if sent.err.is_none()));
        }
        net.pass(secs(60));
        assert!(matches!(net.next(conn), AnyResponse::MessageReply(_)));
        assert_eq!(net.reply(conn).query_id, Some(started));
        net.nothing(conn);
        assert_eq!(net.devnet.operations(), 0);
    }
}

#[test]
fn what_a_session_with_a_token_asked_stays_with_it() {
    let mut net = Net::new(DevnetConfig { quirks: Quirks::default(), ..far() });
    let (other, _) = net.session(2);
    net.gone(other);
    let (conn, first) = net.session(1);
    let message = echo(&net, 4);
    net.send(conn, None, message);
    assert!(matches!(net.next(conn), AnyResponse::MessageSent(_)));
    assert_ne!(net.present(conn, 2).app_id, first.app_id);
    net.pass(secs(60));
    net.nothing(conn);
    let (conn, again) = net.session(1);
    assert_eq!(again.app_id, first.app_id);
    assert!(matches!(net.next(conn), AnyResponse::MessageReply(_)));
}

#[test]
fn what_became_of_a_message_is_kept_except_by_the_reference() {
    let instant = DevnetConfig { quirks: Quirks::default(), ..far() };
    for (config, kept) in [(instant, true), (far(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        let message = echo(&net, 4);
        net.send(conn, None, message);
        net.gone(conn);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        net.pass(secs(60));
        let (conn, _) = net.session(1);
        assert_eq!(matches!(net.try_next(conn), Some(AnyResponse::MessageSent(_))), kept);
        assert_eq!(matches!(net.try_next(conn), Some(AnyResponse::MessageReply(_))), kept);
    }
}

#[test]
fn at_most_a_thousand_replies_are_kept() {
    let mut net = Net::new(DevnetConfig { quirks: Quirks::default(), ..far() });
    let (conn, _) = net.session(1);
    for _ in 0..1_010 {
        let message = echo(&net, 4);
        net.send(conn, None, message);
        assert!(matches!(net.next(conn), AnyResponse::MessageSent(_)));
    }
    net.gone(conn);
    net.pass(secs(6));
    let conn = net.connect();
    let _ = net.greeting(conn);
    net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) });
    let received = std::iter::from_fn(|| net.try_next(conn)).count();
    assert_eq!(received, 1_001);
}

#[test]
fn a_result_that_comes_while_away_is_lost_in_the_reference_and_kept_otherwise() {
    for (config, kept) in [(far(), false), (DevnetConfig { quirks: Quirks::default(), ..far() }, true)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        let started = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(1));
        net.gone(conn);
        net.pass(secs(15));
        let conn = net.connect();
        let _ = net.greeting(conn);
        assert!(net.present(conn, 1).resumed);
        if kept {
            assert_eq!(net.reply(conn).query_id, Some(started));
        }
        net.pass(secs(120));
        net.nothing(conn);
        assert_eq!(net.devnet.operations.len(), usize::from(!kept));
    }
}

#[test]
fn an_operation_whose_reply_comes_after_the_resume_goes_on() {
    let mut net = Net::new(far());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    let started = net.ask(conn, write(&keys, &sealed));
    net.pass(secs(1));
    net.gone(conn);
    net.pass(secs(1));
    let (conn, _) = net.session(1);
    net.pass(secs(5));
    assert_eq!(net.reply(conn).query_id, Some(started));
}

#[test]
fn a_queued_start_is_lost_with_its_connection_in_the_reference_only() {
    for (config, kept) in [(quick_reference(), false), (DevnetConfig::instant(), true)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.ask(conn, write(&keys, &sealed));
        net.gone(conn);
        let (conn, _) = net.session(1);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        let _ = net.next(conn);
        net.pass(secs(60));
        assert_eq!(net.try_next(conn).is_some(), kept);
    }
}

#[test]
fn a_message_to_a_session_that_ended_goes_nowhere() {
    let mut net = Net::new(far());
    let (conn, _) = net.session(1);
    let message = echo(&net, 4);
    net.send(conn, None, message);
    net.send(conn, None, ThinClose {});
    net.pass(secs(10));
    assert!(!net.session(1).1.resumed);
}

#[test]
fn sessions_that_are_away_are_limited() {
    let mut net = Net::instant();
    for number in 0..1_025u16 {
        let conn = net.connect();
        let mut token = [0; 16];
        token[..2].copy_from_slice(&number.to_be_bytes());
        net.send(conn, None, PresentSessionToken { client_instance_token: SessionToken::from(token) });
        net.gone(conn);
    }
    assert_eq!(net.devnet.sessions.len(), 1_024);
    assert_eq!(net.devnet.sessions.find(&[0; 16]), None);
}

#[test]
fn a_shut_down_daemon_says_so_and_takes_nobody() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let waiting = net.connect();
        let _ = net.greeting(waiting);
        net.act(Devnet::shutdown);
        for conn in [conn, waiting] {
            assert!(matches!(net.next(conn), AnyResponse::Shutdown(_)));
            assert!(net.is_closed(conn));
        }
        let late = net.connect();
        assert!(net.is_closed(late));
        net.act(Devnet::restart);
        assert!(!net.session(1).1.resumed);
    }
}

#[test]
fn the_destination_is_checked_against_the_document() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let message = SendMessage { destination_id_hash: IdentityHash::from([1; 32]), ..echo(&net, 1) };
    net.send(conn, None, message);
    assert!(matches!(net.next(conn), AnyResponse::MessageSent(sent) if sent.err.is_some()));
}
