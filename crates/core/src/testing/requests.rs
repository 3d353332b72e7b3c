//! Requests that differ by a number.

use alloc::vec;

use crate::wire::{
    BoxAccess, CancelResendingCopyCommand, CancelResendingEncryptedMessage, EncryptRead, EncryptWrite,
    EnvelopeHash, GetMessageBoxIndexCounter, IdentityHash, NewKeypair, QueueId, ReadCap, SendMessage,
    StartResendingCopyCommand, StartResendingEncryptedMessage, Surb, WriteCap, WriteCapHash,
};

/// So many bytes that belong to `n`.
#[must_use]
pub fn bytes<const LEN: usize>(n: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes.iter_mut().zip(n.to_le_bytes().into_iter().cycle()).for_each(|(to, from)| *to = from);
    bytes
}

/// A stream's right to write; no network would know it.
#[must_use]
pub fn write_cap(n: u64) -> WriteCap {
    WriteCap::from(bytes(n))
}

/// What an operation is known by.
#[must_use]
pub fn hash(n: u64) -> EnvelopeHash {
    EnvelopeHash::from(bytes(n))
}

/// A service's queue on its node.
///
/// # Panics
///
/// For a name that is empty, or longer than 32 bytes.
#[must_use]
pub fn queue(name: &str) -> QueueId {
    QueueId::new(name).expect("1 to 32 bytes")
}

/// A quick local request.
#[must_use]
pub fn counter(n: u64) -> GetMessageBoxIndexCounter {
    GetMessageBoxIndexCounter { message_box_index: bytes::<104>(n).into() }
}

/// A quick local request.
#[must_use]
pub fn keypair(n: u64) -> NewKeypair {
    NewKeypair { seed: bytes::<32>(n).into() }
}

/// A slow local request.
#[must_use]
pub fn encrypt_read(n: u64) -> EncryptRead {
    EncryptRead { read_cap: ReadCap::from(bytes(n)), message_box_index: bytes::<104>(n).into() }
}

/// Another slow local request.
#[must_use]
pub fn encrypt_write(n: u64) -> EncryptWrite {
    EncryptWrite {
        plaintext: b"text".to_vec().into(),
        write_cap: write_cap(n),
        message_box_index: bytes::<104>(n).into(),
    }
}

/// An operation that writes.
#[must_use]
pub fn write(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        access: BoxAccess::Write { write_cap: write_cap(n), message_box_index: None },
        reply_index: None,
        envelope_descriptor: n.to_le_bytes().to_vec().into(),
        message_ciphertext: vec![1; 40].into(),
        envelope_hash: hash(n),
        no_retry_on_box_id_not_found: false,
        no_idempotent_box_already_exists: false,
    }
}

/// An operation that reads, and ends if the box is not written.
#[must_use]
pub fn read(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage {
        access: BoxAccess::Read {
            read_cap: ReadCap::from(bytes(n)),
            message_box_index: bytes::<104>(n).into(),
        },
        no_retry_on_box_id_not_found: true,
        ..write(n)
    }
}

/// An operation that reads, and that the daemon repeats until the box is written.
#[must_use]
pub fn polling_read(n: u64) -> StartResendingEncryptedMessage {
    StartResendingEncryptedMessage { no_retry_on_box_id_not_found: false, ..read(n) }
}

/// The cancel of any of the three.
#[must_use]
pub fn cancel(n: u64) -> CancelResendingEncryptedMessage {
    CancelResendingEncryptedMessage { envelope_hash: hash(n) }
}

/// A copy command at a courier that no document knows.
#[must_use]
pub fn copy(n: u64) -> StartResendingCopyCommand {
    StartResendingCopyCommand { write_cap: write_cap(n), courier: None }
}

/// Its cancel.
#[must_use]
pub fn cancel_copy(n: u64) -> CancelResendingCopyCommand {
    CancelResendingCopyCommand { write_cap_hash: WriteCapHash::of(&write_cap(n)) }
}

/// A message to a service.
#[must_use]
pub fn message(n: u64) -> SendMessage {
    SendMessage {
        id: None,
        surb: Surb::Unnamed,
        destination_id_hash: IdentityHash::from([9; 32]),
        recipient_queue_id: queue("+echo"),
        payload: n.to_le_bytes().to_vec().into(),
    }
}
