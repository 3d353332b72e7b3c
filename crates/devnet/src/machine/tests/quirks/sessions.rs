//! What survives the end of a connection.

use super::messages::echo;
use super::*;

/// Has an operation wait for its turn to be sent again, and its connection end; then the network is there again.
fn leave_behind(net: &mut Net) -> KeypairReply {
    let (conn, keys) = client(net);
    let sealed = net.encrypt_read(conn, &keys);
    let _ = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(5));
    net.set_fault("loss=1");
    net.pass(secs(1));
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    // The packet counts as lost by now, jitter included.
    net.pass(secs(60));
    net.gone(conn);
    net.act(|devnet, now| devnet.set_mixnet(now, true));
    keys
}

pub(super) const SHOWN: &[Shown] = &[
    shown_where(
        &["replies-before-token"],
        |config| config.timing.round_trip = secs(2),
        |net| {
            let (conn, _) = client(net);
            let message = echo(net, 4);
            net.send(conn, None, message);
            let _ = received(net, conn);
            net.gone(conn);
            net.pass(secs(5));
            let conn = net.connect();
            let _ = net.greeting(conn);
            let token = SessionToken::from([1; 16]);
            net.send(conn, None, PresentSessionToken { client_instance_token: token });
            let [first, second] = [net.next(conn), net.next(conn)];
            assert_ne!(
                matches!(first, AnyResponse::MessageReply(_)),
                matches!(second, AnyResponse::MessageReply(_))
            );
            matches!(first, AnyResponse::MessageReply(_))
        },
    ),
    shown(&["stale-stamp"], |net| {
        let (conn, _) = client(net);
        net.gone(conn);
        let conn = net.connect();
        let _ = net.greeting(conn);
        let token = PresentSessionToken { client_instance_token: SessionToken::from([1; 16]) };
        let asked = frame(Some(QueryId::from([9; 16])), NewKeypair { seed: Seed::from([1; 32]) });
        net.input(conn, &[frame(None, token), asked].concat());
        let unanswered = replies(net, conn).is_empty();
        assert!(answers(net, conn), "the next one is answered");
        unanswered
    }),
    shown(&["silencing-takeover"], |net| {
        let (older, _) = client(net);
        let (newer, reply) = net.session(1);
        assert!(reply.resumed && answers(net, newer));
        let open = !net.is_closed(older);
        if open {
            net.gone(older);
        } else {
            assert_eq!(net.why_closed(older), Some(&EndReason::TakenOver));
        }
        let silenced = !answers(net, newer);
        assert!(!net.is_closed(newer));
        assert_eq!(open, silenced);
        silenced
    }),
    shown(&["blocking-queue=2"], |net| {
        let (conn, keys) = client(net);
        let sealed: Vec<_> = (0..3).map(|_| net.encrypt_read(conn, &keys)).collect();
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        for sealed in &sealed {
            let _ = net.ask(conn, read(&keys, sealed));
        }
        let blocked = !answers(net, conn);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        assert_eq!(!replies(net, conn).is_empty(), blocked, "it goes on later");
        blocked
    }),
    shown(&["lost-queue"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.ask(conn, strict_write(&keys, &sealed));
        net.gone(conn);
        let (_, reply) = net.session(1);
        assert!(reply.resumed);
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        net.pass(secs(120));
        !written(net, &keys)
    }),
    shown_where(
        &["lost-retransmissions=8"],
        |config| config.quirks.idle_while_away = true,
        |net| {
            let _ = leave_behind(net);
            let before = net.devnet.traffic().packets;
            let _ = net.session(1);
            net.pass(secs(60));
            net.devnet.traffic().packets == before
        },
    ),
    shown_where(
        &["rearm=5000"],
        |config| {
            config.quirks.idle_while_away = true;
            config.quirks.lost_retransmissions = None;
        },
        |net| {
            let _ = leave_behind(net);
            let before = net.devnet.traffic().packets;
            let _ = net.session(1);
            net.pass(millis(4_900));
            let waits = net.devnet.traffic().packets == before;
            net.pass(millis(200));
            assert!(net.devnet.traffic().packets > before);
            waits
        },
    ),
    shown_where(
        &["idle-while-away"],
        |config| config.quirks.lost_retransmissions = None,
        |net| {
            let before = {
                let _ = leave_behind(net);
                net.devnet.traffic().packets
            };
            net.pass(secs(60));
            net.devnet.traffic().packets == before
        },
    ),
    shown_where(
        &["lost-results"],
        |config| {
            config.timing.round_trip = secs(2);
            config.quirks.idle_while_away = false;
            config.quirks.replies_before_token = false;
        },
        |net| {
            let (conn, keys) = client(net);
            let sealed = net.encrypt_write(conn, &keys, "hello");
            let started = net.ask(conn, write(&keys, &sealed));
            net.gone(conn);
            net.pass(secs(60));
            assert!(written(net, &keys));
            let (conn, reply) = net.session(1);
            assert!(reply.resumed);
            let replies = replies(net, conn);
            assert!(replies.iter().all(|reply| reply.query_id == Some(started)), "{replies:?}");
            replies.is_empty()
        },
    ),
];
