//! How one member's value is read and written, per Rust type.
#![expect(clippy::wildcard_enum_match_arm, reason = "headers that do not fit are all refused alike")]

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use ciborium_ll::Header;

use super::{CONTAINER_LEN_MAX, CborError, MemberProblem, Reader, Writer};

/// A type that can stand as a member of a message.
pub(crate) trait Value: Sized {
    /// What `null` or absence means, or `None` if the member is required.
    fn absent() -> Option<Self>;

    /// Reads a value that is not `null`.
    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem>;

    /// Appends the value, `null` for one that is not set.
    fn write(&self, writer: &mut Writer<'_>);

    /// Whether a request may leave the member out.
    fn is_absent(&self) -> bool {
        false
    }
}

impl<T: Value> Value for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        T::read(reader).map(Some)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Some(value) => value.write(writer),
            None => writer.null(),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

/// A missing flag reads as false, which is what the reference's zero value means (§2.1).
impl Value for bool {
    fn absent() -> Option<Self> {
        Some(false)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        match reader.header()? {
            Header::Simple(20) => Ok(false),
            Header::Simple(21) => Ok(true),
            _ => Err(MemberProblem::WrongType { expected: "boolean" }),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.head(Header::Simple(if *self { 21 } else { 20 }));
    }
}

macro_rules! unsigned {
    ($($int:ty),*) => {$(
        /// A missing number reads as zero, the reference's zero value (§2.1).
        impl Value for $int {
            fn absent() -> Option<Self> {
                Some(0)
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
                let expected = concat!("unsigned integer (", stringify!($int), ")");
                match reader.header()? {
                    Header::Positive(value) => {
                        Self::try_from(value).map_err(|_| MemberProblem::WrongType { expected })
                    }
                    _ => Err(MemberProblem::WrongType { expected }),
                }
            }

            fn write(&self, writer: &mut Writer<'_>) {
                writer.head(Header::Positive((*self).into()));
            }
        }
    )*};
}

unsigned!(u8, u32, u64);

impl Value for i64 {
    fn absent() -> Option<Self> {
        Some(0)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        let wrong = MemberProblem::WrongType { expected: "integer (i64)" };
        match reader.header()? {
            Header::Positive(value) => Self::try_from(value).map_err(|_| wrong),
            // The head of a negative integer holds -1 - value.
            Header::Negative(value) => Self::try_from(value).map(|value| -1 - value).map_err(|_| wrong),
            _ => Err(wrong),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.head(match u64::try_from(*self) {
            Ok(value) => Header::Positive(value),
            Err(_) => Header::Negative((-1 - *self).unsigned_abs()),
        });
    }
}

/// Rates are floats; whole ones may come as integers.
impl Value for f64 {
    fn absent() -> Option<Self> {
        Some(0.0)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        match reader.header()? {
            Header::Float(value) => Ok(value),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a rate above 2^53 per millisecond has no meaning"
            )]
            Header::Positive(value) => Ok(value as Self),
            _ => Err(MemberProblem::WrongType { expected: "float" }),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.head(Header::Float(*self));
    }
}

impl Value for String {
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        match reader.header()? {
            Header::Text(len) => Ok(reader.owned_text(len)?),
            _ => Err(MemberProblem::WrongType { expected: "text string" }),
        }
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.text(self);
    }
}

impl<T: Value> Value for Vec<T> {
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        let mut items = Self::new();
        read_list(&mut items, reader, read_or_absent)?;
        Ok(items)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.array(self.len());
        for item in self {
            item.write(writer);
        }
    }
}

