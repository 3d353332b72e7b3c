//! What a replica answered, opened and judged (Pigeonhole backend §9).

use kpthin_core::error::{DaemonError, ReplicaError};
use kpthin_core::wire::SecretBytes;

use super::{Operation, Operations, Target};
use crate::env::Env;
use crate::network::{Network, OpId};
use crate::pigeonhole::boxes::{self, BoxContent, ReadError};
use crate::pigeonhole::descriptor::{Descriptor, ReplyError};
use crate::pigeonhole::messages::{ReplicaCode, ReplyInnerMessage};

/// What a payload means for its operation.
enum Verdict {
    Finish(u8, Option<SecretBytes>),
    Poll,
}

impl Verdict {
    const fn error(error: DaemonError) -> Self {
        Self::Finish(error.code(), None)
    }
}

impl Operations {
    pub(super) fn finish_opening(&mut self, env: &mut Env<'_>, network: &Network, id: OpId, payload: &[u8]) {
        let Some(operation) = self.table.get(&id) else { return };
        let cancelled = operation.cancelled;
        match open(env, network, operation, payload) {
            Verdict::Finish(code, plaintext) => self.finish(env, network, id, code, plaintext),
            Verdict::Poll if cancelled => drop(self.take(id)),
            Verdict::Poll => self.send_again(env, id),
        }
    }
}

fn open(env: &mut Env<'_>, network: &Network, operation: &Operation, payload: &[u8]) -> Verdict {
    let Ok(descriptor) = Descriptor::from_bytes(&operation.descriptor) else {
        return Verdict::error(DaemonError::InternalError);
    };
    let epoch = descriptor.replica_epoch;
    let keys = descriptor.replicas.iter().filter_map(|replica| network.envelope_key(*replica, epoch));
    let mut reply = match descriptor.open_reply(&keys.collect::<Vec<_>>(), payload) {
        Ok(reply) => reply,
        Err(ReplyError::Decrypt) => return Verdict::error(DaemonError::MkemDecryptionFailed),
        Err(ReplyError::Malformed) => return Verdict::error(DaemonError::InternalError),
    };
    damage(env, &mut reply);
    judge(operation, reply)
}

/// Has faults damage what a replica answered.
fn damage(env: &mut Env<'_>, reply: &mut ReplyInnerMessage) {
    let ReplyInnerMessage::Read(_, sealed) = reply else { return };
    if env.injector.strikes(|faults| faults.corrupt_box)
        && let Some(byte) = sealed.ciphertext.first_mut()
    {
        *byte ^= 1;
    }
    if env.injector.strikes(|faults| faults.wrong_signature)
        && let Some(byte) = sealed.signature.first_mut()
    {
        *byte ^= 1;
    }
}

/// Decides what a replica's answer means for its operation.
fn judge(operation: &Operation, reply: ReplyInnerMessage) -> Verdict {
    match (&operation.target, reply) {
        (Target::Write { strict }, ReplyInnerMessage::Write(code)) => {
            let held_already = code == ReplicaCode::BOX_ALREADY_EXISTS && !strict;
            Verdict::Finish(if held_already { 0 } else { code.0 }, None)
        }
        (Target::Read { polls: true, .. }, ReplyInnerMessage::Read(ReplicaCode::BOX_ID_NOT_FOUND, _)) => {
            Verdict::Poll
        }
        (Target::Read { cap, index: Some(index), .. }, ReplyInnerMessage::Read(code, sealed)) => {
            match boxes::open(cap, index, code, &sealed) {
                Ok(BoxContent::Message(message)) => {
                    Verdict::Finish(0, Some(SecretBytes::from(message.as_slice())))
                }
                Ok(BoxContent::Tombstone) => Verdict::Finish(ReplicaError::Tombstone.code(), None),
                Err(ReadError::Bacap) => Verdict::error(DaemonError::BacapDecryptionFailed),
                Err(ReadError::Padding) => Verdict::error(DaemonError::InternalError),
                Err(ReadError::Replica(code)) => Verdict::Finish(code.0, None),
                Err(ReadError::TombstoneSignature) => Verdict::error(DaemonError::InvalidTombstoneSignature),
            }
        }
        // It is not noticed that there is nothing to verify the box with.
        (Target::Read { index: None, .. }, ReplyInnerMessage::Read(code, _)) => match code {
            ReplicaCode::SUCCESS => Verdict::error(DaemonError::BacapDecryptionFailed),
            code => Verdict::Finish(code.0, None),
        },
        (Target::Copy, _)
        | (Target::Write { .. }, ReplyInnerMessage::Read(..))
        | (Target::Read { .. }, ReplyInnerMessage::Write(_)) => Verdict::error(DaemonError::InternalError),
    }
}
