//! The end of operations that somebody asks for (§4.8, §4.10, §9.5).

use kpthin_core::error::DaemonError;
use kpthin_core::wire::{AppId, EnvelopeHash, RequestKind};

use super::{Operation, Operations, Wait};
use crate::env::Env;
use crate::network::{Network, OpId};

impl Operations {
    /// Cancels by key what a session has started, or what anybody has.
    ///
    /// `started` is the kind of what the cancel is meant for.
    pub(in super::super) fn cancel(
        &mut self,
        env: &Env<'_>,
        network: &Network,
        app: AppId,
        hash: EnvelopeHash,
        started: RequestKind,
    ) {
        let quirks = env.quirks();
        let finds = |other: &Operation| {
            other.hash == hash
                && !other.hidden
                && !other.cancelled
                && (other.app == app || quirks.cancel_across_sessions)
                && (other.kind() == started || quirks.cancel_across_kinds)
        };
        let mut found: Vec<_> =
            self.table.iter().filter(|(_, other)| finds(other)).map(|(id, _)| *id).collect();
        if quirks.one_per_hash {
            found = found.pop().into_iter().collect();
        }
        for id in found {
            self.cancel_found(env, network, id, app, started);
        }
    }

    /// Ends an operation; where that happens, a result that is being opened meanwhile comes all the same (§9.5).
    fn cancel_found(&mut self, env: &Env<'_>, network: &Network, id: OpId, app: AppId, started: RequestKind) {
        let quirks = env.quirks();
        let Some(operation) = self.table.get(&id) else { return };
        let kind = if quirks.cancel_across_kinds { started } else { operation.kind() };
        let to = if quirks.cancel_across_sessions { app } else { operation.app };
        let opens = matches!(operation.wait, Wait::Opening(_)) && quirks.cancel_and_result;
        let operation = operation.clone();
        let code = DaemonError::StartResendingCancelled.code();
        self.answer_start(network, to, &operation, kind, code, None);
        if opens {
            if let Some(operation) = self.table.get_mut(&id) {
                operation.cancelled = true;
            }
        } else {
            drop(self.take(id));
        }
    }
}
