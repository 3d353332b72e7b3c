//! Maps with named members: how a struct becomes one and comes back.

use super::{CborError, Reader, Value, Writer};

/// Why a member of a well-formed map cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberProblem {
    /// The value is not well-formed CBOR.
    #[error("malformed: {0}")]
    Cbor(CborError),
    /// The member stands there more than once.
    #[error("duplicate")]
    Duplicate,
    /// A byte string of fixed length has another length.
    #[error("{len} bytes long instead of {expected}")]
    Length {
        /// The length received, in bytes.
        len: usize,
        /// The length required, in bytes.
        expected: usize,
    },
    /// The member is `null` or absent, and its message means nothing without it.
    #[error("missing")]
    Missing,
    /// The value has another type, or is an integer out of range.
    #[error("not of type {expected}")]
    WrongType {
        /// The type required.
        expected: &'static str,
    },
}

/// A problem and the member that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemberFault {
    pub(crate) member: &'static str,
    pub(crate) problem: MemberProblem,
}

impl MemberFault {
    /// The fault as that of the member which holds the faulty map.
    pub(crate) const fn within(self) -> MemberProblem {
        self.problem
    }
}

/// A struct that is a map on the wire.
pub(crate) trait Member: Sized {
    /// Reads the map, ignoring members it does not know.
    fn read_map(reader: &mut Reader<'_>) -> Result<Self, MemberFault>;

    /// How many members [`Self::write_members`] writes.
    fn member_count(&self, unset: Unset) -> usize;

    /// Appends the members, without the head of the map.
    fn write_members(&self, unset: Unset, writer: &mut Writer<'_>);
}

/// What becomes of members that are not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unset {
    /// They are left out: requests, as the Rust and Python clients send them.
    Omit,
    /// They are written as `null`: responses, since strict clients look for every key (§2.3).
    Null,
}

/// A member that was or was not met while a map is read.
pub(crate) fn set<T: Value>(
    slot: &mut Option<T>,
    member: &'static str,
    reader: &mut Reader<'_>,
) -> Result<(), MemberFault> {
    let fault = |problem| MemberFault { member, problem };
    if slot.is_some() {
        return Err(fault(MemberProblem::Duplicate));
    }
    match reader.take_null() {
        // Counts as met, or a second occurrence would silently replace the first.
        Ok(true) => {
            *slot = T::absent();
            Ok(())
        }
        Ok(false) => {
            *slot = Some(T::read(reader).map_err(fault)?);
            Ok(())
        }
        Err(error) => Err(fault(error.into())),
    }
}

/// The value of a member once the whole map was read.
pub(crate) fn unset<T: Value>(slot: Option<T>, member: &'static str) -> Result<T, MemberFault> {
    slot.or_else(T::absent).ok_or(MemberFault { member, problem: MemberProblem::Missing })
}

/// Runs `visit` for every member with a text key; other keys are passed over with their values.
///
/// `visit` has to take the value off the reader, with [`set`] or [`skip`].
pub(crate) fn members<'a>(
    reader: &mut Reader<'a>,
    mut visit: impl FnMut(&str, &mut Reader<'a>) -> Result<(), MemberFault>,
) -> Result<(), MemberFault> {
    let outer = |error: CborError| MemberFault { member: "", problem: error.into() };
    let len = reader
        .map()
        .map_err(|_| MemberFault { member: "", problem: MemberProblem::WrongType { expected: "map" } })?;
    let mut read = 0;
    while reader.more(len, read).map_err(outer)? {
        match reader.key().map_err(outer)? {
            Some(key) => visit(&key, reader)?,
            None => reader.skip().map_err(outer)?,
        }
        read += 1;
    }
    Ok(())
}

/// Passes over the value of a member that nobody knows.
pub(crate) fn skip(reader: &mut Reader<'_>) -> Result<(), MemberFault> {
    reader.skip().map_err(|error| MemberFault { member: "", problem: error.into() })
}

/// A struct nested as a value.
impl<T: Member> Value for T {
    fn absent() -> Option<Self> {
        None
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, MemberProblem> {
        Self::read_map(reader).map_err(MemberFault::within)
    }

    fn write(&self, writer: &mut Writer<'_>) {
        writer.map(self.member_count(Unset::Null));
        self.write_members(Unset::Null, writer);
    }
}

/// Declares structs that are maps on the wire.
///
/// A member's key is the field's name, or the text after `as`; one that is marked `optional` behind it is left out
/// wherever it is not set.
macro_rules! message {
    ($(
        $(#[$doc:meta])*
        $vis:vis struct $name:ident {
            $( $(#[$field_doc:meta])* $field_vis:vis $field:ident: $type:ty $(as $key:literal $($optional:ident)?)?, )*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $( $(#[$field_doc])* $field_vis $field: $type, )*
        }

        impl $crate::cbor::Member for $name {
            fn read_map(
                reader: &mut $crate::cbor::Reader<'_>,
            ) -> Result<Self, $crate::cbor::MemberFault> {
                $( let mut $field: Option<$type> = None; )*
                $crate::cbor::members(reader, |key, value| match key {
                    $( $crate::cbor::message!(@key $field $($key)?) => {
                        $crate::cbor::set(&mut $field, $crate::cbor::message!(@key $field $($key)?), value)
                    } )*
                    _ => $crate::cbor::skip(value),
                })?;
                Ok(Self {
                    $( $field: $crate::cbor::unset($field, $crate::cbor::message!(@key $field $($key)?))?, )*
                })
            }

            fn member_count(&self, unset: $crate::cbor::Unset) -> usize {
                // A message may have no members.
                let _ = unset;
                0 $( + usize::from(
                    $crate::cbor::message!(@nulls unset $($($optional)?)?)
                        || !$crate::cbor::Value::is_absent(&self.$field)
                ) )*
            }

            fn write_members(
                &self,
                unset: $crate::cbor::Unset,
                writer: &mut $crate::cbor::Writer<'_>,
            ) {
                let _ = (unset, &writer);
                $( if $crate::cbor::message!(@nulls unset $($($optional)?)?)
                    || !$crate::cbor::Value::is_absent(&self.$field)
                {
                    writer.text($crate::cbor::message!(@key $field $($key)?));
                    $crate::cbor::Value::write(&self.$field, writer);
                } )*
            }
        }
    )*};
    (@nulls $unset:ident) => { $unset == $crate::cbor::Unset::Null };
    (@nulls $unset:ident optional) => { false };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(crate) use message;
