//! What is refused before anything is sent, with the sizes given and allowed.

use super::*;
use crate::{
    error::InvalidRequest,
    wire::{
        CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromTombstoneRange, Destination,
        PresentSessionToken, StartResendingEncryptedMessage, ThinClose, VoucherInduct,
    },
};
use alloc::{vec, vec::Vec};
use sample::{bytes, cancel, cancel_copy, copy, create, message, quick, read, slow, write};

/// What a machine that knows its daemon's sizes says to a request.
fn refusal(request: impl Into<AnyRequest>) -> CallError {
    let mut rig = Rig::up();
    let call = rig.start(request);
    assert_eq!(rig.kinds(), []);
    rig.error(call).unwrap()
}

fn is_empty(member: &'static str, request: impl Into<AnyRequest>) {
    assert_eq!(refusal(request), InvalidRequest::Empty { member }.into());
}

fn is_too_large(len: usize, max: usize, request: impl Into<AnyRequest>) {
    assert_eq!(refusal(request), CallError::TooLarge { len, max });
}

fn destination() -> Destination {
    Destination {
        payload: vec![1; 8].into(),
        write_cap: bytes::<168>(1).into(),
        start_index: bytes::<104>(1).into(),
    }
}

fn multi(destinations: Vec<Destination>) -> CreateCourierEnvelopesFromMultiPayload {
    CreateCourierEnvelopesFromMultiPayload { destinations, is_start: true, is_last: true, buffer: None }
}

fn tombstones(max_count: u32) -> CreateCourierEnvelopesFromTombstoneRange {
    CreateCourierEnvelopesFromTombstoneRange {
        dest_write_cap: bytes::<168>(1).into(),
        dest_start_index: bytes::<104>(1).into(),
        max_count,
        is_start: true,
        is_last: true,
        buffer: None,
    }
}

#[test]
fn what_must_not_be_empty_is_not() {
    is_empty(
        "payload",
        crate::wire::CreateCourierEnvelopesFromPayload { payload: vec![].into(), ..create(1) },
    );
    is_empty("destinations", multi(vec![]));
    is_empty(
        "envelope_descriptor",
        StartResendingEncryptedMessage { envelope_descriptor: vec![].into(), ..write(1) },
    );
    is_empty(
        "message_ciphertext",
        StartResendingEncryptedMessage { message_ciphertext: vec![].into(), ..read(1) },
    );
    let voucher = bytes::<32>(1).into();
    is_empty(
        "voucher_payload",
        VoucherInduct { voucher, voucher_payload: vec![].into(), who_reply: vec![].into() },
    );
    assert_eq!(refusal(tombstones(0)), InvalidRequest::ZeroCount.into());
}

#[test]
fn what_belongs_to_the_link_is_not_for_callers() {
    let token = PresentSessionToken { client_instance_token: bytes::<16>(1).into() };
    assert_eq!(refusal(token), InvalidRequest::NotForCallers { name: "session_token" }.into());
    assert_eq!(refusal(ThinClose {}), InvalidRequest::NotForCallers { name: "thin_close" }.into());
}

#[test]
fn sizes_beyond_the_daemons_are_named_with_what_is_allowed() {
    let text = |len| crate::wire::EncryptWrite { plaintext: vec![1; len].into(), ..slow(1) };
    is_too_large(1_550, 1_549, text(1_550));
    let payload = |len| crate::wire::SendMessage { payload: vec![1; len].into(), ..message(1) };
    is_too_large(2_001, 2_000, payload(2_001));
    let envelope =
        |len| StartResendingEncryptedMessage { message_ciphertext: vec![1; len].into(), ..write(1) };
    is_too_large(2_001, 2_000, envelope(2_001));
    let mut rig = Rig::up();
    for request in
        [AnyRequest::from(text(1_549)), text(0).into(), payload(2_000).into(), envelope(2_000).into()]
    {
        rig.start(request);
    }
    assert_eq!(rig.results.len(), 0);
}

#[test]
fn a_copy_call_carries_ten_mebibytes_per_destination_at_most() {
    let max = 10 << 20;
    let long = || vec![1; max + 1].into();
    is_too_large(
        max + 1,
        max,
        crate::wire::CreateCourierEnvelopesFromPayload { payload: long(), ..create(1) },
    );
    is_too_large(max + 1, max, multi(vec![destination(), Destination { payload: long(), ..destination() }]));
}

#[test]
fn a_copy_call_whose_answer_would_not_fit_is_refused() {
    let too_many = |request: AnyRequest| {
        let InvalidRequest::ReplyTooLarge { elements, max } = (match refusal(request) {
            CallError::InvalidRequest(invalid) => invalid,
            other => panic!("{other:?}"),
        }) else {
            panic!("another reason")
        };
        assert!(elements > max, "{elements} of {max}");
        max
    };
    // §4.17: about 1.3 elements per box of 1,549 bytes, and 40 MiB of them.
    let max = too_many(tombstones(30_000).into());
    assert!((26_000..27_000).contains(&max));
    too_many(tombstones(u32::MAX).into());
    too_many(multi(vec![destination(); 30_000]).into());
    let mut rig = Rig::up();
    rig.start(tombstones(20_000));
    rig.start(multi(vec![destination(); 20_000]));
    assert_eq!(rig.results.len(), 0);
}

#[test]
fn without_a_daemon_only_what_needs_none_is_checked() {
    let mut rig = Rig::dialling();
    rig.start(tombstones(u32::MAX));
    rig.start(crate::wire::SendMessage { payload: vec![1; 5_000].into(), ..message(1) });
    let refused = rig.start(multi(vec![]));
    assert_eq!((rig.results.len(), rig.error(refused).is_some()), (1, true));
    rig.handshake(1, false);
    assert_eq!((rig.results.len(), rig.kinds()), (2, vec![]));
}

#[test]
fn the_samples_of_the_other_tests_are_fine() {
    let mut rig = Rig::up();
    let requests: [AnyRequest; 9] = [
        quick(1).into(),
        slow(1).into(),
        create(1).into(),
        write(1).into(),
        read(2).into(),
        copy(1).into(),
        message(1).into(),
        cancel(9).into(),
        cancel_copy(9).into(),
    ];
    for request in requests {
        rig.start(request);
    }
    assert_eq!(rig.results.len(), 0);
}
