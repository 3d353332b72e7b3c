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
    /// The member may not stand beside another one.
    #[error("excluded by {by}")]
    Excluded {
        /// The other member.
        by: &'static str,
    },
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

/// As [`set`], for a member that must be there although its type knows an empty value.
pub(crate) fn set_required<T: Value>(
    slot: &mut Option<T>,
    member: &'static str,
    reader: &mut Reader<'_>,
) -> Result<(), MemberFault> {
    let fault = |problem| MemberFault { member, problem };
    if slot.is_some() {
        return Err(fault(MemberProblem::Duplicate));
    }
    if !reader.take_null().map_err(|error| fault(error.into()))? {
        *slot = Some(T::read(reader).map_err(fault)?);
    }
    Ok(())
}

/// The value of a member that must be there, once the whole map was read.
pub(crate) fn required<T>(slot: Option<T>, member: &'static str) -> Result<T, MemberFault> {
    slot.ok_or(MemberFault { member, problem: MemberProblem::Missing })
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
    reader.enter().map_err(outer)?;
    let mut read = 0;
    while reader.more(len, read).map_err(outer)? {
        match reader.key().map_err(outer)? {
            Some(key) => visit(&key, reader)?,
            None => reader.skip().map_err(outer)?,
        }
        read += 1;
    }
    reader.leave();
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

/// A value that stands in its message as several members, not all combinations of which mean something.
pub(crate) trait Joined: Sized {
    /// The members' values, in the order in which they are written.
    type Members;

    /// Makes the value of what a message holds.
    fn join(members: Self::Members) -> Result<Self, MemberFault>;

    /// The members that say this value.
    fn split(&self) -> Self::Members;
}

/// Whether a member is written.
pub(crate) fn is_written<T: Value>(value: &T, unset: Unset) -> bool {
    unset == Unset::Null || !value.is_absent()
}

/// Appends a member, if it is written.
pub(crate) fn put<T: Value>(member: &str, value: &T, unset: Unset, writer: &mut Writer<'_>) {
    if is_written(value, unset) {
        writer.text(member);
        value.write(writer);
    }
}

/// Declares structs that are maps on the wire.
///
/// A member's key is the field's name, or the text after `as`. One that is marked `optional` behind it is left out
/// wherever it is not set, one that is marked `required` must be there although its type has an empty value. A field with
/// a list of members behind `=` is all of these, by way of [`Joined`].
macro_rules! message {
    ($(
        $(#[$doc:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[$field_doc:meta])*
                $field_vis:vis $field:ident: $type:ty
                    $(= ($($part:ident: $part_type:ty),+))?
                    $(as $key:literal $($mark:ident)?)?,
            )*
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
                $( $crate::cbor::message!(@slots $field: $type $(= ($($part: $part_type),+))?); )*
                $crate::cbor::members(reader, |key, value| {
                    // A message may have no members.
                    let _: &str = key;
                    $( $crate::cbor::message!(
                        @take key, value, $field $(= ($($part),+))? $(as $key $($mark)?)?
                    ); )*
                    $crate::cbor::skip(value)
                })?;
                Ok(Self {
                    $( $field: $crate::cbor::message!(@value $field $(= ($($part),+))? $(as $key $($mark)?)?), )*
                })
            }

            fn member_count(&self, unset: $crate::cbor::Unset) -> usize {
                let _ = unset;
                0 $( + $crate::cbor::message!(
                    @count &self.$field, unset, $field $(= ($($part),+))? $(as $key $($mark)?)?
                ) )*
            }

            fn write_members(
                &self,
                unset: $crate::cbor::Unset,
                writer: &mut $crate::cbor::Writer<'_>,
            ) {
                let _ = (unset, &writer);
                $( $crate::cbor::message!(
                    @put &self.$field, unset, writer, $field $(= ($($part),+))? $(as $key $($mark)?)?
                ); )*
            }
        }
    )*};

    (@slots $field:ident: $type:ty) => { let mut $field: Option<$type> = None; };
    (@slots $field:ident: $type:ty = ($($part:ident: $part_type:ty),+)) => {
        $( let mut $part: Option<$part_type> = None; )+
    };

    (@take $at:ident, $value:ident, $field:ident $(as $key:literal $(optional)?)?) => {
        if $at == $crate::cbor::message!(@key $field $($key)?) {
            return $crate::cbor::set(&mut $field, $crate::cbor::message!(@key $field $($key)?), $value);
        }
    };
    (@take $at:ident, $value:ident, $field:ident as $key:literal required) => {
        if $at == $key {
            return $crate::cbor::set_required(&mut $field, $key, $value);
        }
    };
    (@take $at:ident, $value:ident, $field:ident = ($($part:ident),+)) => {
        $( $crate::cbor::message!(@take $at, $value, $part); )+
    };

    (@value $field:ident $(as $key:literal $(optional)?)?) => {
        $crate::cbor::unset($field, $crate::cbor::message!(@key $field $($key)?))?
    };
    (@value $field:ident as $key:literal required) => { $crate::cbor::required($field, $key)? };
    (@value $field:ident = ($($part:ident),+)) => {
        $crate::cbor::Joined::join(($( $crate::cbor::message!(@value $part), )+))?
    };

    (@count $value:expr, $unset:ident, $field:ident $(as $key:literal $(required)?)?) => {
        usize::from($crate::cbor::is_written($value, $unset))
    };
    (@count $value:expr, $unset:ident, $field:ident as $key:literal optional) => {
        usize::from($crate::cbor::is_written($value, $crate::cbor::Unset::Omit))
    };
    (@count $value:expr, $unset:ident, $field:ident = ($($part:ident),+)) => {{
        let ($($part,)+) = $crate::cbor::Joined::split($value);
        0 $( + usize::from($crate::cbor::is_written(&$part, $unset)) )+
    }};

    (@put $value:expr, $unset:ident, $writer:ident, $field:ident $(as $key:literal $(required)?)?) => {
        $crate::cbor::put($crate::cbor::message!(@key $field $($key)?), $value, $unset, $writer)
    };
    (@put $value:expr, $unset:ident, $writer:ident, $field:ident as $key:literal optional) => {
        $crate::cbor::put($key, $value, $crate::cbor::Unset::Omit, $writer)
    };
    (@put $value:expr, $unset:ident, $writer:ident, $field:ident = ($($part:ident),+)) => {{
        let ($($part,)+) = $crate::cbor::Joined::split($value);
        $( $crate::cbor::put(stringify!($part), &$part, $unset, $writer); )+
    }};

    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(crate) use message;