/// Written in canonical order: the shortest key first, then by bytes (§2.1).
impl<K: Value + Ord, V: Value> Value for BTreeMap<K, V> {
    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        let Ok(len) = reader.map() else {
            return Err(MemberProblem::WrongType { expected: "map" });
        };
        reader.enter()?;
        let mut map = Self::new();
        let mut read = 0;
        while reader.more(len, read)? {
            reader.charge(entry_size::<K, V>(read))?;
            let key = K::read(reader)?;
            let value = read_or_absent(reader)?;
            if map.insert(key, value).is_some() {
                return Err(MemberProblem::Duplicate);
            }
            read += 1;
        }
        reader.leave();
        Ok(map)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        let mut pairs: Vec<_> = self
            .iter()
            .map(|(key, value)| {
                let mut bytes = Vec::new();
                key.write(&mut Writer::new(&mut bytes));
                (bytes, value)
            })
            .collect();
        pairs.sort_unstable_by(|(a, _), (b, _)| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        writer.map(pairs.len());
        for (key, value) in pairs {
            writer.raw(&key);
            value.write(writer);
        }
    }
}

/// Appends the elements of an array, each of which `read` takes off the reader, `null` or not.
pub(crate) fn read_list<T>(
    items: &mut Vec<T>,
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&mut Reader<'_>) -> Result<T, MemberProblem>,
) -> Result<(), MemberProblem> {
    let Header::Array(len) = reader.header()? else {
        return Err(MemberProblem::WrongType { expected: "array" });
    };
    reader.enter()?;
    if let (Some(len), true) = (len, items.is_empty()) {
        // Each is a byte at least, so a length that was merely declared reserves nothing beyond.
        reserve(items, len.min(reader.rest_len()).min(CONTAINER_LEN_MAX), reader)?;
    }
    let mut count = 0;
    while reader.more(len, count)? {
        if items.len() == items.capacity() {
            reserve(items, items.len().max(4), reader)?;
        }
        items.push(read(reader)?);
        count += 1;
    }
    reader.leave();
    Ok(())
}

/// Makes room for so many more elements.
fn reserve<T>(items: &mut Vec<T>, more: usize, reader: &mut Reader<'_>) -> Result<(), CborError> {
    // While they are moved, both places are there.
    let len = items.len().saturating_add(more);
    reader.charge(len.saturating_mul(size_of::<T>()))?;
    items.reserve_exact(more);
    Ok(())
}

/// What a further pair takes in a tree that has `len` of them.
///
/// The standard library's has nodes of eleven, which are half empty after a split; above every six leaves at most there is one
/// more node, which points to them.
const fn entry_size<K, V>(len: usize) -> usize {
    const NODE: usize = 11;
    let pair = size_of::<K>() + size_of::<V>();
    match len {
        0 => NODE * pair + 32,
        1..NODE => 0,
        _ => (5 * pair).div_ceil(2) + 32,
    }
}

/// Reads a value that may be `null`.
fn read_or_absent<T: Value>(reader: &mut Reader<'_>) -> Result<T, MemberProblem> {
    if reader.take_null()? { T::absent().ok_or(MemberProblem::Missing) } else { T::read(reader) }
}

/// Reads a byte string of exactly `N` bytes.
pub(crate) fn read_array<const N: usize>(reader: &mut Reader<'_>) -> Result<[u8; N], MemberProblem> {
    let Header::Bytes(len) = reader.header()? else {
        return Err(MemberProblem::WrongType { expected: "byte string" });
    };
    let bytes = reader.bytes(len)?;
    bytes.as_ref().try_into().map_err(|_| MemberProblem::Length { len: bytes.len(), expected: N })
}

/// Reads a byte string of any length.
pub(crate) fn read_bytes(reader: &mut Reader<'_>) -> Result<Vec<u8>, MemberProblem> {
    match reader.header()? {
        Header::Bytes(len) => Ok(reader.owned_bytes(len)?),
        _ => Err(MemberProblem::WrongType { expected: "byte string" }),
    }
}

/// A nested item was scanned before it is read, so this does not happen; it must still be said.
impl From<CborError> for MemberProblem {
    fn from(error: CborError) -> Self {
        Self::Cbor(error)
    }
}
