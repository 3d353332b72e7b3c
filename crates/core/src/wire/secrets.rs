//! Capabilities, keys and contents: values whose bytes must not show.
//!
//! They print as their name or size only, have no `Display`, and are wiped when dropped. The bytes
//! leave through the named accessors, or through `serde` with the feature of that name.

use alloc::vec::Vec;
use core::{cmp::Ordering, fmt, ops::Deref};

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::cbor::{MemberProblem, Reader, Value, Writer, read_array, read_bytes};

macro_rules! secrets {
    ($( $(#[$doc:meta])* $name:ident[$len:literal]; )*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = $len;

            /// Takes the bytes, whose length must be [`Self::LEN`].
            ///
            /// # Errors
            ///
            /// [`WrongLength`] names both lengths.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, WrongLength> {
                bytes.try_into().map(Self).map_err(|_| WrongLength {
                    what: stringify!($name),
                    len: bytes.len(),
                    expected: $len,
                })
            }

            /// The bytes: whoever has them has the secret.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// A copy of the bytes, for storing.
            #[must_use]
            pub const fn to_bytes(&self) -> [u8; $len] {
                self.0
            }
        }

        impl From<[u8; $len]> for $name {
            fn from(bytes: [u8; $len]) -> Self {
                Self(bytes)
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

secrets! {
    /// Where the next box of a stream lies and how it is encrypted: 104 bytes (§6.2).
    ///
    /// An index opens this box and all later ones, none of the earlier. Indexes are ordered by
    /// their [`counter`](Self::counter) alone, so the order means something within one stream only.
    MessageBoxIndex[104];
    /// The right to read a stream from an index on: 136 bytes (§6.2).
    ReadCap[136];
    /// Mixed into a joiner's capability so that voucher holders cannot follow: 32 bytes (§6.7).
    Salt[32];
    /// What a stream's capabilities are derived from: 32 random bytes (§4.5).
    Seed[32];
    /// This client's name for its session, which lets it resume: 16 random bytes (§3.1).
    SessionToken[16];
    /// An invitation handed over out of band: 32 bytes that read and write its stream (§6.7).
    Voucher[32];
    /// The key a sealed reply is sealed to: 160 bytes (§6.7).
    VoucherPublicKey[160];
    /// The key that opens a sealed reply: 162 bytes (§6.7).
    VoucherSecretKey[162];
    /// The right to write and read a stream from an index on: 168 bytes (§6.2).
    WriteCap[168];
}

macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    )*};
}

redacted!(ReadCap, Salt, Seed, SessionToken, Voucher, VoucherPublicKey, VoucherSecretKey, WriteCap);

/// A byte string of fixed length that has another length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} is {len} bytes long, it must have {expected}")]
#[non_exhaustive]
pub struct WrongLength {
    /// The type that was asked for.
    pub what: &'static str,
    /// The length given, in bytes.
    pub len: usize,
    /// The length required, in bytes.
    pub expected: usize,
}

impl MessageBoxIndex {
    /// The box's number in its stream; streams begin at a random one (§6.2).
    #[must_use]
    pub const fn counter(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl fmt::Debug for MessageBoxIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageBoxIndex(#{})", self.counter())
    }
}

impl PartialOrd for MessageBoxIndex {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By counter, then by bytes so that the order agrees with equality.
impl Ord for MessageBoxIndex {
    fn cmp(&self, other: &Self) -> Ordering {
        self.counter().cmp(&other.counter()).then_with(|| self.0.cmp(&other.0))
    }
}

/// Whether an index can be one of a stream from `own` on: as far as can be seen without walking there.
fn may_follow(own: &MessageBoxIndex, index: &MessageBoxIndex) -> bool {
    match index.counter().cmp(&own.counter()) {
        Ordering::Less => false,
        Ordering::Equal => index == own,
        Ordering::Greater => true,
    }
}

impl ReadCap {
    /// The index the capability begins at (§6.2).
    #[must_use]
    pub fn index(&self) -> MessageBoxIndex {
        let (_, index) = self.0.split_at(32);
        MessageBoxIndex::from_bytes(index).unwrap_or(MessageBoxIndex([0; 104]))
    }

    /// The right to read the same stream from a later index on; every daemon takes it with that index, however far it lies
    /// ahead (M4).
    ///
    /// `None` if the index lies behind the capability's own, or has the same number and is another one. Whether a later index is
    /// one of this stream's is not seen here.
    #[must_use]
    pub fn at(&self, index: &MessageBoxIndex) -> Option<Self> {
        may_follow(&self.index(), index).then(|| {
            let mut cap = self.clone();
            cap.0[32..].copy_from_slice(&index.0);
            cap
        })
    }
}

impl WriteCap {
    /// The index the capability begins at (§6.2).
    #[must_use]
    pub fn index(&self) -> MessageBoxIndex {
        self.read_cap().index()
    }

    /// The right to write and read the same stream from a later index on, as [`ReadCap::at`].
    ///
    /// Not for copy commands: there the index says where the courier begins.
    #[must_use]
    pub fn at(&self, index: &MessageBoxIndex) -> Option<Self> {
        may_follow(&self.index(), index).then(|| {
            let mut cap = self.clone();
            cap.0[64..].copy_from_slice(&index.0);
            cap
        })
    }

    /// The capability to read the same stream (§6.2).
    #[must_use]
    pub fn read_cap(&self) -> ReadCap {
        let (_, read_cap) = self.0.split_at(32);
        ReadCap::from_bytes(read_cap).unwrap_or(ReadCap([0; 136]))
    }
}

/// Bytes of any length that are wiped when dropped and print as their length only.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// The bytes in a vector of the caller's, who then has to wipe it.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        core::mem::take(&mut self.0)
    }
}

impl Deref for SecretBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SecretBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for SecretBytes {
    fn from(bytes: &[u8; N]) -> Self {
        Self(bytes.to_vec())
    }
}

impl From<&str> for SecretBytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl From<alloc::string::String> for SecretBytes {
    fn from(text: alloc::string::String) -> Self {
        Self(text.into_bytes())
    }
}

impl PartialEq<[u8]> for SecretBytes {
    fn eq(&self, other: &[u8]) -> bool {
        self.0 == other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for SecretBytes {
    fn eq(&self, other: &[u8; N]) -> bool {
        self.0 == other
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Value for SecretBytes {
    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        read_bytes(reader).map(Self)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.0);
    }

    fn is_absent(&self) -> bool {
        false
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SecretBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for SecretBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_byte_buf(super::serde_bytes::BytesVisitor)
            .map(|mut bytes| Self(core::mem::take(&mut *bytes)))
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let mut index = [0xab; 104];
        index[..8].copy_from_slice(&17u64.to_le_bytes());
        assert_eq!(format!("{:?}", MessageBoxIndex(index)), "MessageBoxIndex(#17)");
        assert_eq!(format!("{:?}", WriteCap([7; 168])), "WriteCap(..)");
        assert_eq!(format!("{:?}", SessionToken([7; 16])), "SessionToken(..)");
        assert_eq!(format!("{:?}", SecretBytes::from("hello, world")), "12 bytes");
    }

    #[test]
    fn parts_of_a_capability_are_its_slices() {
        let mut bytes = [0; 168];
        bytes.iter_mut().zip(0..).for_each(|(byte, n)| *byte = n);
        let cap = WriteCap(bytes);
        assert_eq!(cap.read_cap().as_bytes()[..], bytes[32..]);
        assert_eq!(cap.index().as_bytes()[..], bytes[64..]);
    }

    #[test]
    fn a_capability_moves_to_later_indexes_only() {
        let index = |counter: u64, rest: u8| {
            let mut bytes = [rest; 104];
            bytes[..8].copy_from_slice(&counter.to_le_bytes());
            MessageBoxIndex(bytes)
        };
        let mut bytes = [9; 168];
        bytes[64..].copy_from_slice(&index(256, 1).0);
        let cap = WriteCap(bytes);
        for (other, moves) in [
            (index(256, 1), true),
            (index(256, 2), false),
            (index(255, 1), false),
            (index(257, 2), true),
            (index(u64::MAX, 2), true),
        ] {
            let moved = cap.at(&other);
            assert_eq!(moved.is_some(), moves, "{other:?}");
            assert_eq!(cap.read_cap().at(&other), moved.as_ref().map(WriteCap::read_cap));
            if let Some(moved) = moved {
                assert_eq!((&moved.0[..64], moved.index()), (&cap.0[..64], other));
            }
        }
    }

    #[test]
    fn a_wrong_length_names_both() {
        let error = ReadCap::from_bytes(&[0; 135]).unwrap_err();
        assert_eq!(format!("{error}"), "ReadCap is 135 bytes long, it must have 136");
    }

    #[test]
    fn indexes_are_ordered_by_counter() {
        let index = |counter: u64| {
            let mut bytes = [0xff; 104];
            bytes[..8].copy_from_slice(&counter.to_le_bytes());
            MessageBoxIndex(bytes)
        };
        assert!(index(255) < index(256));
    }
}
