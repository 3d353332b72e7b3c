//! How an operation begins (§4.7, §4.9).

use std::time::Duration;

use kpthin_bacap::MessageBoxIndex;
use kpthin_core::error::DaemonError;
use kpthin_core::wire::{
    AppId, Blob, BoxAccess, EnvelopeHash, QueryId, SecretBytes, StartResendingCopyCommand,
    StartResendingEncryptedMessage, WriteCapHash,
};
use zeroize::Zeroizing;

use super::super::capability::{check_reach, read_cap, write_cap};
use super::{Operation, Operations, Target, Wait};
use crate::env::Env;
use crate::frames::Gaps;
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
        gaps: Gaps,
    ) -> Result<Packet, DaemonError> {
        let query_id = query_id.ok_or(DaemonError::InvalidRequest)?;
        let descriptor_len = request.envelope_descriptor.len();
        if !(1..=DESCRIPTOR_LEN_MAX).contains(&descriptor_len) || request.message_ciphertext.is_empty() {
            return Err(DaemonError::InvalidRequest);
        }
        let target = target(env, &request, gaps)?;
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
                hash: request.envelope_hash,
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
        let cap = &request.write_cap;
        let _ = write_cap(cap)?;
        let courier = match &request.courier {
            Some(courier) if courier.queue.as_bytes() == COURIER_QUEUE.as_bytes() => {
                network.courier_of(courier.node).ok_or(DaemonError::InternalError)?
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

fn target(
    env: &Env<'_>,
    request: &StartResendingEncryptedMessage,
    gaps: Gaps,
) -> Result<Target, DaemonError> {
    match &request.access {
        BoxAccess::Read { read_cap: cap, message_box_index } => {
            let cap = read_cap(cap)?;
            let index = (!gaps.index).then_some(message_box_index);
            let index = index.and_then(|index| MessageBoxIndex::from_bytes(index.as_bytes()).ok());
            match &index {
                Some(index) => check_reach(env.quirks(), cap.index(), index)?,
                None if env.quirks().missing_index => {}
                None => return Err(DaemonError::InvalidRequest),
            }
            Ok(Target::Read { cap, index, polls: !request.no_retry_on_box_id_not_found })
        }
        BoxAccess::Write { write_cap: cap, .. } => {
            let _ = write_cap(cap)?;
            Ok(Target::Write { strict: request.no_idempotent_box_already_exists })
        }
    }
}
