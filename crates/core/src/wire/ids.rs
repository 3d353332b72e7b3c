//! Identifiers and hashes: fixed-length values that hide nothing.

use alloc::vec::Vec;
use core::fmt;

use blake2::{Blake2b, Digest, digest::consts::U32};

use super::WriteCap;
use crate::cbor::{MemberProblem, Reader, Value, Writer, read_array};

macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident[$len:literal]; )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = $len;

            /// The bytes as they stand on the wire.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
        }

        /// Prints the bytes in hexadecimal.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl Value for $name {
            fn absent() -> Option<Self> {
                None
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
                read_array(reader).map(Self)
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.bytes(&self.0);
            }
        }

        $crate::wire::bytes_serde!($name, $len);
    )*};
}

ids! {
    /// The daemon's name for a connection's session; informational (§3.1).
    AppId[16];
    /// What couriers and cancels know an envelope by: 32 bytes that came with it (§6.3).
    EnvelopeHash[32];
    /// A node's name in the protocol: BLAKE2b-256 of its identity key (§7.3).
    IdentityHash[32];
    /// The daemon process's random mark, new at every start (§3.1).
    InstanceToken[16];
    /// An optional label of a message, echoed and not used otherwise (§4.4).
    MessageId[16];
    /// What ties a reply to its request (§3.1).
    QueryId[16];
    /// What ties a message's reply to the message; it leaves the machine (§3.1).
    SurbId[16];
    /// What cancels a copy command: BLAKE2b-256 of its write capability (§4.10).
    WriteCapHash[32];
}

impl IdentityHash {
    /// Hashes a node's identity key.
    #[must_use]
    pub fn of_key(identity_key: &[u8]) -> Self {
        Self(blake2b_256(identity_key))
    }
}

impl WriteCapHash {
    /// Hashes the write capability of a copy command's temporary stream.
    #[must_use]
    pub fn of(write_cap: &WriteCap) -> Self {
        Self(blake2b_256(write_cap.as_bytes()))
    }
}

/// BLAKE2b with a 32-byte output, the protocol's only hash.
fn blake2b_256(bytes: &[u8]) -> [u8; 32] {
    Blake2b::<U32>::digest(bytes).into()
}

/// The queue of a service on its node: 1 to 32 bytes, for example `+echo` (§4.4).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(Vec<u8>);

impl QueueId {
    /// The longest queue id in bytes.
    pub const LEN_MAX: usize = 32;

    /// Takes the bytes of a queue id, or `None` unless there are 1 to 32 of them.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let bytes = bytes.into();
        (1..=Self::LEN_MAX).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The bytes, usually readable text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Prints the text, with what is not readable escaped.
impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QueueId({self})")
    }
}

impl Value for QueueId {
    fn absent() -> Option<Self> {
        None
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        let bytes = crate::cbor::read_bytes(reader)?;
        let len = bytes.len();
        Self::new(bytes).ok_or(MemberProblem::Length { len, expected: Self::LEN_MAX })
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.0);
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for QueueId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for QueueId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_byte_buf(super::serde_bytes::BytesVisitor)?;
        Self::new(bytes.as_slice())
            .ok_or_else(|| serde::de::Error::invalid_length(bytes.len(), &"1 to 32 bytes"))
    }
}
