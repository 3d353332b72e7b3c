//! A daemon that stops, comes back, and sends what it should not, by raw frames.

use super::*;
use crate::Faults;

fn end(net: &mut Net) {
    net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
}

fn counter(net: &mut Net, conn: ConnId) -> QueryId {
    net.ask(conn, NewKeypair { seed: Seed::from([1; 32]) })
}

#[test]
fn the_mixnet_goes_and_comes() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.set_fault("flapping=3000");
    net.pass(secs(10));
    for connected in [false, true, false] {
        assert!(
            matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if status.is_connected == connected)
        );
    }
    net.nothing(conn);
    // It does not stay away when the fault ends.
    end(&mut net);
    assert!(matches!(net.next(conn), AnyResponse::ConnectionStatus(status) if status.is_connected));
    net.pass(secs(10));
    net.nothing(conn);
}

#[test]
fn the_daemon_is_restarted_again_and_again() {
    let mut net = Net::instant();
    net.set_fault("restarts=5000");
    let first = net.devnet.instance_token();
    for _ in 0..3 {
        let (conn, reply) = net.session(1);
        assert!(!reply.resumed);
        net.pass(secs(5));
        net.nothing(conn);
        assert!(net.is_closed(conn) && net.devnet.is_running());
    }
    assert_ne!(net.devnet.instance_token(), first);
    assert_eq!(net.devnet.traffic().faults, 3);
}

#[test]
fn the_daemon_says_that_it_stops_and_is_back_a_second_later_even_if_the_fault_ends() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.set_fault("shutdowns=5000");
    net.pass(secs(5));
    assert!(matches!(net.next(conn), AnyResponse::Shutdown(_)));
    assert!(net.is_closed(conn) && !net.devnet.is_running());
    let refused = net.connect();
    assert!(net.is_closed(refused));
    end(&mut net);
    net.pass(secs(1));
    assert!(net.devnet.is_running());
    let _ = net.session(1);
}

#[test]
fn who_shuts_the_daemon_down_finds_it_so() {
    let mut net = Net::instant();
    net.set_fault("restarts=5000");
    net.act(Devnet::shutdown);
    net.pass(secs(60));
    assert!(!net.devnet.is_running());
    net.act(Devnet::restart);
    assert!(net.devnet.is_running());

    // Started by hand while it was about to come back, it is not started a second time.
    net.set_fault("shutdowns=5000");
    net.pass(secs(5));
    net.act(Devnet::restart);
    let token = net.devnet.instance_token();
    end(&mut net);
    net.pass(secs(60));
    assert_eq!(net.devnet.instance_token(), token);
}

#[test]
fn values_without_measure_are_survived() {
    let mut net = Net::new(quick_reference());
    let mut faults = Faults::default();
    for time in [&mut faults.latency, &mut faults.replication_lag, &mut faults.slow_reading] {
        *time = Duration::MAX;
    }
    for time in [&mut faults.flapping, &mut faults.restarts, &mut faults.shutdowns] {
        *time = Duration::from_nanos(1);
    }
    (faults.loss, faults.cut) = (f64::NAN, -1.0);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    let _ = net.ask(conn, write(&keys, &sealed));
    net.act(|devnet, now| devnet.set_faults(now, faults));
    net.pass(millis(50));
    end(&mut net);
    net.pass(secs(60));
    assert!(net.devnet.is_running());
    let _ = net.session(2);
}

#[test]
fn a_frame_is_cut_and_the_session_can_be_resumed() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    let before = net.links[&conn].bytes.len();
    net.set_fault("cut=1");
    let _ = counter(&mut net, conn);
    net.nothing(conn);
    assert!(net.is_closed(conn));
    let sent = net.links[&conn].bytes.len() - before;
    assert!(sent > 4, "some of it has arrived: {sent}");
    end(&mut net);
    assert!(net.session(1).1.resumed);
}

/// What stands in front of the answer, as bytes.
fn in_front(fault: &str) -> Vec<u8> {
    let answer = |fault: Option<&str>| {
        let mut net = Net::instant();
        let (conn, _) = net.session(1);
        fault.iter().for_each(|fault| net.set_fault(fault));
        let link = net.links.get_mut(&conn).unwrap();
        link.deaf = true;
        let _ = counter(&mut net, conn);
        let mut bytes = Vec::new();
        net.devnet.poll_transmit(net.now, conn, &mut bytes);
        bytes
    };
    let (plain, broken) = (answer(None), answer(Some(fault)));
    broken.strip_suffix(plain.as_slice()).expect("the answer is still there").to_vec()
}

#[test]
fn frames_that_make_no_sense_stand_in_front_of_the_others() {
    let decode = |bytes: &[u8]| {
        let mut frames = FrameBuffer::default();
        frames.push(bytes);
        let body = frames.next_frame().map(|body| body.map(<[u8]>::to_vec));
        body.map(|body| AnyResponse::decode(&body.expect("a whole frame")))
    };
    assert!(decode(&in_front("malformed=1")).unwrap().is_err());
    assert_eq!(decode(&in_front("unknown=1")).unwrap(), Ok(None));
    assert!(decode(&in_front("oversize=1")).is_err());
    let Ok(Ok(Some(AnyResponse::Reply(other)))) = decode(&in_front("misdirected=1")) else {
        panic!("a reply")
    };
    let Ok(Ok(Some(AnyResponse::Reply(same)))) = decode(&in_front("duplicate=1")) else { panic!("a reply") };
    assert_eq!(other.result, same.result);
    assert_ne!(other.query_id, same.query_id);
}

#[test]
fn bytes_come_one_at_a_time() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.set_fault("dribble");
    let _ = counter(&mut net, conn);
    let _ = net.reply(conn);
    let link = net.links.get_mut(&conn).unwrap();
    link.deaf = true;
    let _ = counter(&mut net, conn);
    let mut bytes = Vec::new();
    for len in 1..10 {
        net.devnet.poll_transmit(net.now, conn, &mut bytes);
        assert_eq!(bytes.len(), len);
    }
}

#[test]
fn the_daemon_rests_behind_every_frame() {
    let mut net = Net::instant();
    let (conn, _) = net.session(1);
    net.set_fault("slow-reading=2000");
    for _ in 0..3 {
        let _ = counter(&mut net, conn);
    }
    for _ in 0..3 {
        let _ = net.reply(conn);
        net.nothing(conn);
        net.pass(secs(2));
    }
}
