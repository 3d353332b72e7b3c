//! What is said to a replica inside an envelope, what it answers, and what it stores.

use core::fmt;

use kpthin_bacap::{BoxId, SealedBox};

use super::{Message, ParseError, Reader, write_bytes};

/// How an operation at a replica ended (thin client protocol §5.2).
///
/// Any byte can arrive, so it is open; the constants are those with a meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReplicaCode(pub(crate) u8);

impl ReplicaCode {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const BOX_ID_NOT_FOUND: Self = Self(1);
    pub(crate) const INVALID_BOX_ID: Self = Self(2);
    pub(crate) const INVALID_SIGNATURE: Self = Self(3);
    pub(crate) const DATABASE_FAILURE: Self = Self(4);
    pub(crate) const INVALID_PAYLOAD: Self = Self(5);
    pub(crate) const STORAGE_FULL: Self = Self(6);
    pub(crate) const INTERNAL_ERROR: Self = Self(7);
    pub(crate) const INVALID_EPOCH: Self = Self(8);
    pub(crate) const REPLICATION_FAILED: Self = Self(9);
    pub(crate) const BOX_ALREADY_EXISTS: Self = Self(10);
    pub(crate) const TOMBSTONE: Self = Self(11);
}

impl fmt::Debug for ReplicaCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplicaCode({})", self.0)
    }
}

/// What a replica is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InnerMessage {
    /// Hand out a box.
    Read(BoxId),
    /// Store a box, or delete it if the ciphertext is empty.
    Write(SealedBox),
}

impl InnerMessage {
    /// Returns the box it is about.
    pub(crate) const fn box_id(&self) -> BoxId {
        match self {
            Self::Read(box_id) => *box_id,
            Self::Write(sealed) => sealed.box_id,
        }
    }
}

impl Message for InnerMessage {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Read(box_id) => {
                out.push(0);
                out.extend(box_id.0);
            }
            Self::Write(sealed) => {
                out.push(1);
                write_sealed(sealed, out);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.byte()? {
            0 => reader.array().map(BoxId).map(Self::Read),
            1 => read_sealed(reader).map(Self::Write),
            other => Err(ParseError::UnknownType(other)),
        }
    }
}

/// What a replica answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ReplyInnerMessage {
    /// To a read: the code, and the box if there is one.
    Read(ReplicaCode, SealedBox),
    /// To a write or tombstone.
    Write(ReplicaCode),
}

impl ReplyInnerMessage {
    /// Returns how the operation ended.
    pub(crate) const fn code(&self) -> ReplicaCode {
        match self {
            Self::Read(code, _) | Self::Write(code) => *code,
        }
    }
}

impl Message for ReplyInnerMessage {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Read(code, sealed) => {
                out.extend([0, code.0]);
                write_sealed(sealed, out);
            }
            Self::Write(code) => out.extend([1, code.0]),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        match reader.byte()? {
            0 => Ok(Self::Read(ReplicaCode(reader.byte()?), read_sealed(reader)?)),
            1 => Ok(Self::Write(ReplicaCode(reader.byte()?))),
            other => Err(ParseError::UnknownType(other)),
        }
    }
}

/// A box on the disk of a replica, or on its way to another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredBox(pub(crate) SealedBox);

impl Message for StoredBox {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.0.box_id.0);
        write_bytes(&self.0.ciphertext, out);
        out.extend(self.0.signature);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, ParseError> {
        Ok(Self(SealedBox {
            box_id: BoxId(reader.array()?),
            ciphertext: reader.bytes()?.to_vec(),
            signature: reader.array()?,
        }))
    }
}

/// Messages have the signature in front of the ciphertext, stored boxes behind it.
fn write_sealed(sealed: &SealedBox, out: &mut Vec<u8>) {
    out.extend(sealed.box_id.0);
    out.extend(sealed.signature);
    write_bytes(&sealed.ciphertext, out);
}

fn read_sealed(reader: &mut Reader<'_>) -> Result<SealedBox, ParseError> {
    Ok(SealedBox {
        box_id: BoxId(reader.array()?),
        signature: reader.array()?,
        ciphertext: reader.bytes()?.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::{entries, hex};

    #[test]
    fn fields_are_in_the_order_of_the_reference() {
        let file = include_str!("../../../tests/vectors/copy_stream.json");
        let entries = entries(file, "messages", 21);
        let entry = entries.iter().find(|entry| entry["name"] == "write").unwrap();
        let message = InnerMessage::decode(&hex(entry, "encoding")).unwrap();
        let InnerMessage::Write(sealed) = message else { panic!() };
        let fields = &entry["fields"];
        assert_eq!(sealed.box_id.0.as_slice(), hex(fields, "box_id"));
        assert_eq!(sealed.signature.as_slice(), hex(fields, "signature"));
        assert_eq!(sealed.ciphertext, hex(fields, "payload"));
    }
}
