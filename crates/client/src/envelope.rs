//! Envelopes that are prepared now and sent later.

use std::fmt;

use kpthin_core::wire::{
    Blob, BoxAccess, EncryptReply, EnvelopeHash, MessageBoxIndex, ReadCap, SecretBytes,
    StartResendingEncryptedMessage, WriteCap, replica_epoch,
};

use crate::record::{Head, RecordError, RecordWriter};

/// What a write's success means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum Confirm {
    /// A replica stored the box, or held exactly this already. Costs two round trips.
    #[default]
    Replica,
    /// A courier took the envelope. Costs one round trip and says nothing about the box: the same
    /// success is reported for content that the replicas then refuse (§9.10).
    Courier,
}

/// What a read does while its box is unwritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the two cases are all there are")]
pub enum WhenUnwritten {
    /// It ends with [`ReplicaError::BoxIdNotFound`](kpthin_core::error::ReplicaError::BoxIdNotFound).
    #[default]
    Report,
    /// The daemon asks again and again, without end. It was seen to miss a write for seven
    /// minutes, and every such read slows down all writes (§9.10).
    Poll,
}

/// The envelope, and what the daemon said with it.
#[derive(Clone, PartialEq)]
struct Prepared {
    index: MessageBoxIndex,
    next: MessageBoxIndex,
    hash: EnvelopeHash,
    descriptor: SecretBytes,
    ciphertext: Blob,
}

impl Prepared {
    fn new(index: MessageBoxIndex, reply: EncryptReply) -> Self {
        Self {
            index,
            next: reply.next_message_box_index,
            hash: reply.envelope_hash,
            descriptor: reply.envelope_descriptor,
            ciphertext: reply.message_ciphertext,
        }
    }

    fn replica_epoch(&self) -> Option<u64> {
        replica_epoch(&self.ciphertext)
    }

    fn request(&self, access: BoxAccess) -> StartResendingEncryptedMessage {
        StartResendingEncryptedMessage {
            access,
            reply_index: None,
            envelope_descriptor: self.descriptor.clone(),
            message_ciphertext: self.ciphertext.clone(),
            envelope_hash: self.hash,
            no_retry_on_box_id_not_found: false,
            no_idempotent_box_already_exists: false,
        }
    }
}

macro_rules! accessors {
    ($name:ident, $field:tt) => {
        impl $name {
            /// The box.
            #[must_use]
            pub const fn index(&self) -> &MessageBoxIndex {
                &self.$field.index
            }

            /// The box after this one.
            #[must_use]
            pub const fn next_index(&self) -> &MessageBoxIndex {
                &self.$field.next
            }

            /// What the envelope is known by: the key that cancels it.
            #[must_use]
            pub const fn envelope_hash(&self) -> EnvelopeHash {
                self.$field.hash
            }

            /// What opens the reply; whoever has it can read along.
            #[must_use]
            pub const fn envelope_descriptor(&self) -> &SecretBytes {
                &self.$field.descriptor
            }

            /// The envelope itself.
            #[must_use]
            pub const fn message_ciphertext(&self) -> &Blob {
                &self.$field.ciphertext
            }

            /// The replica epoch it was made in, a week's number; couriers take it in this one, the
            /// one before and the one after (§9.4). `None` if the envelope is too short to tell.
            #[must_use]
            pub fn replica_epoch(&self) -> Option<u64> {
                self.$field.replica_epoch()
            }
        }
    };
}

/// A write that is encrypted and not yet sent: what
/// [`encrypt_write`](crate::Client::encrypt_write) returns.
///
/// It holds the plaintext too, so that the box can be encrypted afresh with the same content: the
/// box is the same whichever envelope carries it.
#[derive(Clone, PartialEq)]
pub struct EncryptedWrite {
    prepared: Prepared,
    plaintext: SecretBytes,
}

accessors!(EncryptedWrite, prepared);

impl EncryptedWrite {
    pub(crate) fn new(index: MessageBoxIndex, plaintext: SecretBytes, reply: EncryptReply) -> Self {
        Self { prepared: Prepared::new(index, reply), plaintext }
    }

    /// What the box is to hold; empty for a tombstone.
    #[must_use]
    pub const fn plaintext(&self) -> &SecretBytes {
        &self.plaintext
    }

    /// The request that sends it, for
    /// [`start_resending_encrypted_message`](crate::Client::start_resending_encrypted_message).
    #[must_use]
    pub fn request(&self, write_cap: &WriteCap, confirm: Confirm) -> StartResendingEncryptedMessage {
        let message_box_index = Some(self.prepared.index.clone());
        let access = BoxAccess::Write { write_cap: write_cap.clone(), message_box_index };
        let mut request = self.prepared.request(access);
        request.no_idempotent_box_already_exists = confirm == Confirm::Replica;
        request
    }

    /// The bytes to store, in order to send it later. They are as secret as the plaintext.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        store(WRITE, &self.prepared, &self.plaintext)
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let (prepared, plaintext) = load(WRITE, bytes)?;
        Ok(Self { prepared, plaintext })
    }
}

impl fmt::Debug for EncryptedWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedWrite(#{}, {} bytes)", self.index().counter(), self.plaintext.len())
    }
}

/// A read that is encrypted and not yet sent: what
/// [`encrypt_read`](crate::Client::encrypt_read) returns.
#[derive(Clone, PartialEq)]
pub struct EncryptedRead {
    prepared: Prepared,
}

accessors!(EncryptedRead, prepared);

