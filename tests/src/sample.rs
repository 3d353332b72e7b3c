//! Requests that differ by a number, and what a daemon without a network may answer.

pub use kpthin_core::testing::*;
use kpthin_core::wire::{AnyRequest, NextMessageBoxIndex, RequestKind};

/// One of everything that a caller can start and a [`Scripted`](crate::Scripted) daemon answers.
#[must_use]
pub fn any(which: u64, n: u64) -> AnyRequest {
    match which % 11 {
        0 => keypair(n).into(),
        1 => encrypt_read(n).into(),
        2 => encrypt_write(n).into(),
        3 => write(n).into(),
        4 => read(n).into(),
        5 => polling_read(n).into(),
        6 => copy(n).into(),
        7 => message(n).into(),
        8 => cancel(n).into(),
        9 => cancel_copy(n).into(),
        _ => NextMessageBoxIndex { message_box_index: bytes::<104>(n).into() }.into(),
    }
}

/// The kind of [`cancel`].
#[must_use]
pub const fn cancel_kind() -> RequestKind {
    RequestKind::CancelResendingEncryptedMessage
}
