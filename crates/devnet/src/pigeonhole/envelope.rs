//! From a message for replicas to what a client sends, keeps and recognises (Pigeonhole backend §5.2).

use zeroize::Zeroizing;

use super::Entropy;
use super::descriptor::Descriptor;
use super::geometry::Geometry;
use super::messages::{CourierEnvelope, CourierQuery, EnvelopeHash, InnerMessage, Message};
use super::mkem::{self, PublicKey};
use super::padding::{self, PaddingError};

/// One of the two replicas an envelope goes to, and its public key for the envelope's epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recipient<'a> {
    pub(crate) replica: u8,
    pub(crate) public_key: &'a PublicKey,
}

/// An envelope and what opens the answer to it.
#[derive(Clone, Debug)]
pub(crate) struct Envelope {
    /// What goes to the courier, alone or inside a copy stream.
    pub(crate) sealed: CourierEnvelope,
    /// What stays with the client.
    pub(crate) descriptor: Descriptor,
}

impl Envelope {
    /// Encrypts a message to two replicas; two calls never give the same envelope.
    ///
    /// Reads, writes and tombstones come out equally long.
    pub(crate) fn seal(
        geometry: Geometry,
        message: &InnerMessage,
        replica_epoch: u64,
        recipients: [Recipient<'_>; 2],
        entropy: &mut impl Entropy,
    ) -> Result<Self, PaddingError> {
        let padded = Zeroizing::new(padding::pad(&message.encode(), geometry.inner_padded())?);
        let keys = recipients.map(|recipient| recipient.public_key);
        let replicas = recipients.map(|recipient| recipient.replica);
        let encapsulated = mkem::encapsulate(keys, &padded, entropy);
        let sealed = CourierEnvelope {
            replicas,
            wrapped_keys: encapsulated.wrapped_keys,
            reply_index: 0,
            replica_epoch,
            sender_public_key: encapsulated.private_key.public_key(),
            ciphertext: encapsulated.envelope,
        };
        let private_key = encapsulated.private_key;
        let descriptor = Descriptor { replica_epoch, replicas, private_key };
        Ok(Self { sealed, descriptor })
    }

    /// Returns the name of the envelope.
    pub(crate) fn hash(&self) -> EnvelopeHash {
        self.sealed.hash()
    }

    /// Encodes the query to a courier: `message_ciphertext` in the thin client's protocol.
    pub(crate) fn into_query(self) -> Vec<u8> {
        CourierQuery::Envelope(self.sealed).encode()
    }
}

#[cfg(test)]
mod tests {
    use kpthin_bacap::{BoxId, SealedBox, WriteCap};

    use super::*;
    use crate::pigeonhole::boxes;
    use crate::pigeonhole::mkem::PrivateKey;
    use crate::pigeonhole::testing::{entropy, geometry};

    fn seal(message: &InnerMessage, entropy: &mut impl Entropy) -> Result<Envelope, PaddingError> {
        let keys = [5, 6].map(|byte| PrivateKey::from_seed(&[byte; 32]).public_key());
        let [first, second] = &keys;
        let recipients =
            [Recipient { replica: 2, public_key: first }, Recipient { replica: 0, public_key: second }];
        Envelope::seal(geometry(), message, 2951, recipients, entropy)
    }

    #[test]
    fn reads_writes_and_tombstones_look_alike() {
        let cap = WriteCap::from_seed(&[1; 32]);
        let write = boxes::seal(geometry(), &cap, cap.index(), b"message").unwrap();
        let tombstone = boxes::seal(geometry(), &cap, cap.index(), b"").unwrap();
        let read = InnerMessage::Read(write.box_id);
        for message in [read, InnerMessage::Write(write), InnerMessage::Write(tombstone)] {
            let envelope = seal(&message, &mut entropy()).unwrap();
            assert_eq!(envelope.sealed.ciphertext.len(), geometry().mkem_envelope());
            assert_eq!(envelope.sealed.encode().len(), geometry().courier_envelope());
            assert_eq!(envelope.descriptor.to_bytes().len(), 201);
            assert_eq!(envelope.into_query().len(), geometry().courier_query());
        }
    }

    #[test]
    fn the_same_message_never_gives_the_same_envelope() {
        let entropy = &mut entropy();
        let message = InnerMessage::Read(BoxId([1; 32]));
        let (a, b) = (seal(&message, entropy).unwrap(), seal(&message, entropy).unwrap());
        assert_ne!(a.hash(), b.hash());
    }

    #[test]
    fn the_query_names_the_envelope() {
        let envelope = seal(&InnerMessage::Read(BoxId([1; 32])), &mut entropy()).unwrap();
        let hash = envelope.hash();
        let CourierQuery::Envelope(sealed) = CourierQuery::decode(&envelope.into_query()).unwrap() else {
            panic!("an envelope is a query of its own kind")
        };
        assert_eq!(sealed.hash(), hash);
        assert_eq!((sealed.replicas, sealed.replica_epoch, sealed.reply_index), ([2, 0], 2951, 0));
    }

    #[test]
    fn oversized_boxes_do_not_fit() {
        let sealed = |len| SealedBox { box_id: BoxId([1; 32]), ciphertext: vec![0; len], signature: [0; 64] };
        assert!(seal(&InnerMessage::Write(sealed(1569)), &mut entropy()).is_ok());
        assert!(seal(&InnerMessage::Write(sealed(1570)), &mut entropy()).is_err());
    }
}
