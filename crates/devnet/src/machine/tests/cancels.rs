//! Cancelling (§4.8, §4.10, §9.5).

use kpthin_core::wire::{
    CancelResendingCopyCommand, CancelResendingEncryptedMessage, EnvelopeHash, RequestKind, WriteCapHash,
};

use super::*;

const KIND: RequestKind = RequestKind::StartResendingEncryptedMessage;

fn cancel(sealed: &EncryptReply) -> CancelResendingEncryptedMessage {
    CancelResendingEncryptedMessage { envelope_hash: sealed.envelope_hash }
}

/// A session with a read of an unwritten box under way.
fn reading(config: DevnetConfig) -> (Net, ConnId, KeypairReply, EncryptReply, QueryId) {
    let mut net = Net::new(config);
    let (conn, _) = net.session(1);
    let keys = net.keypair(conn, 1);
    let sealed = net.encrypt_read(conn, &keys);
    let query_id = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(1));
    net.nothing(conn);
    (net, conn, keys, sealed, query_id)
}

#[test]
fn the_start_is_answered_first_with_its_courier() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let (mut net, conn, _, sealed, started) = reading(config);
        let cancelling = net.ask(conn, cancel(&sealed));
        let reply = net.reply(conn);
        assert_eq!((reply.query_id, reply.kind), (Some(started), KIND));
        let failure = reply.result.unwrap_err();
        assert_eq!(failure.error_code, 24);
        assert!(matches!(failure.detail, FailureDetail::Courier { courier_identity_hash: Some(_), .. }));
        let reply = net.reply(conn);
        assert_eq!(reply.query_id, Some(cancelling));
        assert!(reply.result.is_ok());
        net.pass(secs(60));
        net.nothing(conn);
    }
}

#[test]
fn unknown_keys_are_cancelled_with_success() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let unknown = CancelResendingEncryptedMessage { envelope_hash: EnvelopeHash::from([1; 32]) };
        assert!(net.call(conn, unknown.clone()).is_ok());
        let copy = CancelResendingCopyCommand { write_cap_hash: WriteCapHash::from([1; 32]) };
        assert!(net.call(conn, copy).is_ok());
        let none = without(unknown.clone(), "envelope_hash");
        assert_eq!(net.call(conn, none), Err((3, FailureDetail::None)));
        net.send(conn, None, unknown);
        assert_eq!(outcome(net.reply(conn)), (3, None));
    }
}

#[test]
fn a_waiting_start_is_found_by_the_instant_daemon_only() {
    for (config, found) in [(DevnetConfig::instant(), true), (quick_reference(), false)] {
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        let started = net.ask(conn, write(&keys, &sealed));
        let cancelling = net.ask(conn, cancel(&sealed));
        if found {
            let reply = net.reply(conn);
            assert_eq!((reply.query_id, outcome(reply).0), (Some(started), 24));
        }
        assert_eq!(net.reply(conn).query_id, Some(cancelling));
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        let _ = net.next(conn);
        net.pass(secs(1));
        assert_eq!(net.devnet.stored_boxes(), usize::from(!found));
        assert_eq!(net.try_next(conn).is_some(), !found);
    }
}

#[test]
fn strangers_cancel_in_the_reference_only() {
    for (config, stranger_hears) in [(DevnetConfig::instant(), false), (quick_reference(), true)] {
        let (mut net, conn, _, sealed, started) = reading(config);
        let (stranger, _) = net.session(2);
        let cancelling = net.ask(stranger, cancel(&sealed));
        if stranger_hears {
            assert_eq!(net.reply(stranger).query_id, Some(started));
        }
        assert_eq!(net.reply(stranger).query_id, Some(cancelling));
        net.nothing(conn);
        assert_eq!((net.devnet.operations.len() == 0), stranger_hears);
    }
}

