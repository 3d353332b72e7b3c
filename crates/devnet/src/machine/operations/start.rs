//! How an operation begins (§4.7, §4.9).

use std::time::Duration;

use kpthin_bacap::MessageBoxIndex;
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    AppId, Blob, EnvelopeHash, QueryId, SecretBytes, StartResendingCopyCommand,
    StartResendingEncryptedMessage, WriteCapHash,
};
use zeroize::Zeroizing;

use super::super::capability::{check_reach, read_cap, write_cap};
use super::{Operation, Operations, Target, Wait};
use crate::env::Env;
use crate::network::{COURIER_QUEUE, Network, OpId, Packet};
use crate::pigeonhole::Entropy;
use crate::pigeonhole::messages::{CourierQuery, Message};

/// Operations of one session; the reference has no bound.
const OPERATIONS_MAX: usize = 4_096;
/// A descriptor has 201 bytes; the reference has no bound.
pub(in super::super) const DESCRIPTOR_LEN_MAX: usize = 4_096;
/// What the estimated round trip is prolonged by before a packet counts as lost (§9.3).
pub(super) const RETRANSMISSION_SLACK: Duration = Duration::from_secs(20);

impl Operations {
    /// Starts a read or a write, and returns its first packet.
    pub(in super::super) fn start(
        &mut self,
        env: &Env<'_>,
        network: &Network,
        app: AppId,
        query_id: Option<QueryId>,
        request: StartResendingEncryptedMessage,
    ) -> Result<Packet, DaemonError> {
        let (query_id, hash) = query_id.zip(request.envelope_hash).ok_or(DaemonError::InvalidRequest)?;
        let descriptor_len = request.envelope_descriptor.len();
        if !(1..=DESCRIPTOR_LEN_MAX).contains(&descriptor_len) || request.message_ciphertext.is_empty() {
            return Err(DaemonError::InvalidRequest);
        }
        let target = target(env, &request)?;
        if request.message_ciphertext.len() > env.config.user_forward_payload_length {
            return Err(DaemonError::InternalError);
        }
        let courier = self.entropy.below(network.courier_count());
        self.add(
            env,
            app,
            Operation {
                app,
                query_id,
                hash,
                target,
                ciphertext: request.message_ciphertext,
                descriptor: request.envelope_descriptor,
                courier,
                packets: 0,
                wait: Wait::Turn,
                hidden: false,
                cancelled: false,
            },
        )
    }

    /// Starts a copy command, and returns its first packet; a courier is pinned by both of its names (§4.9).
    pub(in super::super) fn start_copy(
        &mut self,
        env: &Env<'_>,
        network: &Network,
        app: AppId,
        query_id: Option<QueryId>,
        request: &StartResendingCopyCommand,
    ) -> Result<Packet, DaemonError> {
        let query_id = query_id.ok_or(DaemonError::InvalidRequest)?;
        let cap = request.write_cap.as_ref().ok_or(DaemonError::InvalidRequest)?;
        let _ = write_cap(Some(cap))?;
        let courier = match request.courier_identity_hash.zip(request.courier_queue_id.as_ref()) {
            Some((node, queue)) if queue.as_bytes() == COURIER_QUEUE.as_bytes() => {
                network.courier_of(node).ok_or(DaemonError::InternalError)?
            }
            Some(_) => return Err(DaemonError::InternalError),
            None => self.entropy.below(network.courier_count()),
        };
        let query = CourierQuery::Copy(Zeroizing::new(cap.as_bytes().to_vec())).encode();
        self.add(
            env,
            app,
            Operation {
                app,
                query_id,
                hash: EnvelopeHash::from(*WriteCapHash::of(cap).as_bytes()),
                target: Target::Copy,
                ciphertext: Blob::from(query),
                descriptor: SecretBytes::default(),
                courier,
                packets: 0,
                wait: Wait::Turn,
                hidden: false,
                cancelled: false,
            },
        )
    }

    fn add(&mut self, env: &Env<'_>, app: AppId, operation: Operation) -> Result<Packet, DaemonError> {
        if self.table.values().filter(|other| other.app == app).count() >= OPERATIONS_MAX {
            return Err(DaemonError::InternalError);
        }
        if env.quirks().one_per_hash {
            self.hide(operation.hash);
        }
        let id = OpId(self.made);
        self.made = self.made.wrapping_add(1);
        self.table.insert(id, operation);
        self.packet(env, id).ok_or(DaemonError::InternalError)
    }

    /// Takes the operations with a hash out of the reach of cancels.
    pub(super) fn hide(&mut self, hash: EnvelopeHash) {
        self.table.values_mut().filter(|other| other.hash == hash).for_each(|other| other.hidden = true);
    }
}

fn target(env: &Env<'_>, request: &StartResendingEncryptedMessage) -> Result<Target, DaemonError> {
    match (&request.read_cap, &request.write_cap) {
        (Some(cap), None) => {
            let cap = read_cap(Some(cap))?;
            let index = request.message_box_index.as_deref();
            let index = index.and_then(|index| MessageBoxIndex::from_bytes(index).ok());
            match &index {
                Some(index) => check_reach(env.quirks(), cap.index(), index)?,
                None if env.quirks().missing_index => {}
                None => return Err(DaemonError::InvalidRequest),
            }
            Ok(Target::Read { cap, index, polls: !request.no_retry_on_box_id_not_found })
        }
        (None, Some(cap)) => {
            let _ = write_cap(Some(cap))?;
            Ok(Target::Write { strict: request.no_idempotent_box_already_exists })
        }
        (None, None) | (Some(_), Some(_)) => Err(DaemonError::InvalidRequest),
    }
}
