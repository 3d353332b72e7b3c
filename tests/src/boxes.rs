//! Streams of boxes, as a program uses them through the machine.

use kpthin_core::{
    error::CallError,
    machine::CallId,
    wire::{
        BoxAccess, EncryptRead, EncryptReply, EncryptWrite, KeypairReply, MessageBoxIndex, NewKeypair,
        ResendingReply, StartResendingEncryptedMessage, WriteCap,
    },
};

use crate::{Daemon, Pair};

/// Whether a read waits for its box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// It ends with replica code 1.
    Ends,
    /// The daemon asks again and again.
    Polls,
}

/// A stream, with both capabilities.
#[derive(Clone, Debug)]
pub struct Stream {
    keys: KeypairReply,
}

impl Stream {
    /// Has the daemon derive a stream.
    pub fn new<D: Daemon>(pair: &mut Pair<D>, seed: u8) -> Self {
        Self::of(pair.call(Self::request(seed)).expect("a stream"))
    }

    /// Asks for a stream.
    #[must_use]
    pub fn request(seed: u8) -> NewKeypair {
        NewKeypair { seed: [seed; 32].into() }
    }

    /// The stream that the daemon has derived.
    #[must_use]
    pub const fn of(keys: KeypairReply) -> Self {
        Self { keys }
    }

    /// The first box.
    #[must_use]
    pub fn first(&self) -> MessageBoxIndex {
        self.keys.first_message_index.clone()
    }

    /// The right to write it.
    #[must_use]
    pub fn write_cap(&self) -> WriteCap {
        self.keys.write_cap.clone()
    }

    /// Asks for an envelope that fills a box.
    #[must_use]
    pub fn encrypt_write(&self, index: &MessageBoxIndex, text: &[u8]) -> EncryptWrite {
        EncryptWrite {
            plaintext: text.to_vec().into(),
            write_cap: self.keys.write_cap.clone(),
            message_box_index: index.clone(),
        }
    }

    /// Asks for an envelope that asks for a box.
    #[must_use]
    pub fn encrypt_read(&self, index: &MessageBoxIndex) -> EncryptRead {
        EncryptRead { read_cap: self.keys.read_cap.clone(), message_box_index: index.clone() }
    }

    /// Sends the first kind of envelope.
    #[must_use]
    pub fn send_write(&self, encrypted: EncryptReply) -> StartResendingEncryptedMessage {
        StartResendingEncryptedMessage {
            access: BoxAccess::Write { write_cap: self.keys.write_cap.clone(), message_box_index: None },
            reply_index: None,
            envelope_descriptor: encrypted.envelope_descriptor,
            message_ciphertext: encrypted.message_ciphertext,
            envelope_hash: encrypted.envelope_hash,
            no_retry_on_box_id_not_found: false,
            no_idempotent_box_already_exists: false,
        }
    }

    /// Sends the second kind of envelope.
    #[must_use]
    pub fn send_read(
        &self,
        index: &MessageBoxIndex,
        encrypted: EncryptReply,
        unwritten: Unwritten,
    ) -> StartResendingEncryptedMessage {
        StartResendingEncryptedMessage {
            access: BoxAccess::Read {
                read_cap: self.keys.read_cap.clone(),
                message_box_index: index.clone(),
            },
            no_retry_on_box_id_not_found: unwritten == Unwritten::Ends,
            ..self.send_write(encrypted)
        }
    }

    /// Encrypts `count` writes of the first boxes, to be sent later.
    pub fn prepare<D: Daemon>(
        &self,
        pair: &mut Pair<D>,
        count: usize,
    ) -> Vec<StartResendingEncryptedMessage> {
        let mut index = self.first();
        let mut prepared = Vec::new();
        for n in 0..count {
            let encrypted = pair.call(self.encrypt_write(&index, &[b'0', n as u8])).expect("an envelope");
            index = encrypted.next_message_box_index.clone();
            prepared.push(self.send_write(encrypted));
        }
        prepared
    }

    /// Writes a box.
    ///
    /// # Errors
    ///
    /// That of the write.
    pub fn write<D: Daemon>(
        &self,
        pair: &mut Pair<D>,
        index: &MessageBoxIndex,
        text: &[u8],
    ) -> Result<ResendingReply, CallError> {
        let encrypted = pair.call(self.encrypt_write(index, text))?;
        pair.call(self.send_write(encrypted))
    }

    /// Reads a box that should be written.
    ///
    /// # Errors
    ///
    /// That of the read.
    pub fn read<D: Daemon>(&self, pair: &mut Pair<D>, index: &MessageBoxIndex) -> Result<Vec<u8>, CallError> {
        let encrypted = pair.call(self.encrypt_read(index))?;
        let reply = pair.call(self.send_read(index, encrypted, Unwritten::Ends))?;
        Ok(reply.plaintext.expect("a read's content").into_vec())
    }

    /// Starts a read of a box that is not written, which waits for it.
    pub fn poll<D: Daemon>(&self, pair: &mut Pair<D>, index: &MessageBoxIndex) -> CallId {
        let encrypted = pair.call(self.encrypt_read(index)).expect("an envelope");
        pair.start(self.send_read(index, encrypted, Unwritten::Polls))
    }
}
