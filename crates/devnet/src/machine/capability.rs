//! Capabilities and indexes as the daemon takes them out of requests.

use kpthin_bacap::{MessageBoxIndex, ReadCap, WriteCap};
use kpthin_core::error::DaemonError;
use kpthin_core::wire;

use crate::quirks::Quirks;

/// How far the daemon walks along a stream (M4).
const STEPS_MAX: u64 = 262_144;

pub(super) fn read_cap(cap: &wire::ReadCap) -> Result<ReadCap, DaemonError> {
    ReadCap::from_bytes(cap.as_bytes()).map_err(|_| DaemonError::InvalidRequest)
}

pub(super) fn write_cap(cap: &wire::WriteCap) -> Result<WriteCap, DaemonError> {
    WriteCap::from_bytes(cap.as_bytes()).map_err(|_| DaemonError::InvalidRequest)
}

pub(super) fn index(index: &wire::MessageBoxIndex) -> Result<MessageBoxIndex, DaemonError> {
    MessageBoxIndex::from_bytes(index.as_bytes()).map_err(|_| DaemonError::InvalidRequest)
}

/// Whether an index lies in the stream of a capability that begins at `own`, for a daemon that looks (M4).
pub(super) fn check_reach(
    quirks: &Quirks,
    own: &MessageBoxIndex,
    index: &MessageBoxIndex,
) -> Result<(), DaemonError> {
    if !quirks.index_walk {
        return Ok(());
    }
    let steps = index.counter().checked_sub(own.counter()).ok_or(DaemonError::IndexNotInChannel)?;
    if steps > STEPS_MAX {
        return Err(DaemonError::IndexTooFar);
    }
    let reached = own.advance_to(index.counter()).map_err(|_| DaemonError::IndexNotInChannel)?;
    if reached == *index { Ok(()) } else { Err(DaemonError::IndexNotInChannel) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_reached_from_the_capability_or_refused() {
        let own = WriteCap::from_seed(&[1; 32]).index().clone();
        let other = WriteCap::from_seed(&[2; 32]).index().clone();
        let walks = Quirks { index_walk: true, ..Quirks::default() };
        let check = |index: &MessageBoxIndex| check_reach(&walks, &own, index);
        assert_eq!(check(&own), Ok(()));
        let later = own.advance_to(own.counter() + 300).unwrap();
        assert_eq!(check(&later), Ok(()));
        assert_eq!(check_reach(&walks, &later, &own), Err(DaemonError::IndexNotInChannel));
        let mut bytes = later.to_bytes();
        bytes[50] ^= 1;
        assert_eq!(check(&MessageBoxIndex::from_bytes(&bytes).unwrap()), Err(DaemonError::IndexNotInChannel));
        assert_eq!(check(&own.mutate(b"salt")), Err(DaemonError::IndexNotInChannel));
        let far = |steps: u64| {
            let mut bytes = later.to_bytes();
            bytes[..8].copy_from_slice(&(own.counter() + steps).to_le_bytes());
            MessageBoxIndex::from_bytes(&bytes).unwrap()
        };
        assert_eq!(check(&far(STEPS_MAX)), Err(DaemonError::IndexNotInChannel));
        assert_eq!(check(&far(STEPS_MAX + 1)), Err(DaemonError::IndexTooFar));
        assert_eq!(check_reach(&Quirks::default(), &own, &other), Ok(()));
    }
}
