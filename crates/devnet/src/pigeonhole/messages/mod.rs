//! The binary messages between daemon, couriers and replicas (Pigeonhole backend §3.2, §3.3).
//!
//! Integers are big-endian. A decoder takes the first complete item and ignores what follows, because replies arrive
//! padded with zeros to the size of a packet.

mod courier;
mod reader;
mod replica;

use thiserror::Error;

pub(crate) use courier::{CopyReply, CourierEnvelope, CourierQuery, EnvelopeHash, EnvelopeReply, ReplyType};
pub(crate) use reader::Reader;
pub(crate) use replica::{InnerMessage, ReplicaCode, ReplyInnerMessage};

/// The largest input a decoder looks at, as in the reference.
pub(crate) const INPUT_LEN_MAX: usize = 16 << 20;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum ParseError {
    /// A field has a length that its type cannot have.
    #[error("a key of {0} bytes has the wrong length")]
    KeyLength(usize),
    /// The bytes end before the message does.
    #[error("the message is too short")]
    Short,
    /// There are more bytes than any decoder looks at, or than belong to the one message.
    #[error("the message is too long")]
    TooLong,
    /// The byte that says which kind it is says nothing known.
    #[error("there is no message of type {0}")]
    UnknownType(u8),
}

/// A message with a fixed binary layout.
pub(crate) trait Message: Sized {
    /// Appends the message to `out`.
    fn write(&self, out: &mut Vec<u8>);

    /// Takes the message from the front of `reader`.
    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError>;

    /// Encodes the message alone.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Decodes the first message and ignores the rest.
    fn decode(bytes: &[u8]) -> Result<Self, ParseError> {
        Self::read(&mut Reader::new(bytes)?)
    }

    /// Decodes a message that must fill the bytes, as those in a copy stream must.
    fn decode_exact(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut reader = Reader::new(bytes)?;
        let message = Self::read(&mut reader)?;
        if reader.is_empty() { Ok(message) } else { Err(ParseError::TooLong) }
    }
}

/// Appends a length of four bytes and the bytes themselves.
fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // No message comes near the limit; a length that lies is refused by every decoder.
    out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(bytes);
}

#[cfg(test)]
mod tests {
    use core::fmt::Debug;

    use super::courier::CourierQueryReply;
    use super::replica::StoredBox;
    use super::*;
    use crate::pigeonhole::testing::{entries, hex};

    const FILE: &str = include_str!("../../../tests/vectors/copy_stream.json");

    /// Decodes by the name of the type and encodes again.
    fn recode(kind: &str, bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
        fn via<M: Message + Debug + PartialEq>(bytes: &[u8]) -> Result<Vec<u8>, ParseError> {
            let message = M::decode(bytes)?;
            let padded = [bytes, &[0; 9]].concat();
            assert_eq!(M::decode(&padded).as_ref(), Ok(&message));
            assert_eq!(M::decode_exact(bytes).as_ref(), Ok(&message));
            assert_eq!(M::decode_exact(&padded), Err(ParseError::TooLong));
            for end in 0..bytes.len() {
                assert_eq!(M::decode(&bytes[..end]), Err(ParseError::Short), "{end}");
            }
            Ok(message.encode())
        }
        match kind {
            "box" => via::<StoredBox>(bytes),
            "courier_query" => via::<CourierQuery>(bytes),
            "courier_query_reply" => via::<CourierQueryReply>(bytes),
            "replica_inner_message" => via::<InnerMessage>(bytes),
            "replica_message_reply_inner_message" => via::<ReplyInnerMessage>(bytes),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn messages_of_the_reference_come_back_unchanged() {
        for entry in entries(FILE, "messages", 21) {
            let bytes = hex(&entry, "encoding");
            let recoded = recode(entry["type"].as_str().unwrap(), &bytes);
            assert_eq!(recoded.as_ref(), Ok(&bytes), "{}", entry["name"]);
            assert_eq!(bytes.len() as u64, entry["length"].as_u64().unwrap());
        }
    }

    #[test]
    fn what_the_reference_rejects_is_rejected() {
        for entry in entries(FILE, "messages_rejected", 12) {
            let recoded = recode(entry["type"].as_str().unwrap(), &hex(&entry, "encoding"));
            assert!(recoded.is_err(), "{}", entry["name"]);
        }
    }

    #[test]
    fn inputs_above_the_limit_are_rejected() {
        let mut bytes = ReplyInnerMessage::Write(ReplicaCode::SUCCESS).encode();
        bytes.resize(INPUT_LEN_MAX, 0);
        assert!(ReplyInnerMessage::decode(&bytes).is_ok());
        bytes.push(0);
        assert_eq!(ReplyInnerMessage::decode(&bytes), Err(ParseError::TooLong));
    }
}
