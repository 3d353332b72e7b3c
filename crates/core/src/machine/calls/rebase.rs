//! Capabilities that begin where they are used (M4).
//!
//! Newer daemons walk from the capability's own index to the given one, at most 262,144 steps. The box, its keys and its
//! signature follow from the index and the keys alone, so a capability that begins at the index asks for the same, and costs
//! no steps. What lies behind the capability's own index would not be seen any more, and is refused here.

use crate::{
    error::{CallError, InvalidRequest},
    wire::{AnyRequest, BoxAccess, MessageBoxIndex, ReadCap, WriteCap},
};

/// Moves the capabilities of a request to the index in question.
///
/// Not those of copy commands, whose index says where the courier begins, of write starts, which carry no index that a daemon
/// looks at, and of vouchers, where both sides go on from the same state.
pub(crate) fn rebase(request: &mut AnyRequest) -> Result<(), CallError> {
    match request {
        AnyRequest::CreateCourierEnvelopesFromMultiPayload(create) => {
            create.destinations.iter_mut().try_for_each(|to| move_write(&mut to.write_cap, &to.start_index))
        }
        AnyRequest::CreateCourierEnvelopesFromPayload(create) => {
            move_write(&mut create.dest_write_cap, &create.dest_start_index)
        }
        AnyRequest::CreateCourierEnvelopesFromTombstoneRange(create) => {
            move_write(&mut create.dest_write_cap, &create.dest_start_index)
        }
        AnyRequest::EncryptRead(encrypt) => move_read(&mut encrypt.read_cap, &encrypt.message_box_index),
        AnyRequest::EncryptWrite(encrypt) => move_write(&mut encrypt.write_cap, &encrypt.message_box_index),
        AnyRequest::StartResendingEncryptedMessage(start) => match &mut start.access {
            BoxAccess::Read { read_cap, message_box_index } => move_read(read_cap, message_box_index),
            BoxAccess::Write { .. } => Ok(()),
        },
        AnyRequest::CancelResendingCopyCommand(_)
        | AnyRequest::CancelResendingEncryptedMessage(_)
        | AnyRequest::GetDirectoryAuthorities(_)
        | AnyRequest::GetMessageBoxIndexCounter(_)
        | AnyRequest::GetPkiDocument(_)
        | AnyRequest::NewKeypair(_)
        | AnyRequest::NextMessageBoxIndex(_)
        | AnyRequest::SendMessage(_)
        | AnyRequest::SessionToken(_)
        | AnyRequest::StartResendingCopyCommand(_)
        | AnyRequest::ThinClose(_)
        | AnyRequest::VoucherDeriveStream(_)
        | AnyRequest::VoucherInduct(_)
        | AnyRequest::VoucherMint(_)
        | AnyRequest::VoucherOpen(_) => Ok(()),
    }
}

fn move_read(cap: &mut ReadCap, index: &MessageBoxIndex) -> Result<(), CallError> {
    *cap = cap.at(index).ok_or_else(|| foreign(&cap.index(), index))?;
    Ok(())
}

fn move_write(cap: &mut WriteCap, index: &MessageBoxIndex) -> Result<(), CallError> {
    *cap = cap.at(index).ok_or_else(|| foreign(&cap.index(), index))?;
    Ok(())
}

fn foreign(own: &MessageBoxIndex, index: &MessageBoxIndex) -> CallError {
    InvalidRequest::ForeignIndex { counter: index.counter(), first: own.counter() }.into()
}
