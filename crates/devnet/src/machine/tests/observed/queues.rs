//! Who waits for whom.

use kpthin_core::wire::VoucherMint;
use kpthin_core::wire::{
    CancelResendingEncryptedMessage, IdentityHash, MessageId, QueueId, SendMessage, SurbId,
};

use std::collections::BTreeSet;

use super::*;
use Tolerance::{Half, Quarter, Threefold};

/// So many default reads of boxes that nobody writes are pending on a connection.
fn pending(net: &mut Net, conn: ConnId, count: u8) {
    for number in 0..count {
        let keys = keypair(net, conn, 100 + number);
        let sealed = sealed_read(net, conn, &keys);
        let _ = net.ask(conn, read(&keys, &sealed));
    }
    net.pass(secs(60));
}

/// What a default write takes on the first connection and on another one.
fn written_beside(seed: u8, reads: u8) -> (Duration, Duration) {
    let (mut net, conn) = site(seed);
    pending(&mut net, conn, reads);
    let other = joined(&mut net, 2);
    let keys = keypair(&mut net, other, 1);
    let sealed = sealed_write(&mut net, other, &keys, "hello");
    let (beside, reply) = ask(&mut net, other, write(&keys, &sealed));
    assert_eq!(outcome(reply), (0, None));
    let here = net.ask(conn, write(&keys, &sealed));
    let time = answer(&mut net, conn, here, secs(7_200)).expect("an answer within two hours").0;
    (time, beside)
}

#[test]
fn pending_reads_hold_up_a_write_on_their_connection() {
    near("write beside 6 reads", 14.0..=14.0, Threefold, |seed| written_beside(seed, 6).0);
    // Seen twice, with 63 s and with more than 200 s.
    near("write beside 12 reads", 63.0..=200.0, Threefold, |seed| written_beside(seed, 12).0);
}

#[test]
fn and_hardly_one_on_another_connection() {
    near("write on another connection", 3.2..=4.8, Half, |seed| written_beside(seed, 12).1);
}

fn mint(keys: &KeypairReply) -> VoucherMint {
    VoucherMint { message_write_cap: keys.write_cap.clone(), display_name: "devnet".to_owned() }
}

#[test]
fn slow_local_calls_hold_up_their_own_connection_only() {
    near("local call behind twenty", 8.6..=8.6, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let other = joined(&mut net, 2);
        let keys = keypair(&mut net, conn, 1);
        for _ in 0..20 {
            let _ = net.ask(conn, mint(&keys));
        }
        assert_eq!(ask(&mut net, other, question(&keys)).0, Duration::ZERO);
        ask(&mut net, conn, question(&keys)).0
    });
}

///
#[test]
fn a_burst_of_starts_holds_up_a_local_call() {
    near("local call behind 24 starts", 14.0..=14.0, Half, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        written(&mut net, conn, &keys, "hello");
        let sealed = sealed_read(&mut net, conn, &keys);
        for _ in 0..24 {
            let _ = net.ask(conn, read(&keys, &sealed));
        }
        ask(&mut net, conn, question(&keys)).0
    });
}

///
#[test]
fn every_start_of_one_envelope_is_answered() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    written(&mut net, conn, &keys, "hello");
    let sealed = sealed_read(&mut net, conn, &keys);
    let asked: BTreeSet<_> = (0..24).map(|_| *net.ask(conn, read(&keys, &sealed)).as_bytes()).collect();
    net.pass(secs(600));
    let replies = std::iter::from_fn(|| net.try_next(conn)).filter_map(|response| match response {
        AnyResponse::Reply(reply) => reply.query_id.map(|id| *id.as_bytes()),
        _ => None,
    });
    let replies: Vec<_> = replies.collect();
    assert_eq!(replies.len(), 24);
    assert_eq!(replies.into_iter().collect::<BTreeSet<_>>(), asked);
}

#[test]
fn a_pending_read_is_cancelled_at_once_and_names_its_courier() {
    let (mut net, conn) = site(1);
    let keys = keypair(&mut net, conn, 1);
    let sealed = sealed_read(&mut net, conn, &keys);
    let reading = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(10));
    let cancel = net.ask(conn, CancelResendingEncryptedMessage { envelope_hash: sealed.envelope_hash });
    let (start, answer) = (net.reply(conn), net.reply(conn));
    assert_eq!((start.query_id, answer.query_id), (Some(reading), Some(cancel)));
    assert!(answer.result.is_ok());
    let failure = start.result.unwrap_err();
    assert_eq!(failure.error_code, 24);
    assert!(matches!(
        failure.detail,
        FailureDetail::Courier { courier_identity_hash: Some(_), courier_queue_id: Some(_) }
    ));
}

pub(super) fn message(to: IdentityHash, payload: usize) -> SendMessage {
    SendMessage {
        id: Some(MessageId::from([5; 16])),
        surb: Surb::Named(SurbId::from([4; 16])),
        destination_id_hash: to,
        recipient_queue_id: QueueId::new("+echo").unwrap(),
        payload: SecretBytes::from(vec![7; payload]),
    }
}

/// The next event of a message, and how long it took.
fn event(net: &mut Net, conn: ConnId) -> (Duration, AnyResponse) {
    let begun = net.now;
    loop {
        match net.try_next(conn) {
            Some(response @ (AnyResponse::MessageSent(_) | AnyResponse::MessageReply(_))) => {
                return (net.now.saturating_since(begun), response);
            }
            Some(_) => {}
            None => net.pass(millis(20)),
        }
    }
}

#[test]
fn an_echo_comes_back_padded() {
    // The first slot came after 0.2 s, which one in five does.
    near("reply behind its sent event", 1.2..=1.2, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let to = net.devnet.network.courier_hash(0).unwrap();
        net.send(conn, None, message(to, 5));
        let (sent_after, sent) = event(&mut net, conn);
        assert!(matches!(sent, AnyResponse::MessageSent(sent) if sent.err.is_none()));
        assert!(sent_after < secs(10));
        let (time, reply) = event(&mut net, conn);
        let AnyResponse::MessageReply(reply) = reply else { panic!("a reply") };
        assert_eq!(reply.payload[..], [[7; 5].as_slice(), &[0; 2_569]].concat());
        time
    });
}

#[test]
fn a_message_that_is_too_long_is_told_so() {
    let (mut net, conn) = site(1);
    let to = net.devnet.network.courier_hash(0).unwrap();
    net.send(conn, None, message(to, 2_001));
    let AnyResponse::MessageSent(sent) = event(&mut net, conn).1 else { panic!("a report") };
    assert_eq!(sent.err.as_deref(), Some("message too large: 2001 > 2000"));
    assert_eq!(sent.reply_eta, 0);
}
