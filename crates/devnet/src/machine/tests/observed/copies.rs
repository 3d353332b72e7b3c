//! Copy commands.

use kpthin_core::wire::StartResendingCopyCommand;

use super::super::copies::{copy, payload};
use super::*;
use crate::BoxState;
use Tolerance::{Half, Quarter};

/// Three boxes packed and uploaded; the temporary stream and the destination.
fn uploaded(net: &mut Net, conn: ConnId) -> (KeypairReply, KeypairReply) {
    let (temporary, to) = (keypair(net, conn, 1), keypair(net, conn, 2));
    let packed = match ask(net, conn, payload(&to, &[7; 4_000])).1.result {
        Ok(AnyReply::CreateCourierEnvelopesFromPayload(packed)) => packed,
        other => panic!("{other:?}"),
    };
    for (step, element) in (0..).zip(&packed.envelopes) {
        let request = EncryptWrite {
            write_cap: temporary.write_cap.clone(),
            message_box_index: index_at(&temporary, step),
            plaintext: element.clone(),
        };
        let Ok(AnyReply::EncryptWrite(sealed)) = ask(net, conn, request).1.result else { panic!("sealed") };
        assert_eq!(outcome(ask(net, conn, write(&temporary, &sealed)).1), (0, None));
    }
    net.pass(secs(10));
    (temporary, to)
}

fn pinned(net: &Net, keys: &KeypairReply, courier: usize) -> StartResendingCopyCommand {
    StartResendingCopyCommand {
        courier: Some(kpthin_core::pki::ServiceAddress {
            node: net.devnet.network.courier_hash(courier).unwrap(),
            queue: kpthin_core::wire::QueueId::new("courier").unwrap(),
        }),
        ..copy(keys)
    }
}

#[test]
fn three_boxes_are_copied_and_copied_again() {
    let run = |seed| {
        let (mut net, conn) = site(seed);
        let (temporary, to) = uploaded(&mut net, conn);
        let times = [0, 0, 1].map(|courier| {
            let request = pinned(&net, &temporary, courier);
            let (time, reply) = ask(&mut net, conn, request);
            assert!(reply.result.is_ok());
            time
        });
        assert!(matches!(net.devnet.read_box(&to.read_cap, &index_at(&to, 2)), BoxState::Message(_)));
        // What the courier does to clean up is refused.
        let first = net.devnet.read_box(&temporary.read_cap, &temporary.first_message_index);
        assert!(matches!(first, BoxState::Message(_)));
        times
    };
    near("copy of three boxes", 17.0..=17.0, Half, |seed| run(seed)[0]);
    near("the same at the same courier", 1.6..=1.6, Half, |seed| run(seed)[1]);
    near("the same at another courier", 21.0..=21.0, Half, |seed| run(seed)[2]);
}

#[test]
fn a_copy_of_nothing_fails_after_minutes() {
    near("copy of an unwritten stream", 190.0..=190.0, Quarter, |seed| {
        let (mut net, conn) = site(seed);
        let keys = keypair(&mut net, conn, 1);
        let (time, reply) = ask(&mut net, conn, copy(&keys));
        let failure = reply.result.unwrap_err();
        let detail = FailureDetail::Copy { replica_error_code: 1, failed_envelope_index: 1 };
        assert_eq!((failure.error_code, failure.detail), (26, detail));
        time
    });
}
