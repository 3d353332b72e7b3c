//! Boxes with padded content, as the daemon makes and opens them (Pigeonhole backend §3.1, §9).

use std::fmt;

use kpthin_bacap::{Context, MessageBoxIndex, Opened, ReadCap, SealedBox, WriteCap};
use zeroize::Zeroizing;

use super::geometry::Geometry;
use super::messages::ReplicaCode;
use super::padding::{self, PaddingError};

/// Makes a box of a message, or a tombstone if the message is empty.
pub(crate) fn seal(
    geometry: Geometry,
    cap: &WriteCap,
    index: &MessageBoxIndex,
    message: &[u8],
) -> Result<SealedBox, PaddingError> {
    if message.is_empty() {
        return Ok(cap.tombstone(index, Context::PIGEONHOLE));
    }
    let padded = Zeroizing::new(padding::pad(message, geometry.padded_plaintext())?);
    Ok(cap.seal(index, Context::PIGEONHOLE, &padded))
}

/// What a read found.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum BoxContent {
    /// A message, which may be empty.
    Message(Zeroizing<Vec<u8>>),
    /// The owner deleted it.
    Tombstone,
}

impl fmt::Debug for BoxContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => write!(f, "Message({} bytes)", message.len()),
            Self::Tombstone => f.write_str("Tombstone"),
        }
    }
}

/// Why an answer to a read holds nothing for the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// The box does not belong to the index, or its signature or content is wrong.
    Bacap,
    /// The content is signed and decrypts, but is not padded as it should be.
    Padding,
    /// The replica has no box to show, for this reason.
    Replica(ReplicaCode),
    /// The replica claims a tombstone that its owner did not sign.
    TombstoneSignature,
}

/// Verifies, decrypts and unpads what a replica answered to a read.
pub(crate) fn open(
    cap: &ReadCap,
    index: &MessageBoxIndex,
    code: ReplicaCode,
    sealed: &SealedBox,
) -> Result<BoxContent, ReadError> {
    let opened = cap.open(index, Context::PIGEONHOLE, sealed);
    match (code, opened) {
        (ReplicaCode::SUCCESS, Ok(Opened::Content(padded))) => padding::unpad(&padded)
            .map(|message| BoxContent::Message(Zeroizing::new(message.to_vec())))
            .map_err(|_| ReadError::Padding),
        (ReplicaCode::SUCCESS | ReplicaCode::TOMBSTONE, Ok(Opened::Tombstone)) => Ok(BoxContent::Tombstone),
        (ReplicaCode::SUCCESS, Err(_)) => Err(ReadError::Bacap),
        (ReplicaCode::TOMBSTONE, _) => Err(ReadError::TombstoneSignature),
        (code, _) => Err(ReadError::Replica(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pigeonhole::testing::geometry;

    fn message(bytes: &[u8]) -> Result<BoxContent, ReadError> {
        Ok(BoxContent::Message(Zeroizing::new(bytes.to_vec())))
    }

    #[test]
    fn messages_up_to_the_limit_fit() {
        let cap = WriteCap::from_seed(&[1; 32]);
        for len in [1, 1548, 1549] {
            let bytes = vec![7; len];
            let sealed = seal(geometry(), &cap, cap.index(), &bytes).unwrap();
            assert_eq!(sealed.ciphertext.len(), 1569);
            let opened = open(&cap.read_cap(), cap.index(), ReplicaCode::SUCCESS, &sealed);
            assert_eq!(opened, message(&bytes));
        }
        let too_long = seal(geometry(), &cap, cap.index(), &[7; 1550]);
        assert_eq!(too_long, Err(PaddingError::TooLong { len: 1550, max: 1549 }));
    }

    #[test]
    fn answers_are_judged_by_their_code() {
        let cap = WriteCap::from_seed(&[1; 32]);
        let (read, index) = (cap.read_cap(), cap.index());
        let content = seal(geometry(), &cap, index, b"message").unwrap();
        let tombstone = seal(geometry(), &cap, index, b"").unwrap();
        let open = |code, sealed: &SealedBox| open(&read, index, ReplicaCode(code), sealed);
        assert_eq!(open(11, &tombstone), Ok(BoxContent::Tombstone));
        assert_eq!(open(11, &content), Err(ReadError::TombstoneSignature));
        assert_eq!(open(1, &content), Err(ReadError::Replica(ReplicaCode::BOX_ID_NOT_FOUND)));

        let mut forged = tombstone;
        forged.signature[0] ^= 1;
        assert_eq!(open(11, &forged), Err(ReadError::TombstoneSignature));
        assert_eq!(open(0, &forged), Err(ReadError::Bacap));

        let unpadded = cap.seal(index, Context::PIGEONHOLE, &[0xff; 1553]);
        assert_eq!(open(0, &unpadded), Err(ReadError::Padding));
        let empty = padding::pad(b"", 1553).unwrap();
        let empty = cap.seal(index, Context::PIGEONHOLE, &empty);
        assert_eq!(open(0, &empty), message(b""));
    }
}
