//! Capabilities and indexes as the daemon takes them out of requests.

use kpthin_bacap::{MessageBoxIndex, ReadCap, WriteCap};
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{self, AnyRequest};

use crate::quirks::Quirks;

/// How far the daemon walks along a stream (M4).
const STEPS_MAX: u64 = 262_144;

pub(super) fn read_cap(cap: Option<&wire::ReadCap>) -> Result<ReadCap, DaemonError> {
    let cap = cap.ok_or(DaemonError::InvalidRequest)?;
    ReadCap::from_bytes(cap.as_bytes()).map_err(|_| DaemonError::InvalidRequest)
}

pub(super) fn write_cap(cap: Option<&wire::WriteCap>) -> Result<WriteCap, DaemonError> {
    let cap = cap.ok_or(DaemonError::InvalidRequest)?;
    WriteCap::from_bytes(cap.as_bytes()).map_err(|_| DaemonError::InvalidRequest)
}

pub(super) fn index(index: Option<&wire::MessageBoxIndex>) -> Result<MessageBoxIndex, DaemonError> {
    let index = index.ok_or(DaemonError::InvalidRequest)?;
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

/// Whether a request holds a capability that is none, which some daemons find out while they decode it (§2.1, M6).
pub(super) fn has_bad_capability(request: &AnyRequest) -> bool {
    let bad_read = |cap: &Option<wire::ReadCap>| cap.is_some() && read_cap(cap.as_ref()).is_err();
    let bad_write = |cap: &Option<wire::WriteCap>| cap.is_some() && write_cap(cap.as_ref()).is_err();
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(request) => {
            request.destinations.iter().any(|destination| bad_write(&destination.write_cap))
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(request) => bad_write(&request.dest_write_cap),
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(request) => bad_write(&request.dest_write_cap),
        AnyRequest::EncryptRead(request) => bad_read(&request.read_cap),
        AnyRequest::EncryptWrite(request) => bad_write(&request.write_cap),
        AnyRequest::StartResendingCopyCommand(request) => bad_write(&request.write_cap),
        AnyRequest::StartResendingEncryptedMessage(request) => {
            bad_read(&request.read_cap) || bad_write(&request.write_cap)
        }
        _ => false,
    }
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
