//! Slots, queues and what blocks whom (§9.1, §9.8, Q-16).

use super::*;
use crate::Pacing;
use crate::faults::Faults;

fn slotted() -> DevnetConfig {
    let mut config = quick_reference();
    config.timing.send_slot = secs(1);
    config.timing.pacing = Pacing::Even;
    config
}

#[test]
fn one_packet_leaves_in_each_slot() {
    let mut net = Net::new(slotted());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    for _ in 0..3 {
        let _ = net.ask(conn, write(&keys, &sealed));
    }
    net.pass(millis(1_050));
    for _ in 0..3 {
        net.nothing(conn);
        net.pass(millis(100));
        let _ = net.reply(conn);
        net.nothing(conn);
        net.pass(millis(900));
    }
}

#[test]
fn sessions_take_turns() {
    let mut net = Net::new(slotted());
    let (busy, _) = net.session(1);
    let (other, _) = net.session(2);
    let keys = net.keypair(busy, 1);
    let sealed = net.encrypt_write(busy, &keys, "hello");
    for _ in 0..10 {
        let _ = net.ask(busy, write(&keys, &sealed));
    }
    let _ = net.ask(other, write(&keys, &sealed));
    net.pass(millis(2_500));
    let _ = net.reply(other);
    let _ = net.reply(busy);
    net.nothing(busy);
}

#[test]
fn pending_reads_starve_new_requests_of_the_same_session_only() {
    let mut net = Net::new(slotted());
    let (busy, _) = net.session(1);
    let (other, _) = net.session(2);
    let keys = net.keypair(busy, 1);
    for _ in 0..12 {
        let sealed = net.encrypt_read(busy, &keys);
        let _ = net.ask(busy, read(&keys, &sealed));
    }
    net.pass(secs(60));
    let mine = net.keypair(busy, 2);
    let sealed = net.encrypt_write(busy, &mine, "hello");
    let _ = net.ask(busy, write(&mine, &sealed));
    let _ = net.ask(other, write(&mine, &sealed));
    net.pass(secs(5));
    let _ = net.reply(other);
    net.pass(secs(60));
    net.nothing(busy);
}

#[test]
fn the_seventeenth_waiting_request_stops_the_connection_in_the_reference() {
    for (config, stops) in [(quick_reference(), true), (DevnetConfig::instant(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        for _ in 0..16 {
            let _ = net.ask(conn, write(&keys, &sealed));
        }
        assert_eq!(net.call(conn, refused()), Err((3, FailureDetail::None)));
        let _ = net.ask(conn, write(&keys, &sealed));
        let question = net.ask(conn, refused());
        assert_eq!(net.try_next(conn).is_none(), stops);
        let (other, _) = net.session(2);
        let _ = net.keypair(other, 1);

        net.act(|devnet, now| devnet.set_mixnet(now, true));
        net.pass(secs(10));
        let mut replies = Vec::new();
        while let Some(response) = net.try_next(conn) {
            if let AnyResponse::Reply(reply) = response {
                replies.push(reply.query_id);
            }
        }
        assert_eq!(replies.len(), if stops { 18 } else { 17 });
        assert_eq!(replies.contains(&Some(question)), stops);
    }
}

#[test]
fn a_stopped_connection_leaves_its_bytes_with_the_client() {
    let mut net = Net::new(quick_reference());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    assert!(net.devnet.wants_input(conn));
    for _ in 0..200 {
        let _ = net.ask(conn, write(&keys, &sealed));
        net.next_query = 0;
    }
    assert!(!net.devnet.wants_input(conn));
    for _ in 0..42 {
        net.input(conn, &vec![0; 1 << 20]);
    }
    assert!(net.is_closed(conn));
}

#[test]
fn a_stopped_connection_whose_session_ended_is_not_kept() {
    let mut config = quick_reference();
    config.grace_period = secs(30);
    let mut net = Net::new(config);
    let (old, _) = net.session(1);
    let (new, _) = net.session(1);
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    for _ in 0..20 {
        net.input(new, &raw(b"\xa0"));
    }
    net.gone(old);
    net.gone(new);
    assert_eq!(net.devnet.connections(), 1);
    net.pass(secs(30));
    assert_eq!(net.devnet.connections(), 0);
}

#[test]
fn an_empty_frame_costs_the_reference_a_slot() {
    let mut net = Net::new(slotted());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    net.input(conn, &raw(b"\xa0"));
    let _ = net.ask(conn, write(&keys, &sealed));
    net.pass(millis(1_900));
    net.nothing(conn);
    net.pass(millis(300));
    let _ = net.reply(conn);
}

#[test]
fn an_overloaded_session_is_answered() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    net.act(|devnet, now| devnet.set_mixnet(now, false));
    let _ = net.next(conn);
    let bytes = frame(Some(QueryId::from([1; 16])), write(&keys, &sealed));
    for _ in 0..4_096 {
        net.input(conn, &bytes);
    }
    net.nothing(conn);
    net.input(conn, &bytes);
    assert_eq!(outcome(net.reply(conn)), (4, None));
}

#[test]
fn a_lost_reply_is_asked_for_again() {
    let mut net = Net::new(quick_reference());
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    net.set_fault("loss=1");
    let _ = net.ask(conn, write(&keys, &sealed));
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
    net.pass(millis(20_150));
    net.nothing(conn);
    net.pass(millis(100));
    assert_eq!(outcome(net.reply(conn)), (0, None));
}
