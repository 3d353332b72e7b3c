//! The echo service (§4.4, §9.10).

use kpthin_core::wire::{IdentityHash, MessageId, MessageSent, QueueId, SendMessage, SurbId};

use super::*;

fn message(net: &Net, payload: usize) -> SendMessage {
    SendMessage {
        id: Some(MessageId::from([5; 16])),
        surb: Surb::Named(SurbId::from([4; 16])),
        destination_id_hash: net.devnet.network.courier_hash(1).unwrap(),
        recipient_queue_id: QueueId::new("+echo").unwrap(),
        payload: SecretBytes::from(vec![7; payload]),
    }
}

fn sent(net: &mut Net, conn: ConnId) -> MessageSent {
    match net.next(conn) {
        AnyResponse::MessageSent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_message_comes_back_padded() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let request = message(&net, 2_000);
        net.send(conn, None, request);
        let sent = sent(&mut net, conn);
        assert_eq!(
            (sent.message_id, sent.surbid),
            (Some(MessageId::from([5; 16])), Some(SurbId::from([4; 16])))
        );
        assert!(sent.reply_eta > 0 && sent.err.is_none());
        assert_eq!(sent.sent_at, 1_767_225_600);
        net.pass(secs(1));
        let AnyResponse::MessageReply(reply) = net.next(conn) else { panic!() };
        assert_eq!(reply.surbid, Some(SurbId::from([4; 16])));
        assert_eq!(reply.payload[..], [[7; 2_000].as_slice(), &[0; 574]].concat());
        net.nothing(conn);
    }
}

#[test]
fn what_cannot_be_sent_is_reported() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let request = message(&net, 2_001);
        net.send(conn, None, request);
        let report = sent(&mut net, conn);
        assert_eq!(report.err.as_deref(), Some("message too large: 2001 > 2000"));
        assert_eq!(report.reply_eta, 0);
        for (request, told) in [
            (without(message(&net, 1), "destination_id_hash"), "destination is missing"),
            (
                SendMessage { destination_id_hash: IdentityHash::from([1; 32]), ..message(&net, 1) }.into(),
                "destination is not in the document",
            ),
            (without(message(&net, 1), "recipient_queue_id"), "recipient queue id is missing"),
        ] {
            net.send(conn, None, request);
            assert_eq!(sent(&mut net, conn).err.as_deref(), Some(told));
        }
        net.pass(secs(60));
        net.nothing(conn);
    }
}

#[test]
fn without_a_surb_there_is_no_word() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let request = SendMessage { surb: Surb::None, ..message(&net, 1) };
        net.send(conn, None, request);
        net.pass(secs(60));
        net.nothing(conn);
    }
}

#[test]
fn a_surb_without_an_id_is_refused_or_unheard_of() {
    for (config, reported) in [(DevnetConfig::instant(), true), (quick_reference(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let request = SendMessage { surb: Surb::Unnamed, ..message(&net, 1) };
        net.send(conn, None, request);
        net.pass(secs(60));
        let report = net.try_next(conn);
        assert_eq!(report.is_some(), reported);
        net.nothing(conn);
    }
}

#[test]
fn other_queues_do_not_answer() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let request = SendMessage { recipient_queue_id: QueueId::new("courier").unwrap(), ..message(&net, 1) };
    net.send(conn, None, request);
    assert!(sent(&mut net, conn).err.is_none());
    net.pass(secs(60));
    net.nothing(conn);
}

#[test]
fn a_reply_that_is_due_while_the_mixnet_is_down_comes_later_if_it_is_still_known() {
    for (forgets, seconds, comes) in [(false, 60, true), (true, 4, true), (true, 5, false)] {
        let mut config = quick_reference();
        config.quirks.forgotten_surbs = forgets;
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let request = message(&net, 1);
        net.send(conn, None, request);
        let _ = sent(&mut net, conn);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        net.pass(secs(seconds));
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(_)));
        net.nothing(conn);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(_)));
        assert_eq!(matches!(net.try_next(conn), Some(AnyResponse::MessageReply(_))), comes);
    }
}

/// What other clients' suites send to.
#[test]
fn every_service_node_has_a_testdest_and_what_else_it_is_given() {
    let mut config = DevnetConfig::instant();
    config.services.push("weather=silent".parse().unwrap());
    config.services.push("clock=echo".parse().unwrap());
    let mut net = Net::new(config);
    let conn = net.connect();
    let (_, document) = net.greeting(conn);
    let _ = net.present(conn, 1);
    let document = kpthin_core::pki::Document::decode(&document.payload.unwrap()).unwrap();
    for (name, answers) in [("echo", true), ("testdest", true), ("clock", true), ("weather", false)] {
        let services: Vec<_> = document.services(name).collect();
        assert_eq!(services.len(), document.service_nodes().len(), "{name}");
        for service in services {
            assert_eq!(service.queue.as_bytes(), format!("+{name}").as_bytes());
            let request = SendMessage {
                destination_id_hash: service.identity_hash,
                recipient_queue_id: service.queue.clone(),
                ..message(&net, 1)
            };
            net.send(conn, None, request);
            assert_eq!(sent(&mut net, conn).failure(), None);
            let reply = net.try_next(conn);
            assert_eq!(matches!(reply, Some(AnyResponse::MessageReply(_))), answers, "{name}");
        }
    }
}

#[test]
fn a_queue_id_that_is_none_is_told_and_costs_no_connection() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let query = frame(None, message(&net, 1));
        // The queue id of five bytes becomes one of none, and one of 33.
        let at = query.windows(6).position(|part| part == b"\x45+echo").unwrap();
        for (len, head) in [(0, vec![0x40]), (33, [&[0x58, 33][..], &[b'q'; 33]].concat())] {
            let body = [&query[4..at], &head, &query[at + 6..]].concat();
            net.input(conn, &raw(&body));
            let event = sent(&mut net, conn);
            let told = event.failure().unwrap();
            assert!(told.contains(&format!("{len} bytes")) && told.contains("1 to 32"), "{told}");
        }
        assert!(!net.is_closed(conn));
    }
}
