//! Capabilities are sent as they begin at the index in question (M4).

use alloc::{vec, vec::Vec};

use super::*;
use crate::{
    error::InvalidRequest,
    wire::{
        BoxAccess, CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
        CreateCourierEnvelopesFromTombstoneRange, Destination, EncryptRead, EncryptWrite, MessageBoxIndex,
        StartResendingCopyCommand, StartResendingEncryptedMessage, VoucherMint, WriteCap,
    },
};
use sample::{copy, read, write};

fn index(counter: u64, rest: u8) -> MessageBoxIndex {
    let mut bytes = [rest; 104];
    bytes[..8].copy_from_slice(&counter.to_le_bytes());
    bytes.into()
}

/// A capability from box 1,000 on.
fn cap() -> WriteCap {
    let mut bytes = [9; 168];
    bytes[64..].copy_from_slice(index(1_000, 1).as_bytes());
    bytes.into()
}

/// Every request with a capability and an index.
fn requests(at: &MessageBoxIndex) -> Vec<AnyRequest> {
    let destination = |start_index: &MessageBoxIndex| Destination {
        payload: vec![1; 8].into(),
        write_cap: cap(),
        start_index: start_index.clone(),
    };
    vec![
        EncryptRead { read_cap: cap().read_cap(), message_box_index: at.clone() }.into(),
        EncryptWrite { plaintext: b"text".into(), write_cap: cap(), message_box_index: at.clone() }.into(),
        StartResendingEncryptedMessage {
            access: BoxAccess::Read { read_cap: cap().read_cap(), message_box_index: at.clone() },
            ..read(1)
        }
        .into(),
        CreateCourierEnvelopesFromMultiPayload {
            destinations: vec![destination(&index(1_000, 1)), destination(at)],
            is_start: true,
            is_last: true,
            buffer: None,
        }
        .into(),
        CreateCourierEnvelopesFromPayload {
            payload: vec![1; 8].into(),
            dest_write_cap: cap(),
            dest_start_index: at.clone(),
            is_start: true,
            is_last: true,
        }
        .into(),
        CreateCourierEnvelopesFromTombstoneRange {
            dest_write_cap: cap(),
            dest_start_index: at.clone(),
            max_count: 2,
            is_start: true,
            is_last: true,
            buffer: None,
        }
        .into(),
    ]
}

/// The indexes at which the capabilities of a request begin.
fn begins(request: &AnyRequest) -> Vec<MessageBoxIndex> {
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(create) => {
            create.destinations.iter().map(|to| to.write_cap.index()).collect()
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(create) => vec![create.dest_write_cap.index()],
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(create) => vec![create.dest_write_cap.index()],
        AnyRequest::EncryptRead(encrypt) => vec![encrypt.read_cap.index()],
        AnyRequest::EncryptWrite(encrypt) => vec![encrypt.write_cap.index()],
        AnyRequest::StartResendingEncryptedMessage(start) => match &start.access {
            BoxAccess::Read { read_cap, .. } => vec![read_cap.index()],
            BoxAccess::Write { write_cap, .. } => vec![write_cap.index()],
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn they_are_sent_as_they_begin_at_the_index() {
    for at in [index(1_000, 1), index(1_001, 2), index(1_000 + 262_145, 3)] {
        for request in requests(&at) {
            let mut rig = Rig::up();
            let (_, frame) = rig.send(request);
            assert_eq!(begins(&frame.request).last(), Some(&at), "{:?}", frame.request.kind());
        }
    }
}

#[test]
fn an_index_behind_or_of_another_stream_is_refused_and_nothing_is_sent() {
    for at in [index(999, 1), index(0, 1), index(1_000, 2)] {
        for request in requests(&at) {
            let mut rig = Rig::up();
            let call = rig.start(request);
            assert_eq!(rig.kinds(), []);
            let foreign = InvalidRequest::ForeignIndex { counter: at.counter(), first: 1_000 };
            assert_eq!(rig.error(call), Some(foreign.into()));
        }
    }
}

#[test]
fn copies_writes_and_vouchers_go_as_they_are() {
    let untouched = [
        AnyRequest::from(StartResendingCopyCommand { write_cap: cap(), ..copy(1) }),
        StartResendingEncryptedMessage {
            access: BoxAccess::Write { write_cap: cap(), message_box_index: Some(index(1_005, 1)) },
            ..write(1)
        }
        .into(),
        VoucherMint { message_write_cap: cap(), display_name: "name".into() }.into(),
    ];
    for request in untouched {
        let mut rig = Rig::up();
        let (_, frame) = rig.send(request.clone());
        assert_eq!(frame.request, request);
    }
}
