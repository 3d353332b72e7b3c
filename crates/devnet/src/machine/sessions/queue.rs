//! Requests that wait to be released into the mix network (§9.1).

use kpthin_core::wire::{
    AppId, Blob, EnvelopeHash, QueryId, RequestKind, SecretBytes, SendMessage, StartResendingCopyCommand,
    StartResendingEncryptedMessage, WriteCapHash,
};

use super::Sessions;
use crate::env::Env;
use crate::frames::Gaps;
use crate::machine::ConnId;
use crate::machine::operations::DESCRIPTOR_LEN_MAX;

/// Requests of one connection that wait where none blocks it; one more is refused.
const QUEUE_MAX: usize = 4_096;

/// A request that needs the mix network.
#[derive(Clone, Debug)]
pub(in super::super) enum Mixnet {
    Copy(Option<QueryId>, Box<StartResendingCopyCommand>),
    /// One that lacks something, which is told when its turn comes.
    Incomplete(RequestKind, Option<QueryId>),
    /// With what was odd about it when it came.
    Message(Box<SendMessage>, Oddity),
    /// A frame without any request.
    Nothing,
    Start(Option<QueryId>, Box<StartResendingEncryptedMessage>, Gaps),
}

/// What can be wrong with a message, which is told when its turn comes.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Oddity {
    pub(in super::super) payload_len: usize,
    pub(in super::super) gaps: Gaps,
}

impl Mixnet {
    /// Cuts what will be refused for its length when its turn comes to just too long, as frames may have 40 MiB.
    fn trim(&mut self, payload_max: usize) {
        match self {
            Self::Copy(..) | Self::Incomplete(..) | Self::Nothing => {}
            Self::Message(request, _) => trim_secret(&mut request.payload, payload_max),
            Self::Start(_, request, _) => {
                trim_secret(&mut request.envelope_descriptor, DESCRIPTOR_LEN_MAX);
                if let Some(kept) = request.message_ciphertext.get(..=payload_max) {
                    request.message_ciphertext = Blob::from(kept);
                }
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Message(request, _) => request.payload.len(),
            Self::Start(_, request, _) => {
                request.message_ciphertext.len() + request.envelope_descriptor.len()
            }
            Self::Copy(..) | Self::Incomplete(..) | Self::Nothing => 0,
        }
    }

    /// What a cancel of this kind would find it by.
    fn key(&self) -> Option<(RequestKind, EnvelopeHash, Option<QueryId>)> {
        match self {
            Self::Start(query_id, request, _) => {
                Some((RequestKind::StartResendingEncryptedMessage, request.envelope_hash, *query_id))
            }
            Self::Copy(query_id, request) => {
                let hash = WriteCapHash::of(&request.write_cap);
                let kind = RequestKind::StartResendingCopyCommand;
                Some((kind, EnvelopeHash::from(*hash.as_bytes()), *query_id))
            }
            Self::Incomplete(..) | Self::Message(..) | Self::Nothing => None,
        }
    }
}

fn trim_secret(bytes: &mut SecretBytes, len_max: usize) {
    if let Some(kept) = bytes.get(..=len_max) {
        *bytes = SecretBytes::from(kept);
    }
}

/// A request in the queue of its connection.
#[derive(Clone, Debug)]
pub(in super::super) struct Queued {
    pub(in super::super) conn: ConnId,
    pub(in super::super) app: AppId,
    pub(in super::super) request: Mixnet,
}

/// What became of a request that was to wait.
#[derive(Debug)]
pub(in super::super) enum Enqueued {
    /// There is no place, and its connection stops until there is one.
    Blocks(Queued),
    /// There is no place, and it is refused.
    Refused(Queued),
    /// It waits.
    Waits,
}

impl Sessions {
    pub(in super::super) fn enqueue(&mut self, env: &Env<'_>, mut queued: Queued) -> Enqueued {
        queued.request.trim(env.config.user_forward_payload_length);
        let Some(session) = self.table.get_mut(&queued.app) else { return Enqueued::Waits };
        let mine = session.queue.iter().filter(|other| other.conn == queued.conn).count();
        match env.quirks().blocking_queue.and_then(|most| usize::try_from(most).ok()) {
            Some(most) if mine >= most => Enqueued::Blocks(queued),
            None if mine >= QUEUE_MAX => Enqueued::Refused(queued),
            Some(_) | None => {
                session.queue.push_back(queued);
                Enqueued::Waits
            }
        }
    }

    /// Puts a request into the queue that found no place before.
    pub(in super::super) fn push_queued(&mut self, queued: Queued) {
        if let Some(session) = self.table.get_mut(&queued.app) {
            session.queue.push_back(queued);
        }
    }

    /// Takes starts with this key out of a session's queue, for a daemon whose cancels find them.
    pub(in super::super) fn cancel_queued(
        &mut self,
        env: &Env<'_>,
        app: AppId,
        hash: EnvelopeHash,
        started: RequestKind,
    ) -> Vec<Option<QueryId>> {
        let mut cancelled = Vec::new();
        if env.quirks().cancel_misses_queued {
            return cancelled;
        }
        if let Some(session) = self.table.get_mut(&app) {
            session.queue.retain(|queued| match queued.request.key() {
                Some((kind, key, query_id)) if key == hash && kind == started => {
                    cancelled.push(query_id);
                    false
                }
                Some(_) | None => true,
            });
        }
        cancelled
    }
}
