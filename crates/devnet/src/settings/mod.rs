//! Named settings: how a table of them is read from texts, written and explained.

mod value;

use thiserror::Error;

pub(crate) use value::Value;

/// Why a text sets nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// There is none of that name.
    #[error("{text:?} is no {what}; there are {}", known.join(", "))]
    Name {
        /// What it should have named.
        what: &'static str,
        /// What was given.
        text: String,
        /// The names that there are.
        known: &'static [&'static str],
    },
    /// Its value is missing, out of range or one too many.
    #[error("{text:?} has to be {form}")]
    Value {
        /// What was given.
        text: String,
        /// What it has to look like.
        form: String,
    },
}

/// Splits a text into a setting's name and its value.
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)))
}

/// Reads a setting's value from the text that follows its name.
pub(crate) fn read<T: Value>(name: &str, text: &str, value: Option<&str>) -> Result<T, SettingError> {
    T::parse(value).ok_or_else(|| SettingError::Value {
        text: text.to_owned(),
        form: [name, T::FORM, T::RANGE].concat(),
    })
}

/// The first sentence of a documentation, without its full stop.
pub(crate) fn summary(doc: &[&str]) -> String {
    doc.concat().trim().trim_end_matches('.').to_owned()
}
