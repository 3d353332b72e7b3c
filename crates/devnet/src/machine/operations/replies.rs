//! What a courier's reply does to an operation (§9.2, §9.6).

use kpthin_core::error::DaemonError;

use super::arq::{Action, Goal, decide};
use super::{Due, Operations, Wait};
use crate::env::Env;
use crate::network::{CourierReply, Network, OpId};
use crate::pigeonhole::messages::{CopyReply, EnvelopeReply};

impl Operations {
    /// Takes a courier's reply; `away` says that nobody is there who would hear of it.
    pub(in super::super) fn handle_reply(
        &mut self,
        env: &mut Env<'_>,
        network: &Network,
        id: OpId,
        reply: CourierReply,
        away: bool,
    ) {
        let Some(operation) = self.table.get(&id) else { return };
        // A second reply, while the first is being opened, says nothing new.
        if matches!(operation.wait, Wait::Opening(_) | Wait::Orphaned) {
            return;
        }
        let goal = operation.goal();
        self.stop_waiting(id, Wait::Orphaned);
        // The timer has been stopped before it turns out that there is nobody to answer (§3.7).
        if (away && env.quirks().lost_results) || env.injector.strikes(|faults| faults.unanswered) {
            return;
        }
        match (reply, goal) {
            (CourierReply::Copy(reply), Goal::Copy) => self.handle_copy_reply(env, network, id, reply),
            (CourierReply::Envelope(reply), Goal::Read | Goal::StrictWrite | Goal::Write) => {
                self.handle_envelope_reply(env, network, id, goal, reply);
            }
            (CourierReply::Copy(_) | CourierReply::Envelope(_), _) => {
                self.handle_wrong_type(env, network, id)
            }
        }
    }

    fn handle_envelope_reply(
        &mut self,
        env: &mut Env<'_>,
        network: &Network,
        id: OpId,
        goal: Goal,
        reply: EnvelopeReply,
    ) {
        let open_time = env.timing().open_time;
        match decide(goal, reply.reply_type, reply.error) {
            Action::Finish(code) => self.finish(env, network, id, code, None),
            Action::Payload if open_time.is_zero() => {
                self.finish_opening(env, network, id, &reply.payload);
            }
            Action::Payload => {
                let opened = self.schedule.add(env.now + open_time, Due::Opened(id, reply.payload));
                self.stop_waiting(id, Wait::Opening(opened));
            }
            Action::Resend => self.send_again(env, id),
        }
    }

    /// Sends an operation again, at once the first time and after a pause from then on.
    pub(super) fn send_again(&mut self, env: &Env<'_>, id: OpId) {
        let pause = env.timing().poll_interval;
        let Some(operation) = self.table.get(&id) else { return };
        if operation.packets < 2 || pause.is_zero() {
            return self.queue(id);
        }
        let again = self.schedule.add(env.now + pause, Due::Resend(id));
        self.stop_waiting(id, Wait::Pause(again));
    }

    fn handle_copy_reply(&mut self, env: &Env<'_>, network: &Network, id: OpId, reply: CopyReply) {
        match reply.status {
            CopyReply::SUCCEEDED => self.finish_copy(env, network, id, 0, reply),
            CopyReply::FAILED => {
                self.finish_copy(env, network, id, DaemonError::CopyCommandFailed.code(), reply);
            }
            CopyReply::IN_PROGRESS => {
                let again = self.schedule.add(env.now + env.timing().copy_poll, Due::Resend(id));
                self.stop_waiting(id, Wait::Pause(again));
            }
            _ => self.finish_copy(env, network, id, DaemonError::InternalError.code(), reply),
        }
    }

    /// Leaves the operation for ever, or answers it (§9.7, M5).
    fn handle_wrong_type(&mut self, env: &Env<'_>, network: &Network, id: OpId) {
        if env.quirks().wrong_type_stalls {
            return;
        }
        if env.quirks().wrong_type_misnamed {
            return self.finish_misnamed(env, network, id, DaemonError::CourierInvalidEnvelope);
        }
        let code = DaemonError::InternalError.code();
        self.finish(env, network, id, code, None);
    }
}
