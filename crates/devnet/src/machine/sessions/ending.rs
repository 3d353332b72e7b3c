//! What becomes of a session whose connection ends (§3.6-3.8).

use std::collections::{BTreeMap, VecDeque};

use kpthin_core::wire::AppId;

use super::{Due, Listener, Sessions};
use crate::env::Env;
use crate::machine::ConnId;

/// Sessions that are away; at the bound the one that would expire first ends. The reference has none.
const AWAY_MAX: usize = 1_024;

impl Sessions {
    /// Takes note that a connection which acted for a session has ended, without a farewell.
    ///
    /// Returns the session that has to be forgotten for it: this one, or one that was away for longest. `stops` says
    /// that the daemon is about to end, so that no session is worth keeping.
    ///
    /// The reference takes the session off the air whichever connection it is on (§3.8).
    pub(in super::super) fn deregister(
        &mut self,
        env: &Env<'_>,
        app: AppId,
        conn: ConnId,
        stops: bool,
    ) -> Option<AppId> {
        let quirks = env.quirks();
        let session = self.table.get_mut(&app)?;
        if quirks.lost_queue {
            session.queue.retain(|queued| queued.conn != conn);
        }
        if session.is_away() || !(quirks.silencing_takeover || session.is_on(conn)) {
            return None;
        }
        if session.tokens.is_empty() || stops {
            return Some(app);
        }
        let lost = quirks.lost_retransmissions.and_then(|most| usize::try_from(most).ok()).unwrap_or(0);
        drop(session.resends.drain(..lost.min(session.resends.len())));
        let expires = self.schedule.add(env.now + env.config.grace_period, Due::Grace(app));
        session.link = Listener::Away { expires, replies: VecDeque::new() };
        self.first_to_expire()
    }

    /// The session that would expire first, if there are too many that are away.
    fn first_to_expire(&self) -> Option<AppId> {
        let away = self.table.iter().filter_map(|(app, session)| match session.link {
            Listener::Away { expires, .. } => Some((expires, *app)),
            Listener::On(_) => None,
        });
        let away: BTreeMap<_, _> = away.collect();
        if away.len() > AWAY_MAX { away.into_values().next() } else { None }
    }

    /// Forgets a session with its tokens and what waits for it.
    pub(in super::super) fn forget(&mut self, app: AppId) {
        let Some(session) = self.table.remove(&app) else { return };
        for token in &session.tokens {
            self.tokens.remove(token);
        }
        if let Listener::Away { expires, .. } = session.link {
            self.schedule.cancel(expires);
        }
        if let Some(ticket) = session.rearms {
            self.schedule.cancel(ticket);
        }
    }

    /// All sessions.
    pub(in super::super) fn all(&self) -> Vec<AppId> {
        self.table.keys().copied().collect()
    }
}