impl EncryptedRead {
    pub(crate) fn new(index: MessageBoxIndex, reply: EncryptReply) -> Self {
        Self { prepared: Prepared::new(index, reply) }
    }

    /// The request that sends it, for
    /// [`start_resending_encrypted_message`](crate::Client::start_resending_encrypted_message).
    #[must_use]
    pub fn request(&self, read_cap: &ReadCap, unwritten: WhenUnwritten) -> StartResendingEncryptedMessage {
        let message_box_index = self.prepared.index.clone();
        let access = BoxAccess::Read { read_cap: read_cap.clone(), message_box_index };
        let mut request = self.prepared.request(access);
        request.no_retry_on_box_id_not_found = unwritten == WhenUnwritten::Report;
        request
    }

    /// The bytes to store, in order to send it later. Whoever has them can read the box.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        store(READ, &self.prepared, &[])
    }

    /// Takes back what [`to_bytes`](Self::to_bytes) gave.
    ///
    /// # Errors
    ///
    /// [`RecordError`] if the bytes are not that.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        load(READ, bytes).map(|(prepared, _)| Self { prepared })
    }
}

impl fmt::Debug for EncryptedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedRead(#{})", self.index().counter())
    }
}

const READ: Head = Head { magic: *b"KPTE", kind: b'r', version: 1 };
const WRITE: Head = Head { kind: b'w', ..READ };

/// Index, next index, hash, three counted strings.
fn store(head: Head, prepared: &Prepared, plaintext: &[u8]) -> SecretBytes {
    let Prepared { index, next, hash, descriptor, ciphertext } = prepared;
    let strings: [&[u8]; 3] = [descriptor, ciphertext, plaintext];
    let len = strings.iter().map(|bytes| bytes.len() + 4).sum::<usize>() + 2 * 104 + 32;
    let mut writer = RecordWriter::new(head, len);
    writer.put(index.as_bytes());
    writer.put(next.as_bytes());
    writer.put(hash.as_bytes());
    strings.into_iter().for_each(|bytes| writer.put_counted(bytes));
    writer.finish()
}

fn load(head: Head, bytes: &[u8]) -> Result<(Prepared, SecretBytes), RecordError> {
    let mut reader = head.open(bytes)?;
    let prepared = Prepared {
        index: MessageBoxIndex::from(*reader.array::<104>()?),
        next: MessageBoxIndex::from(*reader.array::<104>()?),
        hash: EnvelopeHash::from(*reader.array::<32>()?),
        descriptor: SecretBytes::from(reader.counted()?),
        ciphertext: Blob::from(reader.counted()?.to_vec()),
    };
    let plaintext = SecretBytes::from(reader.counted()?);
    reader.end()?;
    Ok((prepared, plaintext))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(counter: u64) -> MessageBoxIndex {
        let mut bytes = [9; 104];
        bytes[..8].copy_from_slice(&counter.to_le_bytes());
        bytes.into()
    }

    fn reply() -> EncryptReply {
        let mut ciphertext = vec![0; 2000];
        ciphertext[124..132].copy_from_slice(&2950u64.to_be_bytes());
        EncryptReply {
            message_ciphertext: ciphertext.into(),
            envelope_descriptor: vec![3; 201].into(),
            envelope_hash: [4; 32].into(),
            next_message_box_index: index(18),
        }
    }

    fn write() -> EncryptedWrite {
        EncryptedWrite::new(index(17), "attack at dawn".into(), reply())
    }

    #[test]
    fn both_kinds_survive_being_stored() {
        let read = EncryptedRead::new(index(17), reply());
        assert_eq!(EncryptedWrite::from_bytes(&write().to_bytes()).as_ref(), Ok(&write()));
        assert_eq!(EncryptedRead::from_bytes(&read.to_bytes()).as_ref(), Ok(&read));
        assert_eq!(EncryptedRead::from_bytes(&write().to_bytes()), Err(RecordError::OtherKind));
        assert_eq!(EncryptedWrite::from_bytes(&read.to_bytes()), Err(RecordError::OtherKind));
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed() {
        let bytes = write().to_bytes();
        for at in 0..bytes.len() {
            let mut changed = bytes.to_vec();
            changed[at] ^= 1;
            assert!(EncryptedWrite::from_bytes(&changed).is_err(), "byte {at}");
            assert!(EncryptedWrite::from_bytes(&bytes[..at]).is_err(), "cut at {at}");
        }
        let mut later = bytes.to_vec();
        later[5] = 2;
        assert_eq!(EncryptedWrite::from_bytes(&later), Err(RecordError::Version(2)));
    }

    #[test]
    fn the_replica_epoch_is_read_from_the_envelope() {
        assert_eq!(write().replica_epoch(), Some(2950));
        let short = EncryptReply { message_ciphertext: vec![0; 131].into(), ..reply() };
        assert_eq!(EncryptedRead::new(index(1), short).replica_epoch(), None);
    }

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", write()), "EncryptedWrite(#17, 14 bytes)");
        assert_eq!(format!("{:?}", EncryptedRead::new(index(17), reply())), "EncryptedRead(#17)");
    }

    #[test]
    fn a_write_is_strict_unless_the_courier_is_enough() {
        let cap = WriteCap::from([1; 168]);
        assert!(write().request(&cap, Confirm::Replica).no_idempotent_box_already_exists);
        assert!(!write().request(&cap, Confirm::Courier).no_idempotent_box_already_exists);
    }
}
