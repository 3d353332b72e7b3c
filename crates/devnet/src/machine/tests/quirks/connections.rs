//! Frames, greetings and ends.

use kpthin_core::wire::{NextMessageBoxIndex, ReadCap};

use super::*;

pub(super) const SHOWN: &[Shown] = &[
    shown(&["crash-on-null"], |net| {
        let conn = net.connect();
        net.input(conn, &raw(&[0xf6]));
        assert!(net.is_closed(conn));
        let refused = net.connect();
        net.devnet.crash().is_some() && net.why_closed(refused) == Some(&EndReason::NotRunning)
    }),
    shown_where(
        &["serial-accept"],
        |config| config.timing.first_document = secs(600),
        |net| {
            let [first, second] = [net.connect(), net.connect()];
            net.pass(secs(31));
            let _ = net.greeting(first);
            let waits = received(net, second).is_empty();
            net.pass(secs(30));
            assert_eq!(!received(net, second).is_empty(), waits, "it is greeted in the end");
            waits
        },
    ),
    shown(&["connection-limit=2"], |net| {
        let conns = [net.connect(), net.connect(), net.connect()];
        // Those of the newer profile are far away.
        assert!(!net.is_closed(conns[1]));
        net.why_closed(conns[2]) == Some(&EndReason::TooMany { limit: 2 })
    }),
    shown(&["frame-deadline=2000"], |net| {
        let [slow, idle] = [net.connect(), net.connect()];
        let _ = (net.greeting(slow), net.greeting(idle));
        net.input(slow, &[0, 0, 0, 9, 0xa1]);
        net.pass(millis(1_999));
        assert!(!net.is_closed(slow));
        net.pass(millis(1));
        assert!(!net.is_closed(idle));
        net.why_closed(slow) == Some(&EndReason::FrameDeadline)
    }),
    shown(&["early-broadcasts"], |net| {
        let conn = net.connect();
        let _ = net.greeting(conn);
        net.pass(millis(10));
        net.act(Devnet::advance_epoch);
        let early = net.try_next(conn).is_some();
        let _ = net.present(conn, 1);
        assert_eq!(
            net.try_next(conn).is_some(),
            !early,
            "it comes behind the token if it has not come before"
        );
        early
    }),
    shown_where(
        &["deaf-after-greeting=1000"],
        |config| config.quirks.early_broadcasts = true,
        |net| {
            let conn = net.connect();
            let _ = net.greeting(conn);
            net.act(|devnet, now| devnet.set_mixnet(now, false));
            net.pass(secs(10));
            net.try_next(conn).is_none()
        },
    ),
    shown_where(
        &["status-repeats=3"],
        |config| config.timing.reconnect = secs(2),
        |net| {
            let (conn, _) = client(net);
            net.act(|devnet, now| devnet.set_mixnet(now, false));
            let _ = received(net, conn);
            net.act(|devnet, now| devnet.set_mixnet(now, true));
            net.pass(secs(2));
            received(net, conn).len() > 1
        },
    ),
    shown(&["null-members"], |net| {
        let (conn, _) = client(net);
        let before = net.links[&conn].bytes.len();
        let _ = net.call(conn, without(NewKeypair { seed: Seed::from([1; 32]) }, "seed"));
        let frame = &net.links[&conn].bytes[before..];
        // A map of 25 members.
        frame[4..].starts_with(&[0xb8, 25])
    }),
    shown_where(
        &["late-end"],
        |config| config.timing.encrypt_time = secs(2),
        |net| {
            let (conn, keys) = client(net);
            for _ in 0..2 {
                let request = EncryptRead {
                    read_cap: keys.read_cap.clone(),
                    message_box_index: keys.first_message_index.clone(),
                };
                let _ = net.ask(conn, request);
            }
            net.gone(conn);
            net.pass(secs(3));
            let late = net.devnet.connections() == 1;
            net.pass(secs(1));
            assert_eq!(net.devnet.connections(), 0);
            late
        },
    ),
    shown(&["wrong-length-closes"], |net| {
        let (conn, _) = client(net);
        let index = MessageBoxIndex::from([1; 104]);
        let mut bytes = frame(Some(QueryId::from([9; 16])), NextMessageBoxIndex { message_box_index: index });
        // One byte less: of the frame, and of the index.
        let head = bytes.windows(2).position(|head| head == [0x58, 104]).unwrap();
        bytes[head + 1] -= 1;
        bytes[3] -= 1;
        let _ = bytes.pop();
        net.input(conn, &bytes);
        let refused = replies(net, conn).iter().any(|reply| reply.result.is_err());
        assert_ne!(refused, net.is_closed(conn));
        net.is_closed(conn)
    }),
    shown(&["bad-capability-closes"], |net| {
        let (conn, keys) = client(net);
        let mut off_curve = [0; 136];
        off_curve[0] = 2;
        let request = |cap| EncryptRead {
            read_cap: ReadCap::from(cap),
            message_box_index: keys.first_message_index.clone(),
        };
        let _ = net.ask(conn, request(off_curve));
        let refused = replies(net, conn).iter().any(|reply| reply.result.is_err());
        let closed = net.why_closed(conn) == Some(&EndReason::BadCapability);
        assert_ne!(refused, closed);
        closed
    }),
    shown(&["cut-ids"], |net| {
        let (conn, _) = client(net);
        // A client that reads ids of 16 bytes alone would not understand the answer.
        net.links.get_mut(&conn).unwrap().deaf = true;
        let body = b"\xa1\x6bnew_keypair\xa2\x68query_id\x45hello\x64seed\x40";
        net.input(conn, &raw(body));
        let mut answer = Vec::new();
        net.devnet.poll_transmit(net.now, conn, &mut answer);
        let contains = |part: &[u8]| answer.windows(part.len()).any(|window| window == part);
        let echoed = contains(b"\x68query_id\x45hello");
        let padded = contains(b"\x68query_id\x50hello\0\0\0\0\0\0\0\0\0\0\0");
        assert_ne!(echoed, padded);
        padded
    }),
    shown(&["empty-frames-cost"], |net| {
        let (conn, _) = client(net);
        let before = net.devnet.traffic().packets;
        net.input(conn, &raw(&[0xa0]));
        net.nothing(conn);
        net.devnet.traffic().packets > before
    }),
];
