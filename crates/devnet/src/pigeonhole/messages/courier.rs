//! What a daemon and a courier say to each other.

use core::fmt;

use blake2::{Blake2b256, Digest};
use zeroize::Zeroizing;

use super::{Message, ParseError, Reader, write_bytes};
use crate::pigeonhole::mkem::{PUBLIC_KEY_LEN, PublicKey, WRAPPED_KEY_LEN};

/// The name of an envelope: a hash of what is fresh in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EnvelopeHash(pub(crate) [u8; 32]);

impl fmt::Debug for EnvelopeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "EnvelopeHash({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A message for two replicas, encrypted so that the courier in between cannot read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CourierEnvelope {
    /// The numbers of the two replicas.
    pub(crate) replicas: [u8; 2],
    /// The key of the message, encrypted to each of the two.
    pub(crate) wrapped_keys: [[u8; WRAPPED_KEY_LEN]; 2],
    /// Whose answer is wanted; always 0.
    pub(crate) reply_index: u8,
    /// The replica epoch of the two replicas' keys.
    pub(crate) replica_epoch: u64,
    /// The fresh public key of the sender.
    pub(crate) sender_public_key: PublicKey,
    /// The encrypted message.
    pub(crate) ciphertext: Vec<u8>,
}

impl CourierEnvelope {
    /// Computes the name of the envelope.
    pub(crate) fn hash(&self) -> EnvelopeHash {
        let hasher =
            Blake2b256::new().chain_update(self.sender_public_key.as_bytes()).chain_update(&self.ciphertext);
        EnvelopeHash(hasher.finalize().into())
    }
}

impl Message for CourierEnvelope {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.replicas);
        out.extend(self.wrapped_keys.as_flattened());
        out.push(self.reply_index);
        out.extend(self.replica_epoch.to_be_bytes());
        const { assert!(PUBLIC_KEY_LEN == 160) };
        out.extend(160u16.to_be_bytes());
        out.extend(self.sender_public_key.as_bytes());
        write_bytes(&self.ciphertext, out);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            replicas: reader.array()?,
            wrapped_keys: [reader.array()?, reader.array()?],
            reply_index: reader.byte()?,
            replica_epoch: reader.array().map(u64::from_be_bytes)?,
            sender_public_key: {
                let len = usize::from(reader.array().map(u16::from_be_bytes)?);
                if len != PUBLIC_KEY_LEN {
                    return Err(ParseError::KeyLength(len));
                }
                PublicKey::from_bytes(reader.array()?)
            },
            ciphertext: reader.bytes()?.to_vec(),
        })
    }
}

/// What a daemon asks of a courier.
#[derive(Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "lives only between two calls, and is nearly always the large one"
)]
pub(crate) enum CourierQuery {
    /// Pass a message to replicas, or hand out the answer to it.
    Envelope(CourierEnvelope),
    /// Carry out the stream that this write capability leads to, which may be no capability at all.
    Copy(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for CourierQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Envelope(envelope) => f.debug_tuple("Envelope").field(&envelope.hash()).finish(),
            Self::Copy(_) => f.write_str("Copy(..)"),
        }
    }
}

impl Message for CourierQuery {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Envelope(envelope) => {
                out.push(0);
                envelope.write(out);
            }
            Self::Copy(write_cap) => {
                out.push(1);
                write_bytes(write_cap, out);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.byte()? {
            0 => CourierEnvelope::read(reader).map(Self::Envelope),
            1 => Ok(Self::Copy(Zeroizing::new(reader.bytes()?.to_vec()))),
            other => Err(ParseError::UnknownType(other)),
        }
    }
}

/// How far a courier got with an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyType {
    /// The courier has the envelope, but no answer yet.
    Ack,
    /// Here is the answer of a replica.
    Payload,
}

/// A courier's answer to an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvelopeReply {
    /// Which envelope.
    pub(crate) envelope_hash: EnvelopeHash,
    /// Whose answer it is: 0 or 1.
    pub(crate) reply_index: u8,
    /// How far the courier got.
    pub(crate) reply_type: ReplyType,
    /// The encrypted answer of the replica; empty in an ACK.
    pub(crate) payload: Vec<u8>,
    /// A courier error, 0 for none.
    pub(crate) error: u8,
}

