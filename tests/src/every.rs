//! One request of every kind that a caller can start, with what it needs at the daemon.

use kpthin_core::wire::{
    AnyRequest, CancelResendingCopyCommand, CancelResendingEncryptedMessage,
    CreateCourierEnvelopesFromMultiPayload, CreateCourierEnvelopesFromPayload,
    CreateCourierEnvelopesFromTombstoneRange, Destination, GetDirectoryAuthorities,
    GetMessageBoxIndexCounter, GetPkiDocument, NextMessageBoxIndex, RequestKind, SendMessage,
    StartResendingCopyCommand, Surb, VoucherDeriveStream, VoucherInduct, VoucherMint, VoucherOpen,
    WriteCapHash,
};

use crate::{
    Net, Pair,
    boxes::{Stream, Unwritten},
    sample,
};

/// Makes one request of each kind, with the help of a daemon. Envelopes work at any daemon of its network.
///
/// # Panics
///
/// If the daemon does not help.
#[must_use]
pub fn every(pair: &mut Pair<Net>) -> Vec<AnyRequest> {
    let stream = Stream::new(pair, 1);
    let index = stream.first();
    let write_cap = stream.write_cap();
    let read = pair.call(stream.encrypt_read(&index)).expect("an envelope");
    let write = pair.call(stream.encrypt_write(&index, b"through it all")).expect("an envelope");
    let mint = VoucherMint { message_write_cap: write_cap.clone(), display_name: "a friend".to_owned() };
    let minted = pair.call(mint.clone()).expect("a voucher");
    let induct = VoucherInduct {
        voucher: minted.voucher.clone(),
        voucher_payload: minted.voucher_payload.clone(),
        who_reply: b"welcome".to_vec().into(),
    };
    let inducted = pair.call(induct.clone()).expect("an induction");
    let open = VoucherOpen {
        voucher_secret_key: minted.voucher_secret_key.clone(),
        sealed_reply: inducted.sealed_reply.clone(),
        message_write_cap: write_cap.clone(),
    };
    let destination = Destination {
        payload: b"copied".to_vec().into(),
        write_cap: write_cap.clone(),
        start_index: index.clone(),
    };
    vec![
        Stream::request(2).into(),
        stream.encrypt_read(&index).into(),
        stream.encrypt_write(&index, b"through it all").into(),
        stream.send_read(&index, read, Unwritten::Ends).into(),
        stream.send_write(write).into(),
        CancelResendingEncryptedMessage { envelope_hash: sample::hash(5) }.into(),
        StartResendingCopyCommand { write_cap: write_cap.clone(), courier: None }.into(),
        CancelResendingCopyCommand { write_cap_hash: WriteCapHash::of(&write_cap) }.into(),
        NextMessageBoxIndex { message_box_index: index.clone() }.into(),
        GetMessageBoxIndexCounter { message_box_index: index.clone() }.into(),
        GetPkiDocument { epoch: 0 }.into(),
        GetDirectoryAuthorities {}.into(),
        CreateCourierEnvelopesFromPayload {
            payload: b"copied".to_vec().into(),
            dest_write_cap: write_cap.clone(),
            dest_start_index: index.clone(),
            is_start: true,
            is_last: true,
        }
        .into(),
        CreateCourierEnvelopesFromMultiPayload {
            destinations: vec![destination],
            is_start: true,
            is_last: true,
            buffer: None,
        }
        .into(),
        CreateCourierEnvelopesFromTombstoneRange {
            dest_write_cap: write_cap,
            dest_start_index: index,
            max_count: 2,
            is_start: true,
            is_last: true,
            buffer: None,
        }
        .into(),
        mint.into(),
        induct.into(),
        open.into(),
        VoucherDeriveStream { voucher: minted.voucher }.into(),
        pair.echo(1).into(),
        SendMessage { surb: Surb::None, ..pair.echo(2) }.into(),
    ]
}

/// The kinds that no caller starts: the link writes them by itself.
#[must_use]
pub const fn is_of_the_link(kind: RequestKind) -> bool {
    matches!(kind, RequestKind::SessionToken | RequestKind::ThinClose)
}
