//! Cancels, and operations with one hash.

use kpthin_core::wire::{CancelResendingCopyCommand, CancelResendingEncryptedMessage, WriteCapHash};

use super::*;

fn cancel(sealed: &EncryptReply) -> CancelResendingEncryptedMessage {
    CancelResendingEncryptedMessage { envelope_hash: sealed.envelope_hash }
}

/// A read that waits for its box.
fn waiting(net: &mut Net) -> (ConnId, KeypairReply, EncryptReply, QueryId) {
    let (conn, keys) = client(net);
    let sealed = net.encrypt_read(conn, &keys);
    let started = net.ask(conn, read(&keys, &sealed));
    net.pass(secs(1));
    (conn, keys, sealed, started)
}

pub(super) const SHOWN: &[Shown] = &[
    shown(&["cancel-misses-queued"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_read(conn, &keys);
        net.act(|devnet, now| devnet.set_mixnet(now, false));
        let _ = net.ask(conn, read(&keys, &sealed));
        let _ = net.ask(conn, cancel(&sealed));
        let replies = replies(net, conn).len();
        net.act(|devnet, now| devnet.set_mixnet(now, true));
        assert_eq!((replies, net.devnet.operations()), if replies == 1 { (1, 1) } else { (2, 0) });
        replies == 1
    }),
    shown(&["cancel-across-sessions"], |net| {
        let (conn, _, sealed, started) = waiting(net);
        let (stranger, _) = net.session(2);
        let _ = net.ask(stranger, cancel(&sealed));
        let heard = replies(net, stranger).iter().any(|reply| reply.query_id == Some(started));
        assert_eq!(net.devnet.operations() == 0, heard);
        assert!(replies(net, conn).is_empty());
        heard
    }),
    shown(&["cancel-across-kinds"], |net| {
        let (conn, _, sealed, started) = waiting(net);
        let hash = WriteCapHash::from(*sealed.envelope_hash.as_bytes());
        let _ = net.ask(conn, CancelResendingCopyCommand { write_cap_hash: hash });
        let ended = replies(net, conn).into_iter().find(|reply| reply.query_id == Some(started));
        assert_eq!(net.devnet.operations() == 0, ended.is_some());
        ended.is_some_and(|reply| reply.kind == RequestKind::StartResendingCopyCommand)
    }),
    shown_where(
        &["cancel-and-result"],
        |config| config.timing.open_time = secs(2),
        |net| {
            let (conn, keys) = client(net);
            let sealed = net.encrypt_write(conn, &keys, "hello");
            let _ = net.ask(conn, write(&keys, &sealed));
            net.pass(secs(60));
            let _ = replies(net, conn);
            let sealed = net.encrypt_read(conn, &keys);
            let started = net.ask(conn, read(&keys, &sealed));
            // Two round trips to the answer, which then is opened.
            net.pass(secs(1));
            let _ = net.ask(conn, cancel(&sealed));
            net.pass(secs(60));
            let answers =
                replies(net, conn).into_iter().filter(|reply| reply.query_id == Some(started)).count();
            assert!((1..=2).contains(&answers));
            answers == 2
        },
    ),
    shown_where(
        &["one-per-hash"],
        |config| config.quirks.hash_dropped_at_end = false,
        |net| {
            let (conn, keys, sealed, _) = waiting(net);
            let _ = net.ask(conn, read(&keys, &sealed));
            net.pass(secs(1));
            let _ = net.ask(conn, cancel(&sealed));
            net.devnet.operations() == 1
        },
    ),
    shown_where(
        &["hash-dropped-at-end"],
        |config| config.quirks.one_per_hash = false,
        |net| {
            let (conn, keys, sealed, _) = waiting(net);
            let once = net.ask(conn, read_once(&keys, &sealed));
            net.pass(secs(60));
            assert!(replies(net, conn).iter().any(|reply| reply.query_id == Some(once)));
            let _ = net.ask(conn, cancel(&sealed));
            net.devnet.operations() == 1
        },
    ),
];