impl Message for EnvelopeReply {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.envelope_hash.0);
        out.push(self.reply_index);
        out.push(match self.reply_type {
            ReplyType::Ack => 0,
            ReplyType::Payload => 1,
        });
        write_bytes(&self.payload, out);
        out.push(self.error);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            envelope_hash: EnvelopeHash(reader.array()?),
            reply_index: reader.byte()?,
            reply_type: match reader.byte()? {
                0 => ReplyType::Ack,
                1 => ReplyType::Payload,
                other => return Err(ParseError::UnknownType(other)),
            },
            payload: reader.bytes()?.to_vec(),
            error: reader.byte()?,
        })
    }
}

/// A courier's answer to a copy command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CopyReply {
    /// One of the constants of this type.
    pub(crate) status: u8,
    /// Why it failed: a replica code, 0 if none was the reason.
    pub(crate) replica_code: u8,
    /// The number of the envelope that failed, from 1; 0 if none did.
    pub(crate) failed_envelope_index: u64,
}

impl CopyReply {
    /// Every envelope was carried out.
    pub(crate) const SUCCEEDED: u8 = 0;
    /// The courier is at it.
    pub(crate) const IN_PROGRESS: u8 = 1;
    /// An envelope failed, and those before it have taken effect.
    pub(crate) const FAILED: u8 = 2;
}

impl Message for CopyReply {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.status, self.replica_code]);
        out.extend(self.failed_envelope_index.to_be_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self {
            status: reader.byte()?,
            replica_code: reader.byte()?,
            failed_envelope_index: reader.array().map(u64::from_be_bytes)?,
        })
    }
}

/// What a courier answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CourierQueryReply {
    /// To an envelope.
    Envelope(EnvelopeReply),
    /// To a copy command.
    Copy(CopyReply),
}

impl Message for CourierQueryReply {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Envelope(reply) => {
                out.push(0);
                reply.write(out);
            }
            Self::Copy(reply) => {
                out.push(1);
                reply.write(out);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.byte()? {
            0 => EnvelopeReply::read(reader).map(Self::Envelope),
            1 => CopyReply::read(reader).map(Self::Copy),
            other => Err(ParseError::UnknownType(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::{entries, hex};

    #[test]
    fn envelope_hash_is_that_of_the_reference() {
        let file = include_str!("../../../tests/vectors/copy_stream.json");
        let mut seen = 0;
        for entry in entries(file, "messages", 21) {
            if entry["envelope_hash"].is_null() {
                continue;
            }
            let query = CourierQuery::decode(&hex(&entry, "encoding")).unwrap();
            let CourierQuery::Envelope(envelope) = query else { panic!("{}", entry["name"]) };
            assert_eq!(envelope.hash().0.as_slice(), hex(&entry, "envelope_hash"));
            seen += 1;
        }
        assert_eq!(seen, 2);
    }

    #[test]
    fn fields_are_in_the_order_of_the_reference() {
        let file = include_str!("../../../tests/vectors/copy_stream.json");
        let entry = &entries(file, "messages", 21)[0];
        let query = CourierQuery::decode(&hex(entry, "encoding")).unwrap();
        let CourierQuery::Envelope(envelope) = query else { panic!() };
        let fields = &entry["fields"];
        assert_eq!(serde_json::json!(envelope.replicas), fields["replicas"]);
        assert_eq!(envelope.wrapped_keys[0].as_slice(), hex(fields, "dek1"));
        assert_eq!(envelope.wrapped_keys[1].as_slice(), hex(fields, "dek2"));
        assert_eq!(envelope.replica_epoch, fields["replica_epoch"].as_u64().unwrap());
        let key = envelope.sender_public_key.as_bytes();
        assert_eq!(key.as_slice(), hex(fields, "sender_public_key"));
        assert_eq!(envelope.ciphertext, hex(fields, "ciphertext"));
    }
}
