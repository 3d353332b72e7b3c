//! What a client keeps to open the answer to its envelope later (thin client protocol §6.4).

use ciborium::Value;
use thiserror::Error;
use zeroize::Zeroizing;

use super::messages::{Message, ReplyInnerMessage};
use super::mkem::{self, PrivateKey, PublicKey};
use super::padding;

/// The bytes are no descriptor.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the envelope descriptor is malformed")]
pub(crate) struct DescriptorError;

/// Why an answer does not open.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ReplyError {
    /// None of the replicas' keys opens it.
    #[error("the answer was not encrypted by one of the replicas")]
    Decrypt,
    /// It opens, but holds no answer.
    #[error("the answer is malformed")]
    Malformed,
}

/// The private key of an envelope, and to whom it went.
///
/// It is all that is needed beside the keys in the directory: no daemon has to remember the envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Descriptor {
    /// The replica epoch of the two replicas' keys.
    pub(crate) replica_epoch: u64,
    /// The numbers of the two replicas.
    pub(crate) replicas: [u8; 2],
    /// The key that opens the answer.
    pub(crate) private_key: PrivateKey,
}

impl Descriptor {
    /// Encodes the descriptor; the bytes are as secret as the answer.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let map = [
            ("Epoch", Value::from(self.replica_epoch)),
            ("ReplicaNums", Value::from(self.replicas.as_slice())),
            ("EnvelopeKey", Value::from(self.private_key.as_bytes().as_slice())),
        ];
        let map = map.map(|(name, value)| (Value::from(name), value));
        let mut bytes = Vec::with_capacity(208);
        #[expect(clippy::expect_used, reason = "a vector takes everything, and a map is always encodable")]
        ciborium::into_writer(&Value::Map(map.into()), &mut bytes).expect("writing to a vector");
        bytes
    }

    /// Decodes a descriptor; members may come in any order, unknown ones are ignored.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DescriptorError> {
        let mut rest = bytes;
        let value: Value = ciborium::from_reader(&mut rest).map_err(|_| DescriptorError)?;
        if !rest.is_empty() {
            return Err(DescriptorError);
        }
        Self::from_value(&value).ok_or(DescriptorError)
    }

    fn from_value(value: &Value) -> Option<Self> {
        let map = value.as_map()?;
        let member = |name| {
            let found = map.iter().find(|(key, _)| key.as_text() == Some(name));
            found.map(|(_, value)| value)
        };
        Some(Self {
            replica_epoch: member("Epoch")?.as_integer()?.try_into().ok()?,
            replicas: member("ReplicaNums")?.as_bytes()?.as_slice().try_into().ok()?,
            private_key: PrivateKey::from_bytes(member("EnvelopeKey")?.as_bytes()?)?,
        })
    }

    /// Opens the encrypted answer of a replica.
    ///
    /// `keys` are the public keys that the descriptor's replicas have for its epoch in the *current* document.
    pub(crate) fn open_reply(
        &self,
        keys: &[PublicKey],
        payload: &[u8],
    ) -> Result<ReplyInnerMessage, ReplyError> {
        let padded = keys
            .iter()
            .find_map(|key| mkem::decrypt_reply(&self.private_key, key, payload).ok())
            .map(Zeroizing::new)
            .ok_or(ReplyError::Decrypt)?;
        let reply = padding::unpad(&padded).map_err(|_| ReplyError::Malformed)?;
        ReplyInnerMessage::decode(reply).map_err(|_| ReplyError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::entropy;

    fn descriptor() -> Descriptor {
        Descriptor { replica_epoch: 2951, replicas: [3, 1], private_key: PrivateKey::from_seed(&[5; 32]) }
    }

    #[test]
    fn descriptors_have_the_size_and_shape_of_the_reference() {
        let bytes = descriptor().to_bytes();
        assert_eq!(bytes.len(), 201);
        assert_eq!(bytes[..10], *b"\xa3\x65Epoch\x19\x0b\x87");
        assert_eq!(bytes[10..25], *b"\x6bReplicaNums\x42\x03\x01");
        assert_eq!(bytes[25..39], *b"\x6bEnvelopeKey\x58\xa2");
        assert_eq!(Descriptor::from_bytes(&bytes), Ok(descriptor()));
    }

    #[test]
    fn order_and_unknown_members_do_not_matter() {
        let value: Value = ciborium::from_reader(descriptor().to_bytes().as_slice()).unwrap();
        let mut map = value.into_map().unwrap();
        map.reverse();
        map.push((Value::from(1), Value::from("unknown")));
        let mut bytes = Vec::new();
        ciborium::into_writer(&Value::Map(map), &mut bytes).unwrap();
        assert_eq!(Descriptor::from_bytes(&bytes), Ok(descriptor()));
    }

    #[test]
    fn damaged_descriptors_are_refused() {
        let bytes = descriptor().to_bytes();
        for len in 0..bytes.len() {
            assert_eq!(Descriptor::from_bytes(&bytes[..len]), Err(DescriptorError), "{len}");
        }
        assert_eq!(Descriptor::from_bytes(&[&bytes[..], &[0]].concat()), Err(DescriptorError));
        for at in 0..39 {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x80;
            let decoded = Descriptor::from_bytes(&bytes);
            assert_ne!(decoded, Ok(descriptor()), "{at}");
        }
        let mut nested = vec![0x81; 100_000];
        nested.push(0);
        assert_eq!(Descriptor::from_bytes(&nested), Err(DescriptorError));
    }

    #[test]
    fn what_opens_must_be_an_answer() {
        let (descriptor, replica) = (descriptor(), PrivateKey::from_seed(&[6; 32]));
        let sender = descriptor.private_key.public_key();
        let seal = |bytes: &[u8]| mkem::encrypt_reply(&replica, &sender, bytes, &mut entropy());
        let keys = [sender.clone(), replica.public_key()];
        let open = |payload: &[u8]| descriptor.open_reply(&keys, payload);
        assert_eq!(open(&seal(b"\0\0\0\x02\x01\x0a")).unwrap().encode(), [1, 10]);
        assert_eq!(open(&seal(b"\0\0\0\x03\x01\x0a")), Err(ReplyError::Malformed));
        assert_eq!(open(&seal(b"\0\0\0\x01\x01\x0a")), Err(ReplyError::Malformed));
        assert_eq!(open(b""), Err(ReplyError::Decrypt));
        assert_eq!(descriptor.open_reply(&keys[..1], &seal(b"")), Err(ReplyError::Decrypt));
    }
}
