//! Envelopes for single boxes (§4.6).

use kpthin_bacap::{Context, MessageBoxIndex};
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    self, AnyReply, Blob, EncryptRead, EncryptReply, EncryptWrite, EnvelopeHash, RequestKind, SecretBytes,
};

use super::super::capability::{check_reach, index, read_cap, write_cap};
use super::Local;
use crate::network::Network;
use crate::pigeonhole::boxes;
use crate::pigeonhole::envelope::{Envelope, Recipient};
use crate::pigeonhole::geometry::Geometry;
use crate::pigeonhole::messages::InnerMessage;
use crate::pigeonhole::sharding::intermediates;
use crate::quirks::Quirks;

/// A message to replicas about one box.
#[derive(Clone, Debug)]
pub(super) struct Seal {
    message: InnerMessage,
    next: MessageBoxIndex,
}

impl Seal {
    pub(super) fn read(quirks: &Quirks, request: &EncryptRead) -> Result<Self, DaemonError> {
        let (cap, index) = (read_cap(&request.read_cap)?, index(&request.message_box_index)?);
        check_reach(quirks, cap.index(), &index)?;
        Self::new(InnerMessage::Read(cap.box_id(&index, Context::PIGEONHOLE)), &index)
    }

    pub(super) fn write(
        geometry: Geometry,
        quirks: &Quirks,
        request: &EncryptWrite,
    ) -> Result<Self, DaemonError> {
        let (cap, index) = (write_cap(&request.write_cap)?, index(&request.message_box_index)?);
        if request.plaintext.len() > geometry.plaintext_max() {
            return Err(DaemonError::InvalidRequest);
        }
        check_reach(quirks, cap.index(), &index)?;
        let sealed = boxes::seal(geometry, &cap, &index, &request.plaintext)
            .map_err(|_| DaemonError::InvalidRequest)?;
        Self::new(InnerMessage::Write(sealed), &index)
    }

    fn new(message: InnerMessage, index: &MessageBoxIndex) -> Result<Self, DaemonError> {
        let next = index.next().map_err(|_| DaemonError::InternalError)?;
        Ok(Self { message, next })
    }
}

impl Local {
    /// Makes a new envelope, also for a box that had one before.
    pub(super) fn seal(
        &mut self,
        network: &Network,
        kind: RequestKind,
        seal: Seal,
        unavailable: DaemonError,
    ) -> Result<AnyReply, DaemonError> {
        let envelope = self.seal_envelope(network, &seal.message, unavailable)?;
        let reply = EncryptReply {
            envelope_descriptor: SecretBytes::from(envelope.descriptor.to_bytes()),
            envelope_hash: EnvelopeHash::from(envelope.hash().0),
            message_ciphertext: Blob::from(envelope.into_query()),
            next_message_box_index: wire::MessageBoxIndex::from(seal.next.to_bytes()),
        };
        Ok(match kind {
            RequestKind::EncryptRead => AnyReply::EncryptRead(reply),
            _ => AnyReply::EncryptWrite(reply),
        })
    }

    /// Encrypts a message to two replicas of its box.
    pub(super) fn seal_envelope(
        &mut self,
        network: &Network,
        message: &InnerMessage,
        unavailable: DaemonError,
    ) -> Result<Envelope, DaemonError> {
        let (epoch, online) = (network.replica_epoch(), network.online());
        let configured = network.replicas.identity_keys();
        let chosen = intermediates(configured, &online, message.box_id(), &mut self.entropy);
        let [first, second] = chosen.ok_or(unavailable)?;
        let key = |replica| network.envelope_key(replica, epoch).ok_or(unavailable);
        let keys = (key(first)?, key(second)?);
        let recipients = [
            Recipient { replica: first, public_key: &keys.0 },
            Recipient { replica: second, public_key: &keys.1 },
        ];
        Envelope::seal(self.geometry, message, epoch, recipients, &mut self.entropy)
            .map_err(|_| DaemonError::InternalError)
    }
}
