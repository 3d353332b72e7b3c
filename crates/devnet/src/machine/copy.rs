//! Copy commands: sent until the courier has carried them out, and carried out step by step (§9.6).

use std::time::Duration;

use super::Devnet;
use super::event::Event;
use super::operation::{OpId, Wait};
use crate::network::{CommandHash, Step};
use crate::pigeonhole::messages::CopyReply;

const COPY_COMMAND_FAILED: u8 = 26;
const INTERNAL_ERROR: u8 = 4;

impl Devnet {
    pub(super) fn handle_copy_reply(&mut self, id: OpId, reply: CopyReply) {
        match reply.status {
            CopyReply::SUCCEEDED => self.finish_copy(id, 0, reply),
            CopyReply::FAILED => self.finish_copy(id, COPY_COMMAND_FAILED, reply),
            CopyReply::IN_PROGRESS => {
                let at = self.now + self.config.timing.copy_poll;
                let again = self.schedule.add(at, Event::Resend(id));
                if let Some(operation) = self.operations.get_mut(&id) {
                    operation.wait = Wait::Pause(again);
                }
            }
            _ => self.finish_copy(id, INTERNAL_ERROR, reply),
        }
    }

    /// Plans the next step of a command, which takes a replica's time.
    pub(super) fn plan_copy(&mut self, courier: usize, hash: CommandHash, pause: Duration) {
        let at = self.now + pause + self.config.timing.replica_time;
        let _ = self.schedule.add(at, Event::Copy { courier, hash });
    }

    pub(super) fn copy_step(&mut self, courier: usize, hash: CommandHash) {
        match self.network.copy_step(self.now, courier, hash, &mut self.entropy) {
            Step::Ended => {}
            Step::Next(pause, pushes) => {
                pushes.into_iter().for_each(|push| self.plan_push(push));
                self.plan_copy(courier, hash, pause);
            }
        }
    }
}
