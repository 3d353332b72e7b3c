//! Tokens, and who hears of what (§3.3, §3.6).

use std::collections::VecDeque;

use kpthin_core::wire::{AnyResponse, AppId, Class};

use super::{Due, Listener, Sessions};
use crate::env::Env;
use crate::machine::ConnId;

/// Replies kept for a session that is away (§3.6).
const REPLIES_MAX: usize = 1_000;
/// Tokens that lead to one session; the reference never forgets one.
const TOKENS_MAX: usize = 16;

/// What came of a session that was there.
#[derive(Debug)]
pub(in super::super) struct Resumed {
    /// The replies that it missed.
    pub(in super::super) missed: VecDeque<AnyResponse>,
    /// The connection that it was taken over from.
    pub(in super::super) older: Option<ConnId>,
}

impl Sessions {
    /// The session that a token leads to.
    pub(in super::super) fn find(&self, token: &[u8; 16]) -> Option<AppId> {
        self.tokens.get(token).copied()
    }

    /// Lets a token lead to a session from now on.
    pub(in super::super) fn name(&mut self, app: AppId, token: [u8; 16]) {
        if let Some(session) = self.table.get_mut(&app)
            && session.tokens.len() < TOKENS_MAX
        {
            session.tokens.push(token);
            self.tokens.insert(token, app);
        }
    }

    /// Has a connection hear of a session's replies.
    pub(in super::super) fn resume(&mut self, env: &Env<'_>, app: AppId, conn: ConnId) -> Resumed {
        let mut resumed = Resumed { missed: VecDeque::new(), older: None };
        let Some(session) = self.table.get_mut(&app) else { return resumed };
        match std::mem::replace(&mut session.link, Listener::On(conn)) {
            Listener::Away { expires, replies } => {
                self.schedule.cancel(expires);
                resumed.missed = replies;
                if let Some(pause) = env.quirks().rearm
                    && !session.resends.is_empty()
                {
                    session.rearms = Some(self.schedule.add(env.now + pause, Due::Rearm(app)));
                }
            }
            Listener::On(older) => resumed.older = Some(older).filter(|older| *older != conn),
        }
        resumed
    }

    /// Gives what waits for a session to another one.
    pub(in super::super) fn hand_over(&mut self, from: AppId, to: AppId) {
        let Some(left) = self.table.get_mut(&from) else { return };
        let (mut queue, resends) = (std::mem::take(&mut left.queue), std::mem::take(&mut left.resends));
        queue.iter_mut().for_each(|queued| queued.app = to);
        if let Some(session) = self.table.get_mut(&to) {
            session.queue.extend(queue);
            session.resends.extend(resends);
        }
    }

    /// Finds out who is sent a response; where nobody is, it may be kept.
    ///
    /// While nobody is there, the reference keeps only messages, others all that ends an operation or tells what became
    /// of a message (§3.6, A.2).
    pub(in super::super) fn deliver(
        &mut self,
        env: &Env<'_>,
        app: AppId,
        response: AnyResponse,
    ) -> Option<(ConnId, AnyResponse)> {
        let results = !env.quirks().lost_results;
        let keeps = match &response {
            AnyResponse::MessageReply(_) => true,
            AnyResponse::MessageSent(_) => results,
            AnyResponse::Reply(reply) => results && reply.kind.class() == Class::Operation,
            _ => false,
        };
        match self.table.get_mut(&app).map(|session| &mut session.link) {
            Some(Listener::On(conn)) => Some((*conn, response)),
            Some(Listener::Away { replies, .. }) => {
                if keeps && replies.len() < REPLIES_MAX {
                    replies.push_back(response);
                }
                None
            }
            None => None,
        }
    }
}
