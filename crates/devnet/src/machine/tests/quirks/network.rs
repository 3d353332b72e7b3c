//! Couriers and replicas.

use kpthin_core::wire::{
    AnyReply, CreateCourierEnvelopesFromPayload, RequestKind, StartResendingCopyCommand,
};

use super::*;
use crate::{BoxState, Faults};

/// A message packed for a stream and uploaded to a temporary one, which it returns.
fn uploaded(net: &mut Net, conn: ConnId, keys: &KeypairReply) -> KeypairReply {
    let request = CreateCourierEnvelopesFromPayload {
        payload: SecretBytes::from("copied"),
        dest_write_cap: keys.write_cap.clone(),
        dest_start_index: keys.first_message_index.clone(),
        is_start: true,
        is_last: true,
    };
    let Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) = net.call(conn, request) else { panic!() };
    let temporary = net.keypair(conn, 77);
    for (step, element) in packed.envelopes.iter().enumerate() {
        let request = EncryptWrite {
            write_cap: temporary.write_cap.clone(),
            message_box_index: index_at(&temporary, step as u64),
            plaintext: element.clone(),
        };
        let Ok(AnyReply::EncryptWrite(sealed)) = net.call(conn, request) else { panic!() };
        assert_eq!(net.call_for(conn, secs(60), strict_write(&temporary, &sealed)), (0, None));
    }
    temporary
}

fn copy(temporary: &KeypairReply) -> StartResendingCopyCommand {
    let write_cap = temporary.write_cap.clone();
    StartResendingCopyCommand { write_cap, courier: None }
}

/// A read that waits, and after so long the write of its box; then whether the read is answered within a minute.
fn answered_if_written_after(net: &mut Net, wait: Duration, patience: Duration) -> bool {
    let (conn, keys) = client(net);
    let sealed = net.encrypt_read(conn, &keys);
    let reading = net.ask(conn, read(&keys, &sealed));
    net.pass(wait);
    let sealed = net.encrypt_write(conn, &keys, "hello");
    let _ = net.ask(conn, write(&keys, &sealed));
    net.pass(patience);
    assert!(written(net, &keys));
    replies(net, conn).iter().any(|reply| reply.query_id == Some(reading))
}

pub(super) const SHOWN: &[Shown] = &[
    shown(&["wrong-type-stalls"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.set_fault("wrong-type=1");
        let _ = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(600));
        let stalled = replies(net, conn).is_empty();
        assert_eq!(net.devnet.operations() == 1, stalled);
        stalled
    }),
    shown_where(
        &["wrong-type-misnamed"],
        |config| config.quirks.wrong_type_stalls = false,
        |net| {
            let (conn, keys) = client(net);
            net.set_fault("wrong-type=1");
            let _ = net.ask(conn, copy(&keys));
            net.pass(secs(1));
            let reply = net.reply(conn);
            let code = reply.result.unwrap_err().error_code;
            let misnamed = reply.kind == RequestKind::StartResendingEncryptedMessage;
            assert_eq!(code, if misnamed { 31 } else { 4 });
            misnamed
        },
    ),
    shown(&["retransmission-jitter=20000"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        net.set_fault("loss=1");
        let _ = net.ask(conn, write(&keys, &sealed));
        let before = net.devnet.traffic().packets;
        // Ten packets without it.
        net.pass(millis(20_100) * 10);
        let sent = net.devnet.traffic().packets - before;
        assert!((4..=10).contains(&sent), "{sent}");
        sent < 10
    }),
    shown_where(
        &["redispatches=1"],
        |config| config.quirks.redispatch_pause = None,
        |net| !answered_if_written_after(net, secs(20), secs(60)),
    ),
    shown_where(
        &["redispatch-pause=40000"],
        |config| config.quirks.redispatches = None,
        |net| !answered_if_written_after(net, secs(5), secs(20)),
    ),
    shown_where(
        &["success-first"],
        |config| {
            config.replicas = 2;
            config.timing.replica_time = Duration::ZERO;
        },
        |net| {
            let (conn, keys) = client(net);
            // Whichever of the two is named first.
            let codes = [0, 1].map(|full| {
                net.set_fault(&format!("storage-full={full}"));
                let sealed = net.encrypt_write(conn, &keys, "hello");
                net.call_for(conn, secs(10), strict_write(&keys, &sealed)).0
            });
            assert!(codes.iter().all(|code| [0, 6].contains(code)), "{codes:?}");
            codes == [0, 0]
        },
    ),
    shown_where(
        &["read-repair"],
        |config| config.replicas = 2,
        |net| {
            let (conn, keys) = client(net);
            let sealed = net.encrypt_write(conn, &keys, "hello");
            net.set_fault("replica-down=1");
            let _ = net.call_for(conn, secs(60), write(&keys, &sealed));
            // The other one tries every second to tell it; between two tries it is back.
            net.pass(millis(100));
            net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
            let count = |net: &Net| net.devnet.network.replicas.store(1).unwrap().records().count();
            assert_eq!(count(net), 0);
            let sealed = net.encrypt_read(conn, &keys);
            let _ = net.ask(conn, read_once(&keys, &sealed));
            net.pass(millis(500));
            count(net) == 1
        },
    ),
    shown(&["copies-tombstone"], |net| {
        let (conn, keys) = client(net);
        let temporary = uploaded(net, conn, &keys);
        let _ = net.ask(conn, copy(&temporary));
        net.pass(secs(600));
        assert!(net.reply(conn).result.is_ok() && written(net, &keys));
        let index = &temporary.first_message_index;
        match net.devnet.read_box(&temporary.read_cap, index) {
            BoxState::Tombstone => true,
            BoxState::Message(_) => false,
            BoxState::NotWritten => panic!("it was uploaded"),
        }
    }),
    shown(&["copy-retries"], |net| {
        let (conn, keys) = client(net);
        let temporary = uploaded(net, conn, &keys);
        let full = (0..3).map(|number| format!("storage-full={number}").parse::<Faults>().unwrap());
        let full = full.fold(Faults::default(), Faults::and);
        net.act(|devnet, now| devnet.set_faults(now, full));
        let _ = net.ask(conn, copy(&temporary));
        net.pass(secs(1));
        net.act(|devnet, now| devnet.set_faults(now, Faults::default()));
        net.pass(secs(600));
        match net.reply(conn).result {
            Ok(_) => true,
            Err(failure) => {
                let detail = FailureDetail::Copy { replica_error_code: 6, failed_envelope_index: 1 };
                assert_eq!((failure.error_code, failure.detail), (26, detail));
                false
            }
        }
    }),
    shown(&["silent-courier=0", "silent-courier=1"], |net| {
        let (conn, keys) = client(net);
        let sealed = net.encrypt_write(conn, &keys, "hello");
        let _ = net.ask(conn, write(&keys, &sealed));
        net.pass(secs(600));
        assert!(net.devnet.traffic().packets > 0);
        replies(net, conn).is_empty()
    }),
];
