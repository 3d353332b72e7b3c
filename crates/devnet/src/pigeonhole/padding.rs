//! Messages of one size: length, message, zeros (Pigeonhole backend §3.1).

use thiserror::Error;

/// Why bytes were not padded or unpadded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum PaddingError {
    /// The padding is shorter than its length, or the length points behind its end.
    #[error("the padding is malformed")]
    Malformed,
    /// The message does not fit.
    #[error("{len} bytes do not fit where {max} do")]
    TooLong {
        /// Bytes of the message.
        len: usize,
        /// The most that fit.
        max: usize,
    },
}

/// Puts a message into `size` bytes, four of which are its length.
pub(crate) fn pad(message: &[u8], size: usize) -> Result<Vec<u8>, PaddingError> {
    let (len, max) = (message.len(), size.saturating_sub(4));
    let too_long = PaddingError::TooLong { len, max };
    let prefix = u32::try_from(len).map_err(|_| too_long)?;
    if size < 4 || len > max {
        return Err(too_long);
    }
    let mut padded = Vec::with_capacity(size);
    padded.extend(prefix.to_be_bytes());
    padded.extend(message);
    padded.resize(size, 0);
    Ok(padded)
}

/// Takes the message out; what follows it is not looked at.
pub(crate) fn unpad(padded: &[u8]) -> Result<&[u8], PaddingError> {
    let (len, rest) = padded.split_first_chunk().ok_or(PaddingError::Malformed)?;
    let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| PaddingError::Malformed)?;
    rest.get(..len).ok_or(PaddingError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::{entries, hex};

    const FILE: &str = include_str!("../../tests/vectors/padding.json");

    #[test]
    fn pads_as_the_reference() {
        for entry in entries(FILE, "pad", 25) {
            let size = entry["size"].as_u64().unwrap().try_into().unwrap();
            let expected = entry["padded"].is_string().then(|| hex(&entry, "padded"));
            assert_eq!(entry["error"].is_string(), expected.is_none());
            assert_eq!(pad(&hex(&entry, "message"), size).ok(), expected);
        }
    }

    #[test]
    fn unpads_as_the_reference() {
        for entry in entries(FILE, "unpad", 10) {
            let expected = entry["message"].is_string().then(|| hex(&entry, "message"));
            assert_eq!(entry["error"].is_string(), expected.is_none());
            assert_eq!(unpad(&hex(&entry, "padded")).ok(), expected.as_deref());
        }
    }

    #[test]
    fn nothing_fits_in_less_than_a_length() {
        assert_eq!(pad(b"", 3).map_err(|_| ()), Err(()));
    }
}