#[test]
fn two_starts_of_one_envelope_are_two_operations() {
    for (config, cancelled) in [(DevnetConfig::instant(), 2), (quick_reference(), 1)] {
        let (mut net, conn, keys, sealed, _) = reading(config);
        let second = net.ask(conn, read(&keys, &sealed));
        net.pass(millis(200));
        let _ = net.ask(conn, cancel(&sealed));
        let replies = std::iter::from_fn(|| net.try_next(conn)).count();
        assert_eq!(replies, cancelled + 1);
        assert_eq!(net.devnet.operations.len(), 2 - cancelled);
        let _ = net.ask(conn, cancel(&sealed));
        assert_eq!(std::iter::from_fn(|| net.try_next(conn)).count(), 1, "{second:?}");
    }
}

#[test]
fn the_wrong_cancel_ends_an_operation_with_the_wrong_answer_in_the_reference_only() {
    for (config, ended) in [(DevnetConfig::instant(), false), (quick_reference(), true)] {
        let (mut net, conn, _, sealed, started) = reading(config);
        let hash = WriteCapHash::from(*sealed.envelope_hash.as_bytes());
        let _ = net.ask(conn, CancelResendingCopyCommand { write_cap_hash: hash });
        if ended {
            let reply = net.reply(conn);
            assert_eq!((reply.query_id, reply.kind), (Some(started), RequestKind::StartResendingCopyCommand));
        }
        assert_eq!(net.reply(conn).kind, RequestKind::CancelResendingCopyCommand);
        assert_eq!((net.devnet.operations.len() == 0), ended);
    }
}

#[test]
fn cancelling_works_while_the_mixnet_is_down() {
    for config in [DevnetConfig::instant(), quick_reference()] {
        let (mut net, conn, _, sealed, _) = reading(config);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.next(conn);
        net.pass(secs(60));
        let _ = net.ask(conn, cancel(&sealed));
        assert_eq!(outcome(net.reply(conn)).0, 24);
        assert_eq!(outcome(net.reply(conn)).0, 0);
    }
}

#[test]
fn cancelled_operations_leave_nothing_behind() {
    let (mut net, conn, keys, _, _) = reading(quick_reference());
    for _ in 0..50 {
        let sealed = net.encrypt_read(conn, &keys);
        let _ = net.ask(conn, read(&keys, &sealed));
        let _ = net.ask(conn, cancel(&sealed));
        while net.try_next(conn).is_some() {}
    }
    assert_eq!(net.devnet.operations.len(), 1);
    net.pass(secs(60));
    let planned = net.devnet.census().planned;
    assert!(planned < 8, "{planned}");
}

/// §9.5: a cancel that comes while the result is being opened.
#[test]
fn in_the_reference_one_start_may_be_answered_with_the_code_and_with_the_result() {
    for (written, results) in [(true, 1), (false, 0)] {
        let mut config = quick_reference();
        config.timing.open_time = secs(3);
        let mut net = Net::new(config);
        let (conn, _) = net.session(1);
        let keys = net.keypair(conn, 1);
        if written {
            let sealed = net.encrypt_write(conn, &keys, "hello");
            assert_eq!(net.call_for(conn, secs(10), write(&keys, &sealed)), (0, None));
        }
        let sealed = net.encrypt_read(conn, &keys);
        let reading = net.ask(conn, read(&keys, &sealed));
        net.pass(secs(1));
        let cancel = net.ask(conn, cancel(&sealed));
        let code = net.reply(conn);
        assert_eq!(code.query_id, Some(reading));
        assert_eq!(outcome(code), (24, None));
        assert_eq!(net.reply(conn).query_id, Some(cancel));
        // Another one finds nothing, and succeeds.
        let again = net.ask(conn, self::cancel(&sealed));
        assert_eq!(net.reply(conn).query_id, Some(again));
        net.pass(secs(10));
        let late: Vec<_> = std::iter::from_fn(|| net.try_next(conn)).collect();
        assert_eq!(late.len(), results);
        for response in late {
            let AnyResponse::Reply(reply) = response else { panic!("a reply") };
            assert_eq!(reply.query_id, Some(reading));
            assert_eq!(outcome(reply), (0, Some(b"hello".to_vec())));
        }
        assert_eq!(net.devnet.operations(), 0);
    }
}
