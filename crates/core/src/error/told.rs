//! Texts of others within our own.

use core::fmt;

/// What somebody else said about a failure, behind a colon; nothing if that is empty.
#[derive(Debug)]
pub(crate) struct Told<T>(pub(crate) T);

impl<T: AsRef<str>> fmt::Display for Told<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_ref().trim() {
            "" => Ok(()),
            text => write!(f, ": {text}"),
        }
    }
}
